// The classifier as a kind of model: what core/models/registry.cc lists.
#pragma once

#include <memory>

#include "core/models/training_step.h"
#include "core/ops/recorder.h"

namespace shinsaku {

std::unique_ptr<TrainingStep> MakeClassifierTrainingStep(const Spec& spec, RandomState& random,
                                                         at::Device device);
// Its Sample() makes no pictures: it takes "picture", uint8 [n,H,W,C], and Values() of what it returns are
// the logits, float32 [n,classes].
std::unique_ptr<InferenceModel> MakeClassifierInferenceModel(const Spec& spec, const NamedTensors& weights,
                                                             at::Device device);
int64_t DescribeClassifier(const Spec& spec, Recorder& recorder);

}  // namespace shinsaku
