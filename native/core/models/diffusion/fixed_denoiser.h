// A denoiser that the samplers of a model share: its predictions, guided by labels where some are asked for.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/models/diffusion/denoiser.h"
#include "core/runtime/graphs.h"

namespace shinsaku {

// What the network is told of the pictures of a call, and how strongly it is to follow.
struct Direction {
  at::Tensor labels;   // F32 [rows,width]; undefined where nothing is asked for
  at::Tensor factors;  // scale and rescale of Guide(), F32 [2]; undefined for no guidance
  at::Tensor given;    // F32 [rows,K,H,W], the condition; undefined for a network without one
  bool rescale = false;
  bool project = false;  // GuideProjected() in place of Guide()
  bool nothing() const { return !labels.defined() && !given.defined(); }
};

struct FixedDenoiser {
  Spec spec;
  at::Device device;
  Denoiser denoiser;
  std::unique_ptr<Graphs> graphs;  // those that replay its predictions; null where none do
  // Of the graphs by batch: x, t, the condition, labels, factors and what is given.
  std::map<int64_t, std::vector<at::Tensor>> inputs;

  Denoiser::Prediction Predict(const at::Tensor& x, const at::Tensor& t, const at::Tensor& condition,
                               bool clip, const Direction& direction);
};

}  // namespace shinsaku
