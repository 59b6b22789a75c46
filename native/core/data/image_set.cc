// Makes a set of pictures from the bytes of a caller.
#include "core/data/image_set.h"

#include <ATen/ops/from_blob.h>

#include <limits>

namespace shinsaku {
namespace {

// Bytes of pictures of that shape; 0 where it is none.
int64_t BytesOf(const std::vector<int64_t>& shape) {
  int64_t bytes = shape.size() == 4 ? 1 : 0;
  for (const int64_t size : shape)
    if (size <= 0 || __builtin_mul_overflow(bytes, size, &bytes)) return 0;
  return bytes;
}

}  // namespace

std::string SizesText(const std::vector<int64_t>& sizes) {
  std::string text;
  for (const int64_t size : sizes) text += (text.empty() ? "" : "x") + std::to_string(size);
  return text;
}

void RequirePictures(std::optional<Bytes> pixels, const std::vector<int64_t>& shape) {
  const int64_t expected = BytesOf(shape);
  if (expected == 0 || shape[0] > std::numeric_limits<int32_t>::max() ||
      (pixels && pixels->size() != static_cast<size_t>(expected))) {
    throw Failure("SHAPE_INVALID",
                  "pictures of shape " + SizesText(shape) + " (count x height x width x channels) " +
                      (pixels ? "do not fit " + std::to_string(pixels->size()) + " bytes" : "are none"));
  }
}

std::shared_ptr<Images> MakeImages(std::optional<Bytes> pixels, const std::vector<int64_t>& shape,
                                   const std::string& device, std::optional<Floats> labels) {
  RequirePictures(pixels, shape);
  auto images = std::make_shared<ImageSet>();
  images->shape = shape;
  images->device = at::Device(device);
  // from_blob only reads: the clone is what stays.
  if (pixels)
    images->pixels =
        at::from_blob(const_cast<uint8_t*>(pixels->data()), shape, at::kByte).clone().to(images->device);
  if (labels) {
    const auto count = static_cast<size_t>(shape[0]);
    if (labels->empty() || labels->size() % count != 0)
      throw Failure("SHAPE_INVALID", std::to_string(labels->size()) +
                                         " labels are no rows of one width for " + std::to_string(count) +
                                         " pictures");
    const auto width = static_cast<int64_t>(labels->size() / count);
    images->labels = at::from_blob(const_cast<float*>(labels->data()), {shape[0], width}, at::kFloat)
                         .clone()
                         .to(images->device);
  }
  return images;
}

}  // namespace shinsaku
