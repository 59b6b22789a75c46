// Everything JavaScript can call to train and to sample; evaluate.cc has the rest.
// Each method parses, hands work to the device thread, converts.
#include "napi/addon.h"

#include "napi/convert.h"

namespace shinsaku {

template <>
const napi_type_tag Handle<Images>::kTag = {0x7368696e73616b75, 1};
template <>
const napi_type_tag Handle<Sampler>::kTag = {0x7368696e73616b75, 2};
template <>
const napi_type_tag Handle<InferenceModel>::kTag = {0x7368696e73616b75, 3};
template <>
const napi_type_tag Handle<Trainer>::kTag = {0x7368696e73616b75, 4};
template <>
const napi_type_tag Handle<ProcessGroup>::kTag = {0x7368696e73616b75, 11};
template <>
const napi_type_tag Handle<Snapshot>::kTag = {0x7368696e73616b75, 5};

namespace {

Napi::Value step(const Napi::CallbackInfo& info, std::shared_ptr<Sampler> core) {
  return Instance(info.Env()).queue.RunFirst(info.Env(), {}, [core] { return core->Step(); }, FromBoolean);
}

Napi::Value progress(const Napi::CallbackInfo& info, std::shared_ptr<Sampler> core) {
  return Instance(info.Env()).queue.RunFirst(info.Env(), {}, [core] { return core->Progress(); }, FromNumber);
}

Napi::Value pixels(const Napi::CallbackInfo& info, std::shared_ptr<Sampler> core) {
  return Instance(info.Env()).queue.RunFirst(info.Env(), {}, [core] { return core->Pixels(); }, FromBytes);
}

Napi::Value values(const Napi::CallbackInfo& info, std::shared_ptr<Sampler> core) {
  return Instance(info.Env()).queue.RunFirst(info.Env(), {}, [core] { return core->Values(); }, FromBytes);
}

Napi::Value sampler(const Napi::CallbackInfo& info, std::shared_ptr<InferenceModel> core) {
  KeepAlive keep;
  auto inputs = ToInputs(info[1], keep);
  return Instance(info.Env())
      .queue.RunFirst(
          info.Env(), std::move(keep),
          [core, args = ToSpec(info[0]), inputs = std::move(inputs)] {
            return Made<Sampler>(core->Sample(args, inputs));
          },
          Wrap<Sampler>(&Addon::sampler));
}

Napi::Value stepTogether(const Napi::CallbackInfo& info, std::shared_ptr<InferenceModel> core) {
  const int64_t rows = ToCount(info[1]);
  if (!info[0].IsArray()) throw Napi::TypeError::New(info.Env(), "expected an array of samplers");
  const auto array = info[0].As<Napi::Array>();
  std::vector<std::shared_ptr<Sampler>> samplers;
  for (uint32_t i = 0; i < array.Length(); ++i)
    samplers.push_back(Handle<Sampler>::From(array.Get(i), "a sampler"));
  return Instance(info.Env())
      .queue.RunFirst(
          info.Env(), {},
          [core, samplers = std::move(samplers), rows] { return core->StepTogether(samplers, rows); },
          FromDoubles);
}

Napi::Value distance(const Napi::CallbackInfo& info, std::shared_ptr<Snapshot> core) {
  auto reference = Handle<Snapshot>::From(info[0], "a snapshot of a trainer");
  return Instance(info.Env())
      .queue.Run(info.Env(), {}, [core, reference] { return core->Distance(*reference); }, FromNumber);
}

Napi::Value distanceOfMoves(const Napi::CallbackInfo& info, std::shared_ptr<Snapshot> core) {
  auto start = Handle<Snapshot>::From(info[0], "a snapshot of a trainer");
  auto reference = Handle<Snapshot>::From(info[1], "a snapshot of a trainer");
  return Instance(info.Env())
      .queue.Run(
          info.Env(), {}, [core, start, reference] { return core->DistanceOfMoves(*start, *reference); },
          FromNumber);
}

Napi::Value plan(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  const int64_t updates = ToCount(info[0]);
  return Instance(info.Env())
      .queue.Run(info.Env(), {}, [core, updates] { return core->Plan(updates); }, FromPlan);
}

Napi::Value train(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  const int64_t updates = ToCount(info[0]);
  KeepAlive keep;
  const auto pixels = ToBytesOrNone(info[1], keep);
  return Instance(info.Env())
      .queue.Run(
          info.Env(), std::move(keep), [core, updates, pixels] { return core->Step(updates, pixels); },
          FromMetrics);
}

Napi::Value tensors(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  return Instance(info.Env()).queue.Run(info.Env(), {}, [core] { return core->Tensors(); }, FromInfos);
}

Napi::Value tensor(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  return Instance(info.Env())
      .queue.Run(
          info.Env(), {}, [core, name = info[0].ToString().Utf8Value()] { return core->Tensor(name); },
          FromBytes);
}

Napi::Value load(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  KeepAlive keep;
  auto tensors = ToTensors(info[0], keep);
  const auto pictures =
      ToChoice<LoadedPictures>(info[1], {{"same", LoadedPictures::kSame}, {"other", LoadedPictures::kOther}});
  return Instance(info.Env())
      .queue.Run(
          info.Env(), std::move(keep),
          [core, pictures, tensors = std::move(tensors)] { return core->Load(tensors, pictures), true; },
          FromNothing);
}

Napi::Value reseed(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  const auto seed = static_cast<uint64_t>(ToCount(info[0]));
  return Instance(info.Env())
      .queue.Run(info.Env(), {}, [core, seed] { return core->Reseed(seed), true; }, FromNothing);
}

Napi::Value startAt(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  const int64_t images = ToCount(info[0]);
  return Instance(info.Env())
      .queue.Run(info.Env(), {}, [core, images] { return core->StartAt(images), true; }, FromNothing);
}

Napi::Value endAt(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  const int64_t images = ToCount(info[0]);
  return Instance(info.Env())
      .queue.Run(info.Env(), {}, [core, images] { return core->EndAt(images), true; }, FromNothing);
}

Napi::Value synchronize(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  return Instance(info.Env())
      .queue.Run(info.Env(), {}, [core] { return core->Synchronize(), true; }, FromNothing);
}

Napi::Value set(const Napi::CallbackInfo& info, std::shared_ptr<ProcessGroup> core) {
  KeepAlive keep;
  const Bytes value = ToBytes(info[1], keep);
  return Instance(info.Env())
      .queue.Run(
          info.Env(), std::move(keep),
          [core, key = info[0].ToString().Utf8Value(), value] { return core->Set(key, value), true; },
          FromNothing);
}

Napi::Value get(const Napi::CallbackInfo& info, std::shared_ptr<ProcessGroup> core) {
  return Instance(info.Env())
      .queue.Run(
          info.Env(), {},
          [core, key = info[0].ToString().Utf8Value(), seconds = info[1].ToNumber().DoubleValue()] {
            return core->Get(key, seconds);
          },
          FromBytesOrNone);
}

Napi::Value remove(const Napi::CallbackInfo& info, std::shared_ptr<ProcessGroup> core) {
  return Instance(info.Env())
      .queue.Run(
          info.Env(), {}, [core, key = info[0].ToString().Utf8Value()] { return core->Remove(key), true; },
          FromNothing);
}

Napi::Value fail(const Napi::CallbackInfo& info, std::shared_ptr<ProcessGroup> core) {
  return Instance(info.Env())
      .queue.Run(
          info.Env(), {},
          [core, message = info[0].ToString().Utf8Value()] { return core->Fail(message), true; },
          FromNothing);
}

Napi::Value snapshot(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  const auto what =
      ToChoice<SnapshotOf>(info[0], {{"weights", SnapshotOf::kWeights}, {"moments", SnapshotOf::kMoments}});
  return Instance(info.Env())
      .queue.Run(
          info.Env(), {}, [core, what] { return Made<Snapshot>(core->MakeSnapshot(what)); },
          Wrap<Snapshot>(&Addon::snapshot));
}

Napi::Value loss(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  KeepAlive keep;
  const auto pixels = ToBytesOrNone(info[0], keep);
  if (!pixels) throw Napi::TypeError::New(info.Env(), "expected a Uint8Array");
  return Instance(info.Env())
      .queue.Run(
          info.Env(), std::move(keep),
          [core, pixels = *pixels, shape = ToShape(info[1]), args = ToSpec(info[2])] {
            return core->Loss(pixels, shape, args);
          },
          FromDoubles);
}

Napi::Value trained(const Napi::CallbackInfo& info, std::shared_ptr<Trainer> core) {
  return Instance(info.Env())
      .queue.RunFirst(
          info.Env(), {},
          [core, weights = info[0].ToString().Utf8Value()] {
            return Made<InferenceModel>(core->MakeInferenceModel(weights));
          },
          Wrap<InferenceModel>(&Addon::model));
}

Napi::Value info(const Napi::CallbackInfo& call) {
  return Instance(call.Env()).queue.RunFirst(call.Env(), {}, [] { return Info(); }, FromDeviceInfo);
}

Napi::Value images(const Napi::CallbackInfo& call) {
  KeepAlive keep;
  if (call[0].IsUndefined()) throw Napi::TypeError::New(call.Env(), "expected a Uint8Array, or null");
  const auto pixels = ToBytesOrNone(call[0], keep);
  const auto labels = ToFloatsOrNone(call[3], keep);
  return Instance(call.Env())
      .queue.Run(
          call.Env(), std::move(keep),
          [pixels, labels, shape = ToShape(call[1]), device = call[2].ToString().Utf8Value()] {
            return Made<Images>(MakeImages(pixels, shape, device, labels));
          },
          Wrap<Images>(&Addon::images));
}

Napi::Value trainer(const Napi::CallbackInfo& call) {
  auto images = Handle<Images>::From(call[1], "pictures made by images()");
  std::shared_ptr<ProcessGroup> group;
  if (!call[2].IsUndefined()) group = Handle<ProcessGroup>::From(call[2], "a group made by processGroup()");
  return Instance(call.Env())
      .queue.Run(
          call.Env(), {},
          [spec = ToSpec(call[0]), images, group] { return Made<Trainer>(MakeTrainer(spec, images, group)); },
          Wrap<Trainer>(&Addon::trainer));
}

Napi::Value processGroup(const Napi::CallbackInfo& call) {
  return Instance(call.Env())
      .queue.Run(
          call.Env(), {}, [spec = ToSpec(call[0])] { return Made<ProcessGroup>(MakeProcessGroup(spec)); },
          Wrap<ProcessGroup>(&Addon::process_group));
}

Napi::Value inferenceModel(const Napi::CallbackInfo& call) {
  KeepAlive keep;
  auto tensors = ToTensors(call[1], keep);
  return Instance(call.Env())
      .queue.RunFirst(
          call.Env(), std::move(keep),
          [spec = ToSpec(call[0]), tensors = std::move(tensors)] {
            return Made<InferenceModel>(MakeInferenceModel(spec, tensors));
          },
          Wrap<InferenceModel>(&Addon::model));
}

Napi::Value describe(const Napi::CallbackInfo& call) {
  return Instance(call.Env())
      .queue.RunFirst(call.Env(), {}, [spec = ToSpec(call[0])] { return Describe(spec); }, FromDescription);
}

Napi::Value trace(const Napi::CallbackInfo& call) {
  return Instance(call.Env())
      .queue.RunFirst(call.Env(), {}, [spec = ToSpec(call[0])] { return Trace(spec); }, FromGraph);
}

Napi::Value planSampling(const Napi::CallbackInfo& call) {
  return Instance(call.Env())
      .queue.RunFirst(
          call.Env(), {},
          [spec = ToSpec(call[0]), args = ToSpec(call[1])] { return PlanSampling(spec, args); },
          FromSamplingPlan);
}

void shutdown(const Napi::CallbackInfo& call) { Instance(call.Env()).queue.Shutdown(call.Env()); }

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto* addon = new Addon(env);
  env.SetInstanceData(addon);
  addon->images = Napi::Persistent(Handle<Images>::Define(env, "Images", {}));
  addon->sampler = Napi::Persistent(Handle<Sampler>::Define(
      env, "Sampler",
      {Handle<Sampler>::Entry<step>("step"), Handle<Sampler>::Entry<progress>("progress"),
       Handle<Sampler>::Entry<pixels>("pixels"), Handle<Sampler>::Entry<values>("values")}));
  addon->model = Napi::Persistent(
      Handle<InferenceModel>::Define(env, "InferenceModel",
                                     {Handle<InferenceModel>::Entry<sampler>("sampler"),
                                      Handle<InferenceModel>::Entry<stepTogether>("stepTogether")}));
  addon->snapshot = Napi::Persistent(
      Handle<Snapshot>::Define(env, "Snapshot",
                               {Handle<Snapshot>::Entry<distance>("distance"),
                                Handle<Snapshot>::Entry<distanceOfMoves>("distanceOfMoves")}));
  addon->trainer = Napi::Persistent(Handle<Trainer>::Define(
      env, "Trainer",
      {Handle<Trainer>::Entry<plan>("plan"), Handle<Trainer>::Entry<train>("step"),
       Handle<Trainer>::Entry<tensors>("tensors"), Handle<Trainer>::Entry<tensor>("tensor"),
       Handle<Trainer>::Entry<load>("load"), Handle<Trainer>::Entry<reseed>("reseed"),
       Handle<Trainer>::Entry<startAt>("startAt"), Handle<Trainer>::Entry<endAt>("endAt"),
       Handle<Trainer>::Entry<synchronize>("synchronize"), Handle<Trainer>::Entry<snapshot>("snapshot"),
       Handle<Trainer>::Entry<loss>("loss"), Handle<Trainer>::Entry<trained>("inferenceModel")}));
  addon->process_group = Napi::Persistent(Handle<ProcessGroup>::Define(
      env, "ProcessGroup",
      {Handle<ProcessGroup>::Entry<set>("set"), Handle<ProcessGroup>::Entry<get>("get"),
       Handle<ProcessGroup>::Entry<remove>("remove"), Handle<ProcessGroup>::Entry<fail>("fail")}));
  exports.Set("info", Napi::Function::New(env, info, "info"));
  exports.Set("images", Napi::Function::New(env, images, "images"));
  exports.Set("trainer", Napi::Function::New(env, trainer, "trainer"));
  exports.Set("processGroup", Napi::Function::New(env, processGroup, "processGroup"));
  exports.Set("inferenceModel", Napi::Function::New(env, inferenceModel, "inferenceModel"));
  exports.Set("describe", Napi::Function::New(env, describe, "describe"));
  exports.Set("trace", Napi::Function::New(env, trace, "trace"));
  exports.Set("planSampling", Napi::Function::New(env, planSampling, "planSampling"));
  DefineEvaluate(env, exports);
  exports.Set("shutdown", Napi::Function::New(env, shutdown, "shutdown"));
  return exports;
}

}  // namespace
}  // namespace shinsaku

// The macro makes plain C functions, which must not live in a namespace of the same name as the addon.
static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) { return shinsaku::Init(env, exports); }
NODE_API_MODULE(shinsaku, InitAddon)
