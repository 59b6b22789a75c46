// The kinds of model there are. A new one is its files and one line here (and one in lib/models/table.ts).
#include "core/recipes/diffusion.h"
#include "core/recipes/gan.h"
#include "core/recipes/gan_sampler.h"
#include "core/recipes/recipe.h"

namespace shinsaku {
namespace {

const ModelKind kModels[] = {
    {"diffusion", MakeDiffusion, MakeDiffusionGenerator, TraceDiffusion},
    {"dcgan", MakeGan, MakeGanGenerator, TraceGan},
};

}  // namespace

const ModelKind& FindModel(const Spec& spec) {
  const std::string& name = Text(spec, "model");
  for (const ModelKind& kind : kModels) {
    if (name == kind.name) return kind;
  }
  throw Failure("NATIVE_FAILED", "unknown model \"" + name + "\"");
}

}  // namespace shinsaku
