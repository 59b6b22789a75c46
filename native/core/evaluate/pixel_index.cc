// Looks for the nearest of a set of pictures by their pixels, every one of them, in exact integers.
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/data/image_set.h"
#include "core/evaluate/differences.h"
#include "core/evaluate/measuring.h"
#include "core/runtime/cancel.h"
#include "core/runtime/unit_scope.h"

namespace shinsaku {
namespace {

// Bytes that are compared between two looks at the flag of shutting down; some hundredths of a second.
constexpr int64_t kBytesAtOnce = int64_t{1} << 27;

struct Neighbour {
  int64_t sum;
  int32_t index;
};

// The k smallest sums so far, smallest first. Of equal ones the first that came stays before.
class KSmallest {
 public:
  explicit KSmallest(size_t k) : k_(k) { found_.reserve(k + 1); }

  // A sum has to be less than this to enter.
  int64_t bound() const {
    return found_.size() < k_ ? std::numeric_limits<int64_t>::max() : found_.back().sum;
  }
  void Enter(const Neighbour& neighbour) {
    if (neighbour.sum >= bound()) return;
    const auto after = [](int64_t sum, const Neighbour& other) { return sum < other.sum; };
    found_.insert(std::upper_bound(found_.begin(), found_.end(), neighbour.sum, after), neighbour);
    if (found_.size() > k_) found_.pop_back();
  }
  const std::vector<Neighbour>& found() const { return found_; }

 private:
  size_t k_;
  std::vector<Neighbour> found_;
};

// Each row of each picture from right to left.
std::vector<uint8_t> Mirrored(Bytes pixels, const std::vector<int64_t>& shape) {
  const auto width = static_cast<size_t>(shape[2]), channels = static_cast<size_t>(shape[3]);
  const size_t row = width * channels;
  std::vector<uint8_t> mirrored(pixels.size());
  for (size_t begin = 0; begin < pixels.size(); begin += row)
    for (size_t x = 0; x < width; ++x)
      std::copy_n(pixels.data() + begin + x * channels, channels,
                  mirrored.data() + begin + (width - 1 - x) * channels);
  return mirrored;
}

class HostPixelIndex : public PixelIndex {
 public:
  HostPixelIndex(Bytes pixels, const std::vector<int64_t>& shape, int64_t threads)
      : spec_(MeasuringSpec(threads)), shape_(shape) {
    RequirePictures(pixels, shape);
    pixels_.assign(pixels.begin(), pixels.end());
    bytes_ = pixels_.size() / static_cast<size_t>(shape[0]);
  }

  Neighbours Nearest(Bytes pixels, const std::vector<int64_t>& shape, const Spec& args) override {
    const UnitScope scope(spec_);
    RequirePictures(pixels, shape);
    if (!std::equal(shape.begin() + 1, shape.end(), shape_.begin() + 1, shape_.end()))
      throw Failure("SHAPE_INVALID", "pictures of shape " + SizesText(shape) +
                                         " cannot be compared with those of the index, " + SizesText(shape_));
    const int64_t k = Integer(args, "k");
    if (k < 1 || k > shape_[0])
      throw Failure("SHAPE_INVALID", "k must be 1 to " + std::to_string(shape_[0]) +
                                         ", the pictures of the index; it is " + std::to_string(k));
    const bool l1 = Metric(args) == "l1";
    const auto mirrored = Flag(args, "mirrored") ? Mirrored(pixels, shape) : std::vector<uint8_t>();
    std::vector<KSmallest> nearest(static_cast<size_t>(shape[0]), KSmallest(k));
    Search(pixels, mirrored, l1 ? SumOfDifferences : SumOfSquares, nearest);

    Neighbours result;
    for (const auto& of_one : nearest)
      for (const auto& [sum, index] : of_one.found()) {
        const double mean = static_cast<double>(sum) / static_cast<double>(bytes_);
        result.indices.push_back(index);
        result.distances.push_back(l1 ? mean : std::sqrt(mean));
      }
    return result;
  }

  int64_t HostBytes() const override { return static_cast<int64_t>(pixels_.size()); }

 private:
  static const std::string& Metric(const Spec& args) {
    const std::string& metric = Text(args, "metric");
    if (metric != "l1" && metric != "l2")
      throw Failure("NATIVE_FAILED", "metric must be \"l1\" or \"l2\"; it is \"" + metric + "\"");
    return metric;
  }

  using Distance = int64_t (*)(const uint8_t*, const uint8_t*, size_t, int64_t);
  void Search(Bytes pixels, Bytes mirrored, Distance distance, std::vector<KSmallest>& nearest) const {
    const auto count = static_cast<int64_t>(nearest.size());
    const int64_t rows = std::max<int64_t>(1, kBytesAtOnce / static_cast<int64_t>(bytes_) / count);
    for (int64_t first = 0; first < shape_[0]; first += rows) {
      ThrowIfCancelled();
      const int64_t last = std::min(first + rows, shape_[0]);
      at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          auto& best = nearest[static_cast<size_t>(i)];
          const size_t offset = static_cast<size_t>(i) * bytes_;
          for (int64_t j = first; j < last; ++j) {
            const uint8_t* other = pixels_.data() + static_cast<size_t>(j) * bytes_;
            int64_t sum = distance(pixels.data() + offset, other, bytes_, best.bound());
            if (!mirrored.empty())
              sum = std::min(sum,
                             distance(mirrored.data() + offset, other, bytes_, std::min(sum, best.bound())));
            best.Enter({sum, static_cast<int32_t>(j)});
          }
        }
      });
    }
  }

  Spec spec_;
  std::vector<int64_t> shape_;
  std::vector<uint8_t> pixels_;
  size_t bytes_ = 0;  // of one picture
};

}  // namespace

std::unique_ptr<PixelIndex> MakePixelIndex(Bytes pixels, const std::vector<int64_t>& shape, int64_t threads) {
  return std::make_unique<HostPixelIndex>(pixels, shape, threads);
}

}  // namespace shinsaku
