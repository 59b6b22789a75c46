// The form in which the cpu set's maps lie in memory, and concatenations that are never made.
#include "core/ops/cpu/context.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace shinsaku::cpu {

void Context::Begin() {
  joined.clear();
  arena.Begin();
}

FeatureMap Context::NewFeatureMap(int64_t count, int64_t channels, int64_t height, int64_t width) {
  const int64_t step = weights.Padded(channels);
  const Tensor floats = arena.Floats(count * height * width * step);
  const Tensor view =
      floats.as_strided({count, channels, height, width}, {height * width * step, 1, width * step, step});
  return {view, floats.data_ptr<float>(), count, channels, height, width, step};
}

bool Context::IsMap(const Tensor& x) const {
  const int64_t step = weights.Padded(x.size(1));
  const int64_t strides[] = {x.size(2) * x.size(3) * step, 1, x.size(3) * step, step};
  return x.scalar_type() == at::kFloat && x.strides() == at::IntArrayRef(strides);
}

FeatureMap Context::MapOf(const Tensor& x) {
  const int64_t count = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3);
  if (IsMap(x)) return {x, x.data_ptr<float>(), count, channels, height, width, x.stride(3)};
  FeatureMap map = NewFeatureMap(count, channels, height, width);
  if (map.step != channels) std::fill_n(map.data, count * height * width * map.step, 0.0F);
  map.tensor.copy_(x);
  return map;
}

std::vector<Tensor> Context::Parts(const Tensor& x) const {
  for (const auto& [handle, parts] : joined) {
    if (handle.is_same(x)) return parts;
  }
  return {x};
}

std::vector<FeatureMap> Context::MapsOf(const Tensor& x) {
  std::vector<FeatureMap> maps;
  for (const Tensor& part : Parts(x)) maps.push_back(MapOf(part));
  return maps;
}

Tensor Context::Join(const Tensor& a, const Tensor& b) {
  // On the meta device it has a shape and no memory, so reading it by mistake fails.
  const Tensor handle = at::empty({a.size(0), a.size(1) + b.size(1), a.size(2), a.size(3)},
                                  at::TensorOptions(at::kFloat).device(at::kMeta));
  std::vector<Tensor> parts = Parts(a);
  // What nobody refers to any more gives its parts back.
  std::erase_if(joined, [](const auto& entry) { return entry.first.use_count() == 1; });
  for (const Tensor& part : Parts(b)) parts.push_back(part);
  joined.emplace_back(handle, std::move(parts));
  return handle;
}

const float* Context::Zeros(int64_t count) {
  if (!zeros_.defined() || zeros_.numel() < count) zeros_ = at::zeros({count}, at::kFloat);
  return zeros_.const_data_ptr<float>();
}

}  // namespace shinsaku::cpu
