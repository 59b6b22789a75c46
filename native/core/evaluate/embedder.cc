// Makes features of pictures with a network of fixed weights, in float32.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/isfinite.h>

#include <algorithm>

#include "core/data/image_set.h"
#include "core/data/pixels.h"
#include "core/evaluate/measuring.h"
#include "core/nn/efficientnet_lite.h"
#include "core/nn/inception.h"
#include "core/runtime/cancel.h"
#include "core/runtime/device.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/unit_scope.h"

namespace shinsaku {
namespace {

// Pictures that go through the network together: more are no faster, and their maps no longer fit the caches.
constexpr int64_t kTogether = 8;

class InceptionFeatures {
 public:
  InceptionFeatures(const FeatureWeights& weights, int64_t output) : network_(weights, output) {}
  // As pytorch-fid prepares pictures.
  Tensor operator()(Ops& ops, const Tensor& bytes) const {
    const Tensor x = ops.Resize(bytes / 255, Inception::kSide, Inception::kSide);
    return network_.Forward(ops, x * 2 - 1);
  }

 private:
  Inception network_;
};

class Lite0Features {
 public:
  explicit Lite0Features(const FeatureWeights& weights) : network_(weights) {}
  Tensor operator()(Ops& ops, const Tensor& bytes) const {
    const Tensor x = ops.Resize(bytes, EfficientNetLite0::kSide, EfficientNetLite0::kSide);
    return network_.Forward(ops, (x - 127) / 128);
  }

 private:
  EfficientNetLite0 network_;
};

template <typename Network>
class NetworkEmbedder : public Embedder {
 public:
  NetworkEmbedder(Spec spec, at::Device device, Network network, int64_t bytes)
      : spec_(std::move(spec)),
        device_(device),
        ops_(MakeOps("reference")),
        network_(std::move(network)),
        bytes_(bytes) {}

  std::vector<float> Embed(Bytes pixels, const std::vector<int64_t>& shape) override {
    RequirePictures(pixels, shape);
    if (shape[3] != 3)
      throw Failure("SHAPE_INVALID",
                    "the network needs pictures of 3 channels; these are " + SizesText(shape));
    const UnitScope scope(spec_);
    const at::NoGradGuard no_grad;
    // from_blob only reads.
    const Tensor all = at::from_blob(const_cast<uint8_t*>(pixels.data()), shape, at::kByte);
    std::vector<float> features;
    for (int64_t begin = 0; begin < shape[0]; begin += kTogether) {
      ThrowIfCancelled();
      const Tensor some = all.narrow(0, begin, std::min(kTogether, shape[0] - begin)).to(device_);
      const Tensor rows = network_(*ops_, ToByteValues(some)).to(at::kCPU).contiguous();
      if (!at::isfinite(rows).all().template item<bool>())
        throw Failure("WEIGHTS_NOT_FINITE",
                      "a feature is NaN or infinite: the network's weights do not work");
      const auto* values = rows.template const_data_ptr<float>();
      features.insert(features.end(), values, values + rows.numel());
    }
    return features;
  }

  int64_t HostBytes() const override { return bytes_; }

 private:
  Spec spec_;  // of a unit
  at::Device device_;
  std::unique_ptr<Ops> ops_;
  Network network_;
  int64_t bytes_;  // of its weights in the process's own memory
};

}  // namespace

std::unique_ptr<Embedder> MakeEmbedder(const Spec& spec, const std::vector<HostTensor>& tensors,
                                       int64_t threads) {
  const Spec measuring = MeasuringSpec(threads);
  const UnitScope scope(measuring);
  NamedTensors given;
  for (const auto& host : tensors) given.push_back({host.name, FromHost(host)});
  const at::Device device = DeviceOf(spec);
  const FeatureWeights weights(given, device);
  const std::string& network = Text(spec, "network");
  const int64_t output = Integer(spec, "output");
  const int64_t bytes = device.is_cpu() ? HostBytesOf(given) : 0;
  if (network == "inception")
    return std::make_unique<NetworkEmbedder<InceptionFeatures>>(measuring, device,
                                                                InceptionFeatures(weights, output), bytes);
  if (network != "efficientnet-lite0")
    throw Failure("NATIVE_FAILED",
                  "network must be \"inception\" or \"efficientnet-lite0\"; it is \"" + network + "\"");
  if (output != EfficientNetLite0::kWidth)
    throw Failure("NATIVE_FAILED",
                  "features of efficientnet-lite0 are 1280 wide, not " + std::to_string(output));
  return std::make_unique<NetworkEmbedder<Lite0Features>>(measuring, device, Lite0Features(weights), bytes);
}

}  // namespace shinsaku
