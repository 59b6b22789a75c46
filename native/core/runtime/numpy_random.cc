// The normal numbers of NumPy's RandomState(seed).randn(), in which published galleries give their seeds.
#include "core/runtime/numpy_random.h"

#include <cmath>
#include <random>

namespace shinsaku {

std::vector<double> NumpyNormals(uint32_t seed, int64_t count) {
  std::mt19937 twister(seed);
  const auto uniform = [&] {  // in [0,1)
    const uint32_t high = static_cast<uint32_t>(twister()) >> 5, low = static_cast<uint32_t>(twister()) >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
  };
  std::vector<double> normals;
  while (static_cast<int64_t>(normals.size()) < count) {
    double x, y, square;
    do {
      x = 2 * uniform() - 1;
      y = 2 * uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square == 0);
    const double length = std::sqrt(-2 * std::log(square) / square);
    normals.push_back(length * y);
    normals.push_back(length * x);
  }
  normals.resize(static_cast<size_t>(count));
  return normals;
}

}  // namespace shinsaku
