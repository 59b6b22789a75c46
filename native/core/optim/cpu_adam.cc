// Adam by the cpu sets' kernels: clipping, decay and update in one pass over the weights.
#include "core/optim/cpu_adam.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/scalar_tensor.h>

#include <algorithm>
#include <cmath>

namespace shinsaku {
namespace {

constexpr double kSoftly = 1e-6;     // clip_grad_norm_ adds it to the norm
constexpr int64_t kPiece = 1 << 15;  // floats that a thread takes at a time

// A stretch of one of the tensors.
struct Piece {
  size_t tensor;
  int64_t first, count;
};

std::vector<Piece> PiecesOf(const std::vector<at::Tensor>& tensors) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < tensors.size(); ++i)
    for (int64_t first = 0; first < tensors[i].numel(); first += kPiece)
      pieces.push_back({i, first, std::min(kPiece, tensors[i].numel() - first)});
  return pieces;
}

void EachPiece(const std::vector<Piece>& pieces, const auto& work) {
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) work(pieces[i], i);
  });
}

// The gradient in the order in which the parameter lies in memory.
at::Tensor Flat(const at::Tensor& parameter) {
  const at::Tensor& g = parameter.grad();
  if (g.strides() == parameter.strides() && g.is_non_overlapping_and_dense()) return g;
  return at::empty_like(parameter).copy_(g);
}

}  // namespace

void KernelAdam::Apply() {
  const at::NoGradGuard no_grad;
  const auto t = static_cast<double>(steps());
  const double correction1 = 1 - std::pow(options_.beta1, t), correction2 = 1 - std::pow(options_.beta2, t);
  const bool torch = options_.form == AdamOptions::Form::kTorch;
  cpu::AdamRun all;
  all.clip = clip_;
  all.decay = static_cast<float>(options_.weight_decay);
  all.take1 = static_cast<float>(1 - options_.beta1);
  all.beta2 = static_cast<float>(options_.beta2);
  all.take2 = static_cast<float>(1 - options_.beta2);
  all.rate = static_cast<float>(torch ? lr_ / correction1 : lr_ * std::sqrt(correction2) / correction1);
  all.widen = static_cast<float>(torch ? 1 / std::sqrt(correction2) : 1);
  all.eps = static_cast<float>(options_.eps);
  std::vector<cpu::AdamRun> runs;
  std::vector<at::Tensor> gradients;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& p = parameters_[i].tensor;
    if (!p.grad().defined()) continue;
    gradients.push_back(Flat(p));
    cpu::AdamRun run = all;
    run.p = p.data_ptr<float>();
    run.g = gradients.back().const_data_ptr<float>();
    run.m = exp_avg_[i].tensor.data_ptr<float>();
    run.v = exp_avg_sq_[i].tensor.data_ptr<float>();
    runs.push_back(run);
  }
  EachPiece(PiecesOf(gradients), [&](const Piece& piece, int64_t) {
    cpu::AdamRun run = runs[piece.tensor];
    run.p += piece.first, run.g += piece.first, run.m += piece.first, run.v += piece.first;
    run.count = piece.count;
    kernels_.adam(run);
  });
  clip_ = 1;
}

at::Tensor KernelAdam::Clip(double max_norm) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const auto& [name, tensor] : parameters_) {
    if (tensor.grad().defined()) gradients.push_back(Flat(tensor));
  }
  const std::vector<Piece> pieces = PiecesOf(gradients);
  std::vector<double> squares(pieces.size());
  EachPiece(pieces, [&](const Piece& piece, int64_t i) {
    squares[i] = kernels_.squares(gradients[piece.tensor].const_data_ptr<float>() + piece.first, piece.count);
  });
  double sum = 0;
  for (const double square : squares) sum += square;
  const double norm = std::sqrt(sum);
  clip_ = static_cast<float>(std::min(max_norm / (norm + kSoftly), 1.0));
  return at::scalar_tensor(norm, at::kFloat);
}

}  // namespace shinsaku
