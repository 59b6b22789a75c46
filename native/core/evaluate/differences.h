// Distances of two pictures, exact: sums over their bytes in integers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shinsaku {

// Each ends early, with a sum so far, once that is more than `limit`.
int64_t SumOfDifferences(const uint8_t* a, const uint8_t* b, size_t bytes, int64_t limit);  // |a-b|
int64_t SumOfSquares(const uint8_t* a, const uint8_t* b, size_t bytes, int64_t limit);      // (a-b)^2

}  // namespace shinsaku
