// Distilling a diffusion model to few steps, as a way of training.
#pragma once

#include <memory>

#include "core/models/training_step.h"

namespace shinsaku {

// For a spec with "distilSteps": the number of steps that the trained model takes for a picture. What its
// teacher needs is in teacher.h.
std::unique_ptr<TrainingStep> MakeDistillationStep(const Spec& spec, RandomState& random, at::Device device);

}  // namespace shinsaku
