// The normal numbers of NumPy's RandomState(seed).randn(), in which published galleries give their seeds.
#pragma once

#include <cstdint>
#include <vector>

namespace shinsaku {

// The first `count` of them. MT19937, doubles of 53 bits, and the polar method of Marsaglia, whose pairs come
// second number first.
std::vector<double> NumpyNormals(uint32_t seed, int64_t count);

}  // namespace shinsaku
