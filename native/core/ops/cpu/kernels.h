// The vector kernels as the rest of the cpu set calls them: plain functions over rows of floats, one table
// for each instruction set. Rows are pixels, columns are channels padded with zeros to whole vectors.
#pragma once

#include <cstdint>

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
};

// One 3x3 convolution by Winograd's F(4x4, 3x3) (Lavin 2016): 36 frequencies of each tile.
struct Tiles {
  int sources = 1;                      // their channels follow each other
  const float* source[2] = {};          // NHWC
  int64_t channels[2] = {};             // padded
  int shift = 0;                        // 1: the sources have half the side, each pixel stands for 2x2
  int64_t height = 0, width = 0;        // of the result
  int64_t tiles_x = 0, tiles_each = 0;  // in a row; in a picture
  int64_t in = 0, out = 0;              // padded channels
  int64_t in_step = 0, out_step = 0;    // floats between frequencies of transformed input and product
  const float* zeros = nullptr;         // a pixel of padding, as wide as the widest source
  const float* bias = nullptr;          // [out]
  float* output = nullptr;              // NHWC
};

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

struct Kernels {
  const char* name;  // of the set that uses them
  int64_t lanes;     // floats in a vector
  int64_t panel;     // columns of a packed panel
  int64_t rows;      // rows that a product works on at once
  void (*gemm)(const Gemm& g);
  // F(4x4)'s form of w[rows][9][width], to u[frequency][row][width] with frequencies `step` apart.
  void (*weigh)(const float* w, int64_t rows, int64_t width, float* u, int64_t step);
  // Transforms the tiles first+begin .. first+end into v[frequency][slot][in], slot counted from `first`.
  void (*gather)(const Tiles& t, int64_t first, int64_t begin, int64_t end, float* v);
  // The way back from m[frequency][slot][out], with bias, into the picture.
  void (*scatter)(const Tiles& t, int64_t first, int64_t begin, int64_t end, const float* m);
  void (*norm)(const NormRows& n);
  // Sums of each column over the rows, then sums of squares of distances from sum/rows.
  void (*moments)(const float* x, int64_t rows, int64_t width, float* sum, float* squares);
  // Largest value of each column.
  void (*peaks)(const float* x, int64_t rows, int64_t row, int64_t width, float* peak);
  // x = exp(x - peak) by column, and the sums of each column.
  void (*exponents)(float* x, int64_t rows, int64_t row, int64_t width, const float* peak, float* sum);
  // Softmax over each group of `group` columns, times scale.
  void (*softmax)(float* x, int64_t rows, int64_t row, int64_t width, int64_t group, float scale);
};

// null where the processor (or its operating system) cannot run them.
const Kernels* Avx2Kernels();
const Kernels* Avx512Kernels();

}  // namespace shinsaku::cpu
