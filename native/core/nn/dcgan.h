// The two networks of the DCGAN in three published variants, at 32, 64, 96 or 128 px.
//
// Both are a stem or head that spans the smallest map (4x4; 6x6 at 96 px) and a stage for each halving of the
// side. `width` is the generator's last and the discriminator's first hidden width; each stage inwards
// doubles it.
//
//   variant   after                          generator names                    discriminator names
//   pytorch  github pytorch/examples dcgan  main.N as in its checkpoints       main.N as in its checkpoints
//   chainer  mattya/chainer-DCGAN           l0z bn0l dc1 bn1 ... dc4           c0 c1 bn1 ... c3 bn3 l4l
//   radford  Radford 2015, Newmu's code     project norm0 deconv1 norm1 ...    conv0 conv1 norm1 ... head
//
// State names have "generator." or "discriminator." in front and PyTorch's endings (weight, bias,
// running_mean, running_var; num_batches_tracked in variant pytorch only). The numbers of the last two rows
// grow with the size. With labels there is label_emb.weight in both.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/api.h"
#include "core/data/pixels.h"
#include "core/nn/label_plan.h"
#include "core/nn/parameters.h"
#include "core/ops/ops.h"

namespace shinsaku {

enum class DcganVariant { kPytorch, kChainer, kRadford };

struct DcganPlan {
  // Reads "variant", "size", "channels", "latent", "width" and the layout of labels.
  explicit DcganPlan(const Spec& spec);

  DcganVariant variant;
  int64_t size, channels, latent, width;
  int64_t stem;    // side of the smallest map
  int64_t stages;  // halvings from `size` to `stem`
  LabelPlan labels;
  // Numbers that the generator is given for a picture: the latent and, for labels, as many again.
  int64_t inputs() const { return labels.attributes() > 0 ? 2 * latent : latent; }

  PixelRange range() const {
    return variant == DcganVariant::kChainer ? PixelRange::kChainer : PixelRange::kDcgan;
  }
};

// Latent vectors [count,latent] on the generator's own device: normal in variant pytorch, else uniform in
// (-1,1).
Tensor DrawLatent(const DcganPlan& plan, int64_t count, at::Generator generator);

// A weight layer and the batch norm behind it.
struct DcganLayer {
  std::string name, norm_name;
  Tensor weight, bias;  // bias undefined where the variant has none
  std::optional<BatchNormWeights> norm;
};

class DcganGenerator {
 public:
  DcganGenerator(const DcganPlan& plan, Fill fill, at::Device device, std::optional<at::Generator> generator);
  // z [N,latent], and rows of labels [N,width] for a network that knows some -> [N,channels,size,size]: in
  // [-1,1] by tanh, unbounded in variant chainer.
  Tensor Forward(Ops& ops, const Tensor& z, const Tensor& labels, BatchStatistics statistics) const;
  ParameterSet& set() { return set_; }

 private:
  DcganPlan plan_;
  ParameterSet set_;
  std::vector<DcganLayer> layers_;
  Tensor labels_;  // undefined where it knows none
};

class DcganDiscriminator {
 public:
  DcganDiscriminator(const DcganPlan& plan, Fill fill, at::Device device,
                     std::optional<at::Generator> generator);
  // x [N,channels,size,size], and rows of labels [N,width] for a network that knows some -> logits of "is
  // data" [N]; in variant chainer [N,2], class 0 data, class 1 generated. Labels add their product with the
  // mean of the last map to the logit of data (projection: Miyato 2018, 1802.05637).
  Tensor Forward(Ops& ops, const Tensor& x, const Tensor& labels, BatchStatistics statistics) const;
  ParameterSet& set() { return set_; }

 private:
  DcganPlan plan_;
  ParameterSet set_;
  std::vector<DcganLayer> layers_;
  Tensor labels_;  // undefined where it knows none
};

}  // namespace shinsaku
