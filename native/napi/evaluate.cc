// What JavaScript can call to measure pictures. Each method parses, hands work to the device thread,
// converts.
#include "napi/addon.h"
#include "napi/convert.h"

namespace shinsaku {

template <>
const napi_type_tag Handle<PixelIndex>::kTag = {0x7368696e73616b75, 6};

namespace {

Napi::Value nearest(const Napi::CallbackInfo& info, std::shared_ptr<PixelIndex> core) {
  KeepAlive keep;
  const Bytes pixels = ToBytes(info[0], keep);
  return Instance(info.Env())
      .queue.Run(
          info.Env(), std::move(keep),
          [core, pixels, shape = ToShape(info[1]), args = ToSpec(info[2])] {
            return core->Nearest(pixels, shape, args);
          },
          FromNeighbours);
}

Napi::Value pixelIndex(const Napi::CallbackInfo& call) {
  KeepAlive keep;
  const Bytes pixels = ToBytes(call[0], keep);
  return Instance(call.Env())
      .queue.Run(
          call.Env(), std::move(keep),
          [pixels, shape = ToShape(call[1])] { return Made<PixelIndex>(MakePixelIndex(pixels, shape)); },
          Wrap<PixelIndex>(&Addon::pixel_index));
}

}  // namespace

void DefineEvaluate(Napi::Env env, Napi::Object exports) {
  Addon& addon = Instance(env);
  addon.pixel_index = Napi::Persistent(
      Handle<PixelIndex>::Define(env, "PixelIndex", {Handle<PixelIndex>::Entry<nearest>("nearest")}));
  exports.Set("pixelIndex", Napi::Function::New(env, pixelIndex, "pixelIndex"));
}

}  // namespace shinsaku
