// Samples pictures with a DCGAN's generator.
#include "core/models/dcgan/kind.h"
#include "core/models/one_pass.h"
#include "core/nn/dcgan.h"
#include "core/runtime/random.h"

namespace shinsaku {
namespace {

using FixedDcgan = FixedGenerator<DcganPlan, DcganGenerator>;

class DcganSampler : public OnePassSampler<FixedDcgan> {
 public:
  DcganSampler(const std::shared_ptr<FixedDcgan>& fixed, const Spec& args,
               const std::vector<HostTensor>& inputs)
      : DcganSampler(fixed, args, inputs, Text(args, "batchNorm") == "running") {}

 private:
  // Statistics of the batch are those of all pictures together.
  DcganSampler(const std::shared_ptr<FixedDcgan>& fixed, const Spec& args,
               const std::vector<HostTensor>& inputs, bool running)
      : OnePassSampler(fixed, SamplerArgs(args, inputs, {fixed->plan.latent}, running), fixed->plan.range()),
        statistics_(running ? BatchStatistics::kRunning : BatchStatistics::kBatch),
        labels_(fixed->plan.labels.Asked(args, args_.rows, fixed->device)) {}

  Tensor Generate() override {
    const auto draw = [&](uint64_t seed) {
      return DrawLatent(fixed_->plan, 1, CpuGenerator(seed)).select(0, 0);
    };
    const Tensor z = Rows([&](int64_t i) { return args_.Latent(i, draw); });
    return fixed_->network.Forward(*fixed_->ops, z, labels_, statistics_);
  }

  BatchStatistics statistics_;
  Tensor labels_;  // [rows,width]; undefined for a network without labels
};

}  // namespace

std::unique_ptr<InferenceModel> MakeDcganInferenceModel(const Spec& spec, const NamedTensors& weights,
                                                        at::Device device) {
  auto fixed = std::make_shared<FixedDcgan>(
      spec, device, weights, DcganGenerator(DcganPlan(spec), Fill::kEmpty, device, std::nullopt));
  return std::make_unique<OnePassModel<FixedDcgan, DcganSampler>>(std::move(fixed));
}

}  // namespace shinsaku
