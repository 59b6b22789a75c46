// What the names of a run's tensors mean: the one place on this side of the boundary that knows.
// lib/checkpoint/state-names.ts is the other side's.
#pragma once

#include <string>

namespace shinsaku::state_names {

inline constexpr char kEma[] = "ema.";
inline constexpr char kOptimizer[] = "optimizer.";
inline constexpr char kRandom[] = "random.";
inline constexpr char kProgress[] = "progress.";

// Networks that a run learns from and does not change, and the pictures that they are making.
inline constexpr char kTeacher[] = "teacher.";
inline constexpr char kTrajectory[] = "trajectory.";

inline constexpr char kRandomCpu[] = "random.cpu";
inline constexpr char kRandomDevice[] = "random.device";

inline constexpr char kPosition[] = "progress.position";
inline constexpr char kEpochSeed[] = "progress.epoch_seed";
inline constexpr char kOrder[] = "progress.order";

// Counters of the average itself, not weights.
inline constexpr char kEmaStep[] = "ema.step";
inline constexpr char kEmaInitted[] = "ema.initted";
// The averaged form of a weight.
inline std::string Averaged(const std::string& weight) { return kEma + weight; }

// Adam's, of the parameter `name`; or, for its counter, of the network that `prefix` names ("" or
// "generator.").
inline std::string ExpAvg(const std::string& name) { return "optimizer.exp_avg." + name; }
inline std::string ExpAvgSq(const std::string& name) { return "optimizer.exp_avg_sq." + name; }
inline std::string AdamStep(const std::string& prefix) { return kOptimizer + prefix + "step"; }

// That of stochastic gradient descent, of the parameter `name`.
inline std::string Momentum(const std::string& name) { return "optimizer.momentum_buffer." + name; }

// The weight by which a network is told of labels.
inline constexpr char kLabels[] = "label_emb";

// The weight by which a network is told of augmentation: of training alone.
inline constexpr char kAugment[] = "augment_mlp";
inline bool IsAugment(const std::string& name) { return name.find(kAugment) != std::string::npos; }

inline bool IsMoment(const std::string& name) { return name.starts_with(ExpAvg("")); }
inline bool IsProgress(const std::string& name) { return name.starts_with(kProgress); }
// Neither averages nor what only a resumed run needs.
inline bool IsWeight(const std::string& name) {
  return !name.starts_with(kEma) && !name.starts_with(kOptimizer) && !name.starts_with(kRandom) &&
         !name.starts_with(kProgress) && !name.starts_with(kTeacher) && !name.starts_with(kTrajectory);
}

}  // namespace shinsaku::state_names
