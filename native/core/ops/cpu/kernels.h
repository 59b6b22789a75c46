// The vector kernels as the rest of the cpu set calls them: plain functions over rows of floats, one table
// for each instruction set. Rows are pixels, columns are channels padded with zeros to whole vectors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shinsaku::cpu {

// c[r][n] (+)= sum over segments s and k of a[r*a_row + s*a_segment + k*a_column] * b[s*depth + k][n] +
// bias[n]. Each element is one chain of fused multiply-adds over (s, k), so it does not depend on its
// neighbours.
struct Gemm {
  const float* a = nullptr;
  int64_t a_row = 0, a_column = 1, a_segment = 0;
  int64_t segments = 1, depth = 0;
  const float* b = nullptr;
  int64_t b_row = 0;  // floats between rows of b; 0: packed, panels of at most Kernels::panel columns
  float* c = nullptr;
  int64_t c_row = 0;
  int64_t rows = 0, columns = 0;  // columns: whole vectors
  const float* bias = nullptr;    // [columns] or none
  bool accumulate = false;        // add to what c holds
  // What comes from memory next, fetched on the way: a line for each row of b, `ahead_step` floats apart.
  const float* ahead = nullptr;
  int64_t ahead_step = 0;
};

// Of a map of twice the size, with coordinates (2y + a, 2x + b): a and b are the phase of a pixel.
constexpr int kPhases = 4;

constexpr int64_t kFrequencies = 36;

// One 3x3 convolution by Winograd's F(4x4, 3x3) (Lavin 2016): 36 frequencies of each tile.
struct Tiles {
  int sources = 1;                    // their channels follow each other
  const float* source[kPhases] = {};  // NHWC
  int64_t channels[kPhases] = {};     // padded
  int shift = 0;                      // 1: the sources have half the side, each pixel stands for 2x2
  int64_t spread = 1;                 // 2: the sources are the phases of a map of twice the size
  int64_t out_spread = 1;             // 2: the result's channels are the phases of such a map
  int out_shift = 0;                  // 1: each 2x2 pixels of the result are added up: a map of half the side
  int64_t height = 0, width = 0;      // of the result
  int64_t tiles_x = 0, tiles_each = 0;  // in a row; in a picture
  int64_t in = 0, out = 0;              // padded channels
  int64_t in_row = 0;                   // floats between transformed tiles, at least `in`
  int64_t in_step = 0, out_step = 0;    // floats between frequencies of transformed input and product
  const float* zeros = nullptr;         // a pixel of padding, as wide as the widest source
  const float* bias = nullptr;          // [channels of the map]
  float* output = nullptr;              // NHWC
};

// The nine taps of a 3x3 kernel, for rows of one side's channels by vectors of the other's.
template <typename Float>
struct TapsOf {
  Float* first = nullptr;
  int64_t row_step = 0, y_step = 0, x_step = 0;  // floats; negative steps turn the kernel by 180 degrees
  unsigned absent = 0;                           // bit 3y + x: a tap that is zero, and not in memory
};
using Taps = TapsOf<const float>;

enum class Scaling { kFixed, kRms, kLayer };  // kFixed: statistics are in factor and offset already

// y = act(normalised x * factor + offset) + residual, row by row.
struct NormRows {
  Scaling scaling = Scaling::kFixed;
  bool silu = false, relu = false;
  const float* x = nullptr;
  float* y = nullptr;
  int64_t rows = 0, channels = 0, width = 0;  // width: padded channels, and floats between rows
  const float* factor = nullptr;              // [width], 0 in the padding
  const float* offset = nullptr;              // [width], 0 in the padding
  const float* residual = nullptr;            // [rows,width] or none
};

// The backward of a norm: rows of the gradient of what NormRows gives, without its residual. With xhat the
// normalised x and u = xhat * factor + offset, y = act(u).
struct NormBack {
  Scaling scaling = Scaling::kFixed;
  bool silu = false;
  const float* x = nullptr;
  const float* dy = nullptr;
  float* dx = nullptr;  // kFixed: the gradient of u
  int64_t rows = 0, width = 0;
  const float* factor = nullptr;  // [width]
  const float* offset = nullptr;  // [width]
  const float* centre = nullptr;  // kFixed: xhat = (x - centre) * scale, [width]
  const float* scale = nullptr;
  float* sums = nullptr;  // [2][width]: of the gradient of u, then of that times xhat
};

