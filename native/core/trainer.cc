// A run as the boundary sees it: training step, data order and random streams together, one unit at a time.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <map>

#include "core/distributed/communicator.h"
#include "core/models/registry.h"
#include "core/runtime/caching_allocator.h"
#include "core/runtime/cancel.h"
#include "core/runtime/device.h"
#include "core/runtime/finite.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/snapshot.h"
#include "core/runtime/unit_scope.h"
#include "core/state_names.h"

namespace shinsaku {
namespace {

using namespace state_names;

// Weights, without averages and optimizer state, which follow them.
NamedTensors WeightsOf(NamedTensors state) {
  std::erase_if(state, [](const NamedTensor& entry) { return !IsWeight(entry.name); });
  return state;
}

NamedTensors MomentsOf(NamedTensors state) {
  std::erase_if(state, [](const NamedTensor& entry) { return !IsMoment(entry.name); });
  return state;
}

// The spec of an inference model, which may run on another ops set than training does.
Spec SamplingSpec(Spec spec) {
  spec["ops"] = Text(spec, "samplingOps");
  return spec;
}

// Pictures of other sizes than the spec's are no pictures of this run.
void RequireShape(const Spec& spec, const ImageSet& images) {
  const int64_t size = Integer(spec, "size");
  const std::vector<int64_t> expected{images.count(), size, size, Integer(spec, "channels")};
  if (images.shape != expected) {
    throw Failure("SHAPE_INVALID", "the pictures are " + SizesText(images.shape) +
                                       ", but the network needs " + SizesText(expected));
  }
}

class RunTrainer : public Trainer {
 public:
  RunTrainer(const Spec& spec, std::shared_ptr<const ImageSet> images, std::shared_ptr<Communicator> group)
      : spec_(spec),
        group_(std::move(group)),
        kind_(FindModel(spec)),
        device_(DeviceOf(spec)),
        random_(SeedRandomState(static_cast<uint64_t>(Integer(spec, "seed")), device_)),
        training_step_(MakeTrainingStep()),
        loader_(images, BatchSampler(spec_, images->count(), training_step_->order(), random_.cpu)) {
    if (!group_) return;
    training_step_->Join(group_);
    loader_.Take(group_->share());
  }

  UpdatePlan Plan(int64_t updates) override {
    const RandomState random = random_.Fork();
    BatchSampler sampler = loader_.sampler().Fork(random.cpu);
    UpdatePlan plan;
    for (int64_t left = updates; left > 0; --left) {
      ThrowIfCancelled();
      std::vector<at::Tensor> batches;
      // Behind the last epoch that begins among these updates the order is known.
      if (sampler.DependsOnDraws(left * training_step_->batches())) {
        batches = training_step_->Rehearse(sampler, random);
      } else {
        for (int64_t i = 0; i < training_step_->batches(); ++i) batches.push_back(sampler.Next().indices);
      }
      const size_t before = plan.indices.size();
      for (const at::Tensor& batch : batches) {
        const at::Tensor rows = loader_.share().Rows(batch);
        const auto* indices = rows.const_data_ptr<int64_t>();
        plan.indices.insert(plan.indices.end(), indices, indices + rows.numel());
      }
      plan.sizes.push_back(static_cast<int32_t>(plan.indices.size() - before));
    }
    return plan;
  }

  Metrics Step(int64_t updates, std::optional<Bytes> pixels) override {
    loader_.BeginUnit(updates * training_step_->batches(), pixels);
    listed_.clear();
    const UnitScope scope(spec_, training_step_->graphs(), &allocator_);
    for (int64_t i = 0; i < updates; ++i) {
      if (i > 0) RunInterruptions();
      training_step_->Update(loader_, meter_);
      meter_.Add("images", static_cast<double>(loader_.sampler().images_seen()));
      meter_.Add("epoch", static_cast<double>(loader_.sampler().epoch()));
      allocator_.EndUpdate();
    }
    Metrics metrics = meter_.Read();
    if (group_) Average(metrics);
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
    const auto found = Listed().find(name);
    if (found == Listed().end()) {
      throw Failure("CHECKPOINT_MISMATCH", "this run has no tensor \"" + name + "\"");
    }
    const at::Tensor host = found->second.detach().to(at::kCPU).contiguous();
    RequireFinite(name, host);
    return BytesOf(host);
  }

  void Load(const std::vector<HostTensor>& tensors, LoadedPictures pictures) override {
    NamedTensors progress;
    for (const auto& host : tensors) {
      const auto found = Listed().find(host.name);
      if (found == Listed().end()) {
        throw Failure("CHECKPOINT_MISMATCH",
                      "the checkpoint has a tensor \"" + host.name + "\" that this run has not");
      }
      const at::Tensor value = FromHost(host);
      if (IsProgress(host.name)) {
        progress.push_back({host.name, value});
        continue;
      }
      Take({host.name, found->second}, value);
    }
    if (!progress.empty()) loader_.sampler().Load(progress, pictures);
  }

  void Reseed(uint64_t seed) override {
    listed_.clear();
    random_.cpu.set_current_seed(seed);
    random_.device.set_current_seed(seed);
  }

  void StartAt(int64_t images) override { loader_.sampler().StartAt(images); }

  void EndAt(int64_t images) override { training_step_->EndAt(images); }

