// The moving average of a network's weights: exponential with ema-pytorch's warm-up, or EDM2's power
// function.
#pragma once

#include <string>

#include "core/api.h"
#include "core/nn/parameters.h"

namespace shinsaku {

enum class EmaForm {
  k2022,  // ema-pytorch 0.0.9: d = (ema-cur); d *= 1-decay; ema -= d; the first average after copying copies
          // again
  k2023,  // 0.7.9: ema.lerp_(cur, 1-decay)
  kRamped,  // the same from the first update on, over at most a share "emaRamp" of the run so far (null: no
            // limit), as StyleGAN2 has it; buffers are copied
};

class Ema {
 public:
  // Reads "emaDecay", "emaLength" (null for the exponential one) and "emaEvery". Copies the weights; draws
  // nothing.
  Ema(const Spec& spec, const ParameterSet& online, EmaForm form);
  void Update();                 // once for each optimizer update
  NamedTensors weights() const;  // same names as the online state
  NamedTensors state();          // live tensors: ema.<name> and ema.step

 private:
  void UpdateExponential(int64_t k);
  void UpdateRamped(int64_t k);
  void Copy();
  void MoveBy(double weight);  // takes `weight` of the network's weights, keeps the rest of its own

  const ParameterSet& online_;
  NamedTensors average_;
  EmaForm form_;
  double decay_;
  double exponent_;  // of the power function; 0 for the exponential average
  double ramp_;      // half-life at most, as a share of the run so far; 0 for no limit
  int64_t every_;
  at::Tensor step_;     // I64 [1]
  at::Tensor initted_;  // I64 [1]
};

}  // namespace shinsaku
