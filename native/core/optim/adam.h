// Adam with the bits of its reference, gradient clipping and the learning rate's course.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/api.h"
#include "core/nn/parameters.h"

namespace shinsaku {

struct AdamOptions {
  double beta1, beta2, eps;
  double weight_decay;  // added to the gradient before the moments
  enum class Form {
    kTorch,    // torch.optim.Adam of 2.x, single tensor and foreach alike (lerp_ for the first moment)
    kChainer,  // 1.5.1: p -= lr*sqrt(1-b2^t)/(1-b1^t) * m/(sqrt(v)+eps)
  } form;
};

class Adam {
 public:
  // `prefix` names the network in state(): optimizer.exp_avg.<prefix><parameter>.
  Adam(const NamedTensors& parameters, const std::string& prefix, const AdamOptions& options);
  virtual ~Adam() = default;
  // The host's part of an update: counts it.
  virtual void Begin(double lr);
  // torch.nn.utils.clip_grad_norm_ for this update; returns the norm before, a device scalar.
  virtual at::Tensor Clip(double max_norm);
  virtual void Apply();  // the device's part: uses the gradients as they are, but for Clip()
  void ZeroGrad();       // sets gradients to none, as PyTorch does
  NamedTensors state();  // live tensors

 protected:
  int64_t steps() const;  // updates begun
  double lr_ = 0;
  NamedTensors parameters_;
  AdamOptions options_;
  NamedTensors exp_avg_, exp_avg_sq_;
  NamedTensor steps_;  // I64 [1] on the CPU
};

// The Adam for the spec's "ops": where nobody asks for the reference's bits, one made for the device.
std::unique_ptr<Adam> MakeAdam(const Spec& spec, const NamedTensors& parameters, const std::string& prefix,
                               const AdamOptions& options);

// Learning rate of the update that starts after `images` images: "lr", "warmup", "lrSchedule", "maxImages".
double LearningRate(const Spec& spec, int64_t images);

}  // namespace shinsaku
