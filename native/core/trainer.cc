// A run as the boundary sees it: recipe, data order and random random together, one unit at a time.
#include <ATen/ops/from_blob.h>

#include <map>

#include "core/models/registry.h"
#include "core/runtime/caching_allocator.h"
#include "core/runtime/device.h"
#include "core/runtime/finite.h"
#include "core/runtime/host_tensor.h"

namespace shinsaku {
namespace {

constexpr char kCpuStream[] = "random.cpu";
constexpr char kDeviceStream[] = "random.device";

// Weights, without averages and optimizer state, which follow them.
NamedTensors WeightsOf(NamedTensors state) {
  std::erase_if(state, [](const NamedTensor& entry) {
    return entry.name.starts_with("ema.") || entry.name.starts_with("optimizer.");
  });
  return state;
}

// The spec of a generator, which may run on another ops set than training does.
Spec Drawing(Spec spec) {
  spec["ops"] = Text(spec, "samplingOps");
  return spec;
}

class RunTrainer : public Trainer {
 public:
  RunTrainer(const Spec& spec, std::shared_ptr<const ImageSet> images)
      : spec_(spec),
        kind_(FindModel(spec)),
        device_(DeviceOf(spec)),
        random_(SeedRandomState(static_cast<uint64_t>(Integer(spec, "seed")), device_)),
        training_step_(MakeTrainingStep()),
        loader_(spec_, std::move(images), training_step_->order(), random_.cpu) {
    // So that records written before the first unit show what it will be computed with.
    ApplyPrecision(spec_);
  }

  Metrics Step(int64_t updates) override {
    listed_.clear();
    ApplyPrecision(spec_);
    const OnGraphStream stream(training_step_->graphs());
    const CachingAllocator::Use memory(allocator_);
    for (int64_t i = 0; i < updates; ++i) {
      training_step_->Update(loader_, meter_);
      meter_.Add("images", static_cast<double>(loader_.images_seen()));
      meter_.Add("epoch", static_cast<double>(loader_.epoch()));
      allocator_.EndUpdate();
    }
    Metrics metrics = meter_.Read();
    RequireFinite(metrics);
    RequireFinite(WeightsOf(training_step_->state()));
    return metrics;
  }

  int64_t HostBytes() const override { return HostBytesOf(State()); }

  std::vector<TensorInfo> Tensors() override {
    std::vector<TensorInfo> infos;
    for (const auto& entry : State()) infos.push_back(InfoOf(entry));
    return infos;
  }

  std::vector<uint8_t> Tensor(const std::string& name) override {
    // A checkpoint asks for a thousand in a row: they are listed once, until training replaces some.
    if (listed_.empty()) {
      for (const auto& [listed, tensor] : State()) listed_[listed] = tensor;
    }
    const auto found = listed_.find(name);
    if (found == listed_.end()) {
      throw Failure("CHECKPOINT_MISMATCH", "this run has no tensor \"" + name + "\"");
    }
    return BytesOf(found->second);
  }

  void Load(const std::vector<HostTensor>& tensors) override {
    listed_.clear();
    std::map<std::string, at::Tensor> live;
    for (const auto& [name, tensor] : State()) live[name] = tensor;
    for (const auto& host : tensors) {
      const auto found = live.find(host.name);
      if (found == live.end()) {
        throw Failure("CHECKPOINT_MISMATCH",
                      "the checkpoint has a tensor \"" + host.name + "\" that this run has not");
      }
      const at::Tensor value = FromHost(host);
      CopyInto({host.name, found->second}, value);
      if (host.name == kCpuStream) random_.cpu.set_state(value);
      if (host.name == kDeviceStream) random_.device.set_state(value);
    }
    loader_.Restore();
  }

  void Reseed(uint64_t seed) override {
    listed_.clear();
    random_.cpu.set_current_seed(seed);
    random_.device.set_current_seed(seed);
  }

  std::unique_ptr<InferenceModel> MakeInferenceModel(const std::string& weights) override {
    return kind_.make_inference_model(Drawing(spec_), training_step_->weights(weights), device_);
  }

 private:
  std::unique_ptr<TrainingStep> MakeTrainingStep() {
    const CachingAllocator::Use memory(allocator_);
    return kind_.make_training_step(spec_, random_, device_);
  }

  NamedTensors State() const {
    NamedTensors all = training_step_->state();
    for (const auto& entry : loader_.state()) all.push_back(entry);
    all.push_back({kCpuStream, random_.cpu.get_state()});
    if (!device_.is_cpu()) all.push_back({kDeviceStream, random_.device.get_state()});
    return all;
  }

  Spec spec_;
  const ModelKind& kind_;
  at::Device device_;
  RandomState random_;
  CachingAllocator allocator_;
  std::unique_ptr<TrainingStep> training_step_;
  DataLoader loader_;
  Meter meter_;
  std::map<std::string, at::Tensor> listed_;  // State() by name
};

std::string Sizes(at::IntArrayRef sizes) {
  std::string text;
  for (const int64_t size : sizes) text += (text.empty() ? "" : "x") + std::to_string(size);
  return text;
}

}  // namespace

std::shared_ptr<Images> MakeImages(const uint8_t* pixels, size_t bytes, const std::vector<int64_t>& shape,
                                   const std::string& device) {
  int64_t expected = shape.size() == 4 ? 1 : -1;
  for (const int64_t size : shape) expected = size > 0 ? expected * size : -1;
  if (expected <= 0 || static_cast<size_t>(expected) != bytes) {
    throw Failure("SHAPE_INVALID", "pictures of shape " + Sizes(shape) +
                                       " (count x height x width x channels) do not fit " +
                                       std::to_string(bytes) + " bytes");
  }
  auto images = std::make_shared<ImageSet>();
  // from_blob only reads: the clone is what stays.
  images->pixels =
      at::from_blob(const_cast<uint8_t*>(pixels), shape, at::kByte).clone().to(at::Device(device));
  return images;
}

std::unique_ptr<Trainer> MakeTrainer(const Spec& spec, std::shared_ptr<Images> images) {
  auto set = std::dynamic_pointer_cast<ImageSet>(images);
  const int64_t size = Integer(spec, "size");
  const std::vector<int64_t> expected{set->pixels.size(0), size, size, Integer(spec, "channels")};
  if (set->pixels.sizes() != expected) {
    throw Failure("SHAPE_INVALID", "the pictures are " + Sizes(set->pixels.sizes()) +
                                       ", but the network needs " + Sizes(expected));
  }
  return std::make_unique<RunTrainer>(spec, std::move(set));
}

std::unique_ptr<InferenceModel> MakeInferenceModel(const Spec& spec, const std::vector<HostTensor>& tensors) {
  NamedTensors weights;
  for (const auto& host : tensors) weights.push_back({host.name, FromHost(host)});
  return FindModel(spec).make_inference_model(Drawing(spec), weights, DeviceOf(spec));
}

Description Describe(const Spec& spec) {
  Recorder recorder;
  Description description;
  description.parameters = FindModel(spec).describe(spec, recorder);
  description.layers = recorder.layers();
  description.activation_bytes = static_cast<double>(recorder.saved_bytes());
  return description;
}

}  // namespace shinsaku
