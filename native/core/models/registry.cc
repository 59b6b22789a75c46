// The table of the kinds of model.
#include "core/models/registry.h"

#include "core/models/classifier/kind.h"
#include "core/models/dcgan/kind.h"
#include "core/models/diffusion/kind.h"
#include "core/models/pgan/kind.h"
#include "core/models/stylegan2/kind.h"

namespace shinsaku {
namespace {

constexpr ModelKind kKinds[] = {
    {"diffusion", MakeDiffusionTrainingStep, MakeDiffusionInferenceModel, DescribeDiffusion, TraceDiffusion,
     PlanDiffusion},
    {"dcgan", MakeDcganTrainingStep, MakeDcganInferenceModel, DescribeDcgan, TraceDcgan, nullptr},
    {"pgan", MakePganTrainingStep, MakePganInferenceModel, DescribePgan, TracePgan, nullptr},
    {"stylegan2", MakeStylegan2TrainingStep, MakeStylegan2InferenceModel, DescribeStylegan2, TraceStylegan2,
     nullptr},
    {"classifier", MakeClassifierTrainingStep, MakeClassifierInferenceModel, DescribeClassifier, nullptr,
     nullptr},
};

}  // namespace

const ModelKind& FindModel(const Spec& spec) {
  const std::string& name = Text(spec, "model");
  for (const ModelKind& kind : kKinds) {
    if (name == kind.name) return kind;
  }
  throw Failure("NATIVE_FAILED", "unknown model \"" + name + "\"");
}

}  // namespace shinsaku