  void Synchronize() override {
    if (!group_) return;
    listed_.clear();
    NamedTensors progress;
    for (const auto& entry : State()) {
      const at::Tensor value = entry.tensor.detach().to(at::kCPU).contiguous().clone();
      group_->Broadcast(value);
      if (group_->share().rank == 0) continue;
      if (IsProgress(entry.name)) {
        progress.push_back({entry.name, value});
      } else {
        Take(entry, value);
      }
    }
    if (!progress.empty()) loader_.sampler().Load(progress, LoadedPictures::kSame);
  }

  std::unique_ptr<Snapshot> MakeSnapshot(SnapshotOf what) override {
    NamedTensors state = training_step_->state();
    return CopySnapshot(what == SnapshotOf::kWeights ? WeightsOf(std::move(state))
                                                     : MomentsOf(std::move(state)));
  }

  std::vector<double> Loss(Bytes pixels, const std::vector<int64_t>& shape, const Spec& args) override {
    const auto images =
        std::static_pointer_cast<ImageSet>(MakeImages(pixels, shape, Text(spec_, "device"), {}));
    RequireShape(spec_, *images);
    const UnitScope scope(spec_);
    const at::NoGradGuard no_grad;
    const at::Tensor losses =
        training_step_->Loss(images->pixels, args).to(at::kDouble).to(at::kCPU).contiguous();
    const auto* values = losses.const_data_ptr<double>();
    return {values, values + losses.numel()};
  }

  std::unique_ptr<InferenceModel> MakeInferenceModel(const std::string& weights) override {
    const UnitScope scope(spec_);
    return kind_.make_inference_model(SamplingSpec(spec_), training_step_->weights(weights), device_);
  }

 private:
  std::unique_ptr<TrainingStep> MakeTrainingStep() {
    const UnitScope scope(spec_, nullptr, &allocator_);
    return kind_.make_training_step(spec_, random_, device_);
  }

  NamedTensors State() const {
    NamedTensors all = training_step_->state();
    for (const auto& entry : loader_.sampler().state()) all.push_back(entry);
    all.push_back({kRandomCpu, random_.cpu.get_state()});
    if (!device_.is_cpu()) all.push_back({kRandomDevice, random_.device.get_state()});
    return all;
  }

  // A checkpoint saves or loads a thousand in a row: they are listed once, until training replaces some.
  const std::map<std::string, at::Tensor>& Listed() {
    if (listed_.empty()) {
      for (const auto& [name, tensor] : State()) listed_[name] = tensor;
    }
    return listed_;
  }

  void Take(const NamedTensor& target, const at::Tensor& value) {
    CopyInto(target, value);
    if (target.name == kRandomCpu) LoadStream(random_.cpu, value);
    if (target.name == kRandomDevice) LoadStream(random_.device, value);
  }

  // Each process has the means over its own rows. What they all count together is the same everywhere.
  void Average(Metrics& metrics) const {
    std::vector<double> all;
    for (const auto& [name, values] : metrics) all.insert(all.end(), values.begin(), values.end());
    const at::Tensor sums = at::empty({static_cast<int64_t>(all.size())}, at::kDouble);
    std::copy(all.begin(), all.end(), sums.mutable_data_ptr<double>());
    group_->AllReduce(sums)();
    const auto* sum = sums.const_data_ptr<double>();
    for (auto& [name, values] : metrics)
      for (double& value : values) {
        if (name != "images" && name != "epoch") value = *sum / static_cast<double>(group_->share().size);
        ++sum;
      }
  }

  void LoadStream(at::Generator& stream, const at::Tensor& state) {
    listed_.clear();  // it holds a copy of the stream's state
    stream.set_state(state);
  }

  Spec spec_;
  std::shared_ptr<Communicator> group_;  // null where the run is one process's
  const ModelKind& kind_;
  at::Device device_;
  RandomState random_;
  CachingAllocator allocator_;
  std::unique_ptr<TrainingStep> training_step_;
  DataLoader loader_;
  Meter meter_;
  std::map<std::string, at::Tensor> listed_;  // State() by name
};

}  // namespace

std::unique_ptr<Trainer> MakeTrainer(const Spec& spec, std::shared_ptr<Images> images,
                                     std::shared_ptr<ProcessGroup> group) {
  auto set = std::dynamic_pointer_cast<ImageSet>(images);
  RequireShape(spec, *set);
  return std::make_unique<RunTrainer>(spec, std::move(set), CommunicatorOf(group));
}

std::vector<double> InferenceModel::StepTogether(const std::vector<std::shared_ptr<Sampler>>& samplers,
                                                 int64_t /*rows*/) {
  std::vector<double> progress;
  for (const auto& sampler : samplers) {
    sampler->Step();
    progress.push_back(sampler->Progress());
  }
  return progress;
}

std::unique_ptr<InferenceModel> MakeInferenceModel(const Spec& spec, const std::vector<HostTensor>& tensors) {
  const ModelKind& kind = FindModel(spec);
  const UnitScope scope(spec);
  NamedTensors weights;
  for (const auto& host : tensors) weights.push_back({host.name, FromHost(host)});
  return kind.make_inference_model(SamplingSpec(spec), weights, DeviceOf(spec));
}

Graph Trace(const Spec& spec) {
  const ModelKind& kind = FindModel(spec);
  if (!kind.trace) throw Failure("NATIVE_FAILED", std::string("model \"") + kind.name + "\" has no graph");
  GraphRecorder recorder;
  kind.trace(spec, recorder);
  return recorder.Take();
}

SamplingPlan PlanSampling(const Spec& spec, const Spec& args) {
  const ModelKind& kind = FindModel(spec);
  return kind.plan ? kind.plan(spec, args) : SamplingPlan();
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