// One step of Adam over flat arrays. m and v are the moments' new values, p moves by
// -rate * m / (sqrt(v) * widen + eps).
struct AdamRun {
  float* p = nullptr;
  const float* g = nullptr;
  float* m = nullptr;
  float* v = nullptr;
  int64_t count = 0;
  float clip = 1, decay = 0;              // g * clip + p * decay is the gradient
  float take1 = 0, beta2 = 0, take2 = 0;  // 1 - beta1, beta2, 1 - beta2
  float rate = 0, widen = 1, eps = 0;
};

struct Kernels {
  const char* name;      // of the set that uses them
  int64_t vector_width;  // floats in a vector
  int64_t panel;         // columns of a packed panel
  int64_t rows;          // rows that a product works on at once
  void (*gemm)(const Gemm& g);
  // F(4x4)'s form of rows x width taps, to u[frequency][row][width] with frequencies `step` apart.
  void (*transform_weights)(const Taps& w, int64_t rows, int64_t width, float* u, int64_t step);
  // Transforms the tiles first+begin .. first+end into v[frequency][slot][in], slot counted from `first`.
  void (*transform_input)(const Tiles& t, int64_t first, int64_t begin, int64_t end, float* v);
  // From m[frequency][slot][out], with bias, back into the picture.
  void (*transform_output)(const Tiles& t, int64_t first, int64_t begin, int64_t end, const float* m);
  void (*norm)(const NormRows& n);
  // Sums of each column over the rows, then sums of squares of distances from sum/rows.
  void (*moments)(const float* x, int64_t rows, int64_t width, float* sum, float* squares);
  // Largest value of each column.
  void (*column_max)(const float* x, int64_t rows, int64_t row, int64_t width, float* peak);
  // x = exp(x - peak) by column, and the sums of each column.
  void (*exp_column_sum)(float* x, int64_t rows, int64_t row, int64_t width, const float* peak, float* sum);
  // Softmax over each group of `group` columns, times scale.
  void (*softmax)(float* x, int64_t rows, int64_t row, int64_t width, int64_t group, float scale);

  // What follows is for training.
  // A dy A^T of Winograd's weight gradient: the tiles of a gradient into v, as `transform_input` does for the
  // input.
  void (*transform_gradient)(const Tiles& t, int64_t first, int64_t begin, int64_t end, float* v);
  // w (+)= G^T u G for rows x width taps; u[frequency][row][column] with rows `u_row` apart.
  void (*transform_weight_gradient)(const float* u, int64_t step, int64_t u_row, int64_t rows, int64_t width,
                                    const TapsOf<float>& w, bool accumulate);
  // to[c][r] = from[r][c]; rows and columns are whole vectors.
  void (*transpose)(const float* from, int64_t from_row, int64_t rows, int64_t columns, float* to,
                    int64_t to_row);
  void (*norm_back)(const NormBack& n);
  // y = y * a + x * b + c by column.
  void (*scale_add)(const float* x, float* y, int64_t rows, int64_t width, const float* a, const float* b,
                    const float* c);
  // The backward of `softmax`: dy = y * (dy - sum(y * dy) / scale) for each group.
  void (*softmax_back)(const float* y, float* dy, int64_t rows, int64_t row, int64_t width, int64_t group,
                       float scale);
  // dy = y * (dy - share) by column.
  void (*exp_column_sum_backward)(const float* y, float* dy, int64_t rows, int64_t row, int64_t width,
                                  const float* share);
  // Sums of each column over the rows, added to `sum`.
  void (*column_sum)(const float* x, int64_t rows, int64_t width, float* sum);
  void (*adam)(const AdamRun& a);
  // The sum of squares.
  double (*squares)(const float* x, int64_t count);
};

// null where the processor (or its operating system) cannot run them. Each is defined for its architecture
// only.
const Kernels* Avx2Kernels();
const Kernels* Avx512Kernels();
const Kernels* NeonKernels();
// Those that this processor can run, fastest first.
std::vector<const Kernels*> AllKernels();
// The kernels of that set; null for "reference". Throws NATIVE_FAILED for one that this processor lacks.
const Kernels* KernelsNamed(const std::string& name);

}  // namespace shinsaku::cpu
