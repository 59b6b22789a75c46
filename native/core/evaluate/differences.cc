// Distances of two pictures, exact: sums over their bytes in integers.
// Compiled with -O3, which makes vector instructions of the loops, and so without the precompiled header.
#include "core/evaluate/differences.h"

#include <algorithm>

namespace shinsaku {
namespace {

// Bytes between two looks at the limit: a 32-bit sum holds their squared differences.
constexpr size_t kPiece = 4096;

template <typename Term>
int64_t Sum(const uint8_t* a, const uint8_t* b, size_t bytes, int64_t limit, Term term) {
  int64_t total = 0;
  for (size_t begin = 0; begin < bytes && total <= limit; begin += kPiece) {
    const size_t end = std::min(begin + kPiece, bytes);
    int32_t sum = 0;
    for (size_t i = begin; i < end; ++i) sum += term(static_cast<int32_t>(a[i]) - static_cast<int32_t>(b[i]));
    total += sum;
  }
  return total;
}

}  // namespace

int64_t SumOfDifferences(const uint8_t* a, const uint8_t* b, size_t bytes, int64_t limit) {
  return Sum(a, b, bytes, limit, [](int32_t d) { return d < 0 ? -d : d; });
}

int64_t SumOfSquares(const uint8_t* a, const uint8_t* b, size_t bytes, int64_t limit) {
  return Sum(a, b, bytes, limit, [](int32_t d) { return d * d; });
}

}  // namespace shinsaku
