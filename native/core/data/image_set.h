// The pictures of a run as the core has them: all of them on the device, or known by their number alone.
#pragma once

#include <string>
#include <vector>

#include "core/api.h"
#include "core/runtime/host_tensor.h"

namespace shinsaku {

struct ImageSet : Images {
  std::vector<int64_t> shape;  // N,H,W,C
  at::Device device = at::kCPU;
  at::Tensor pixels;  // uint8 of that shape on the device; undefined where the set is not resident
  at::Tensor labels;  // float [N,width] on the device; undefined where there are none

  int64_t count() const { return shape[0]; }
  bool resident() const { return pixels.defined(); }
  int64_t HostBytes() const override {
    int64_t bytes = 0;
    for (const at::Tensor& tensor : {pixels, labels})
      if (tensor.defined()) bytes += HostBytesOf(tensor);
    return bytes;
  }
};

// Throws SHAPE_INVALID unless `shape` is one of pictures, N,H,W,C, and `pixels`, where given, are as many
// bytes.
void RequirePictures(std::optional<Bytes> pixels, const std::vector<int64_t>& shape);

// Such as "10x32x32x3".
std::string SizesText(const std::vector<int64_t>& sizes);

}  // namespace shinsaku
