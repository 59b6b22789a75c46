// The table of one instruction set; the including file says which.
#pragma once

#include "core/ops/cpu/kernels/gemm.h"
#include "core/ops/cpu/kernels/rows.h"
#include "core/ops/cpu/kernels/rows_back.h"
#include "core/ops/cpu/kernels/update.h"
#include "core/ops/cpu/kernels/winograd.h"
#include "core/ops/cpu/kernels/winograd_back.h"

namespace {

constexpr shinsaku::cpu::Kernels TableOf(const char* name) {
  return {.name = name,
          .vector_width = kLanes,
          .panel = kPanelVecs * kLanes,
          .rows = kTileRows,
          .gemm = Multiply,
          .transform_weights = TransformWeights,
          .transform_input = TransformInput,
          .transform_output = TransformOutput,
          .norm = Norm,
          .moments = Moments,
          .column_max = ColumnMax,
          .exp_column_sum = ExpColumnSum,
          .softmax = Softmax,
          .transform_gradient = TransformGradient,
          .transform_weight_gradient = TransformWeightGradient,
          .transpose = Transpose,
          .norm_back = NormBackward,
          .scale_add = ScaleAdd,
          .softmax_back = SoftmaxBack,
          .exp_column_sum_backward = ExpColumnSumBackward,
          .column_sum = ColumnSum,
          .adam = AdamStep,
          .squares = Squares};
}

}  // namespace
