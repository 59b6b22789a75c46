// What JavaScript can call to measure pictures. Each method parses, hands work to the device thread,
// converts. Somebody waits for the numbers, as for samples: all of it goes before training.
#include "napi/addon.h"
#include "napi/convert.h"

namespace shinsaku {

template <>
const napi_type_tag Handle<PixelIndex>::kTag = {0x7368696e73616b75, 6};
template <>
const napi_type_tag Handle<Embedder>::kTag = {0x7368696e73616b75, 7};
template <>
const napi_type_tag Handle<Features>::kTag = {0x7368696e73616b75, 8};
template <>
const napi_type_tag Handle<Patches>::kTag = {0x7368696e73616b75, 9};
template <>
const napi_type_tag Handle<Measure>::kTag = {0x7368696e73616b75, 10};

namespace {

Napi::Value nearest(const Napi::CallbackInfo& info, std::shared_ptr<PixelIndex> core) {
  KeepAlive keep;
  const Bytes pixels = ToBytes(info[0], keep);
  return Instance(info.Env())
      .queue.RunFirst(
          info.Env(), std::move(keep),
          [core, pixels, shape = ToShape(info[1]), args = ToSpec(info[2])] {
            return core->Nearest(pixels, shape, args);
          },
          FromNeighbours);
}

Napi::Value embed(const Napi::CallbackInfo& info, std::shared_ptr<Embedder> core) {
  KeepAlive keep;
  const Bytes pixels = ToBytes(info[0], keep);
  return Instance(info.Env())
      .queue.RunFirst(
          info.Env(), std::move(keep),
          [core, pixels, shape = ToShape(info[1])] { return core->Embed(pixels, shape); }, FromFloats);
}

Napi::Value appendRows(const Napi::CallbackInfo& info, std::shared_ptr<Features> core) {
  KeepAlive keep;
  const Floats rows = ToFloats(info[0], keep);
  return Instance(info.Env())
      .queue.RunFirst(
          info.Env(), std::move(keep), [core, rows] { return core->Append(rows), true; }, FromNothing);
}

Napi::Value statistics(const Napi::CallbackInfo& info, std::shared_ptr<Features> core) {
  return Instance(info.Env())
      .queue.RunFirst(info.Env(), {}, [core] { return core->Compute(); }, FromStatistics);
}

Napi::Value appendPictures(const Napi::CallbackInfo& info, std::shared_ptr<Patches> core) {
  KeepAlive keep;
  const Bytes pixels = ToBytes(info[0], keep);
  return Instance(info.Env())
      .queue.RunFirst(
          info.Env(), std::move(keep),
          [core, pixels, shape = ToShape(info[1])] { return core->Append(pixels, shape), true; },
          FromNothing);
}

Napi::Value step(const Napi::CallbackInfo& info, std::shared_ptr<Measure> core) {
  return Instance(info.Env()).queue.RunFirst(info.Env(), {}, [core] { return core->Step(); }, FromBoolean);
}

Napi::Value progress(const Napi::CallbackInfo& info, std::shared_ptr<Measure> core) {
  return Instance(info.Env()).queue.RunFirst(info.Env(), {}, [core] { return core->Progress(); }, FromNumber);
}

Napi::Value result(const Napi::CallbackInfo& info, std::shared_ptr<Measure> core) {
  return Instance(info.Env()).queue.RunFirst(info.Env(), {}, [core] { return core->Result(); }, FromResults);
}

Napi::Value pixelIndex(const Napi::CallbackInfo& call) {
  KeepAlive keep;
  const Bytes pixels = ToBytes(call[0], keep);
  return Instance(call.Env())
      .queue.RunFirst(
          call.Env(), std::move(keep),
          [pixels, shape = ToShape(call[1]), threads = ToCount(call[2])] {
            return Made<PixelIndex>(MakePixelIndex(pixels, shape, threads));
          },
          Wrap<PixelIndex>(&Addon::pixel_index));
}

Napi::Value embedder(const Napi::CallbackInfo& call) {
  KeepAlive keep;
  auto tensors = ToTensors(call[1], keep);
  return Instance(call.Env())
      .queue.RunFirst(
          call.Env(), std::move(keep),
          [spec = ToSpec(call[0]), tensors = std::move(tensors), threads = ToCount(call[2])] {
            return Made<Embedder>(MakeEmbedder(spec, tensors, threads));
          },
          Wrap<Embedder>(&Addon::embedder));
}

Napi::Value features(const Napi::CallbackInfo& call) {
  const int64_t width = ToCount(call[0]), keep = ToCount(call[1]), threads = ToCount(call[2]);
  return Instance(call.Env())
      .queue.RunFirst(
          call.Env(), {},
          [width, keep, threads] { return Made<Features>(MakeFeatures(width, keep, threads)); },
          Wrap<Features>(&Addon::features));
}

Napi::Value patches(const Napi::CallbackInfo& call) {
  return Instance(call.Env())
      .queue.RunFirst(
          call.Env(), {},
          [args = ToSpec(call[0]), threads = ToCount(call[1])] {
            return Made<Patches>(MakePatches(args, threads));
          },
          Wrap<Patches>(&Addon::patches));
}

FeaturesOrStatistics ToFeaturesOrStatistics(const Napi::Value& value, KeepAlive& keep) {
  if (Handle<Features>::Is(value)) return Handle<Features>::From(value, "features");
  return ToStatistics(value, keep);
}

Napi::Value frechetDistance(const Napi::CallbackInfo& call) {
  KeepAlive keep;
  auto a = ToFeaturesOrStatistics(call[0], keep), b = ToFeaturesOrStatistics(call[1], keep);
  return Instance(call.Env())
      .queue.RunFirst(
          call.Env(), std::move(keep),
          [a = std::move(a), b = std::move(b), threads = ToCount(call[2])] {
            return Made<Measure>(MeasureFrechetDistance(a, b, threads));
          },
          Wrap<Measure>(&Addon::measure));
}

// A measure of two sets and some numbers.
template <typename Set,
          std::unique_ptr<Measure> (*make)(std::shared_ptr<Set>, std::shared_ptr<Set>, const Spec&, int64_t)>
Napi::Value measure(const Napi::CallbackInfo& call) {
  auto a = Handle<Set>::From(call[0], "a set made by features() or patches()");
  auto b = Handle<Set>::From(call[1], "a set made by features() or patches()");
  return Instance(call.Env())
      .queue.RunFirst(
          call.Env(), {},
          [a = std::move(a), b = std::move(b), args = ToSpec(call[2]), threads = ToCount(call[3])] {
            return Made<Measure>(make(a, b, args, threads));
          },
          Wrap<Measure>(&Addon::measure));
}

}  // namespace

void DefineEvaluate(Napi::Env env, Napi::Object exports) {
  Addon& addon = Instance(env);
  addon.pixel_index = Napi::Persistent(
      Handle<PixelIndex>::Define(env, "PixelIndex", {Handle<PixelIndex>::Entry<nearest>("nearest")}));
  addon.embedder =
      Napi::Persistent(Handle<Embedder>::Define(env, "Embedder", {Handle<Embedder>::Entry<embed>("embed")}));
  addon.features = Napi::Persistent(Handle<Features>::Define(
      env, "Features",
      {Handle<Features>::Entry<appendRows>("append"), Handle<Features>::Entry<statistics>("statistics")}));
  addon.patches = Napi::Persistent(
      Handle<Patches>::Define(env, "Patches", {Handle<Patches>::Entry<appendPictures>("append")}));
  addon.measure = Napi::Persistent(Handle<Measure>::Define(
      env, "Measure",
      {Handle<Measure>::Entry<step>("step"), Handle<Measure>::Entry<progress>("progress"),
       Handle<Measure>::Entry<result>("result")}));
  const auto set = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  set("pixelIndex", pixelIndex);
  set("embedder", embedder);
  set("features", features);
  set("patches", patches);
  set("frechetDistance", frechetDistance);
  set("kernelDistance", measure<Features, MeasureKernelDistance>);
  set("precisionRecall", measure<Features, MeasurePrecisionRecall>);
  set("mind", measure<Features, MeasureMind>);
  set("slicedWasserstein", measure<Patches, MeasureSlicedWasserstein>);
}

}  // namespace shinsaku
