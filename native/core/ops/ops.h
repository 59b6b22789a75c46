// The ops set: every operation a network is made of. A network is written once as a walk over it; what runs
// the walk (reference, fast CPU, CUDA) is chosen by the set that is handed in.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/ops/recorder.h"

namespace shinsaku {

using at::Tensor;

struct ConvWeights {
  Tensor weight;  // [O,I,k,k]; transposed convolution [I,O,k,k]
  Tensor bias;    // [O] or undefined
};

struct LinearWeights {
  Tensor weight;  // [O,I]
  Tensor bias;    // [O] or undefined
};

// Normalisation over channels of one picture.
struct NormWeights {
  enum class Kind {
    kGroup,  // GroupNorm(kGroups, eps 1e-5), gain and bias [C]
    kLayer,  // (x-mean)/sqrt(var+1e-5)*g+b over channels, g and b [1,C,1,1]
    kRms,    // x/max(|x|,1e-12)*g*sqrt(C) over channels, g [1,C,1,1]
  } kind = Kind::kGroup;
  Tensor gain;
  Tensor bias;  // undefined for kRms

  static constexpr int64_t kGroups = 8;
};

// Attention with its own norm before it.
struct AttentionWeights {
  int64_t heads = 4;
  int64_t head_dim = 32;
  bool cosine = false;         // 2022 full attention: q and k L2-normalised, logits times 16
  bool divide_values = false;  // 2022 linear attention: v / (h*w)
  NormWeights norm;            // before
  Tensor memory;               // [2,heads,...] learned key/values of 2.3, else undefined
  Tensor to_qkv;               // [3*heads*head_dim,C,1,1], no bias
  ConvWeights to_out;          // 1x1
  NormWeights out_norm;        // after, linear attention only; gain undefined for none
};

struct BatchNormWeights {
  Tensor gain, bias;                 // [C]
  Tensor running_mean, running_var;  // [C]
  Tensor batches;                    // I64 scalar, num_batches_tracked; undefined where the source has none
  double momentum = 0.1;             // weight of the new batch in the running statistics
  double eps = 1e-5;
  enum class Form {
    kTorch,    // nn.BatchNorm
    kChainer,  // 1.5.1: eps enters the running variance, which test mode divides by as it is
  } form = Form::kTorch;
};

enum class BatchStatistics {
  kTrain,
  kBatch,
  kRunning
};  // kBatch: of the batch, without updating the running ones

enum class Activation { kRelu, kRelu6, kLeakyRelu, kElu, kTanh, kSilu, kGelu, kIdentity };

// What follows a convolution of a style network: times `scale`, plus noise, plus bias, a leaky ReLU, times
// `gain`.
struct StyledEnd {
  Tensor scale;            // [N,C] or undefined
  Tensor noise, strength;  // [N or 1,1,H,W] and a scalar; both undefined without noise
  Tensor bias;             // [C]
  double gain;
};

// What a convolution or a pooling moves over a picture; pairs are height, width.
struct Window {
  std::array<int64_t, 2> size;  // of a convolution, that of its weight
  std::array<int64_t, 2> stride{1, 1};
  std::array<int64_t, 2> padding{0, 0};
};

// The way around a block: x itself, or its 1x1 `shortcut`.
struct Residual {
  std::string layer;  // of the shortcut
  Tensor x;
  ConvWeights shortcut;  // weight undefined: none
};

enum class DownKind { kConv4, kUnshuffle };  // 4x4 stride 2 pad 1 / 2x2 pixel-unshuffle then 1x1

// The bodies here are the reference: ATen calls in the order of the PyTorch original, so the same bits, on
// any device. A set derives from it and overrides what it does faster.
class Ops {
 public:
  // `recorder`, which outlives this, notes every operation of the reference.
  explicit Ops(Recorder* recorder = nullptr) : recorder_(recorder) {}
  virtual ~Ops() = default;
  virtual const char* name() const { return "reference"; }

  // Names what comes next, for the recorder; nested by the caller: "downs.0.0.block1".
  virtual void Enter(const std::string& layer) {
    if (recorder_) recorder_->Enter(layer);
  }

  virtual Tensor Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding);
  virtual Tensor ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                               int64_t output_padding);
  // Of any shape of window; weight [O,I/groups,kh,kw].
  virtual Tensor Conv2d(const Tensor& x, const ConvWeights& w, const Window& window, int64_t groups);
  virtual Tensor MaxPool(const Tensor& x, const Window& window);
  virtual Tensor AvgPool(const Tensor& x,
                         const Window& window);     // of the values there are: padding counts not
  virtual Tensor MeanOfPositions(const Tensor& x);  // [N,C,H,W] to [N,C]
  // Adds zeros: rows above and below, columns left and right.
  virtual Tensor Pad(const Tensor& x, std::array<int64_t, 2> rows, std::array<int64_t, 2> columns);
  // Bilinear, corners not aligned, no antialias.
  virtual Tensor Resize(const Tensor& x, int64_t height, int64_t width);
  virtual Tensor Linear(const Tensor& x, const LinearWeights& w);
  virtual Tensor Activate(const Tensor& x, Activation activation);
  // Sines, then cosines, of t I64 [N] times each of `frequencies` F32 [half]; [N,2 half].
  virtual Tensor Sinusoids(const Tensor& t, const Tensor& frequencies);
  virtual Tensor Norm(const Tensor& x, const NormWeights& w);
  // norm(x) * (scale + 1) + shift where scale and shift [N,C,1,1] are defined, then SiLU.
  virtual Tensor NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale,
                              const Tensor& shift);
  // Batch norm, then the activation.
  virtual Tensor BatchNorm(const Tensor& x, const BatchNormWeights& w, BatchStatistics statistics,
                           Activation activation);
  // Each channel times its factor: x [N,C,H,W], factors [N,C].
  virtual Tensor Modulate(const Tensor& x, const Tensor& factors);
  // Puts up-1 zeros behind each pixel, adds `padding` zeros before and behind on both axes, correlates each
  // channel with `filter` [k,k] and keeps every down-th pixel. `filter` gets no gradient.
  virtual Tensor Resample(const Tensor& x, const Tensor& filter, int64_t up, int64_t down,
                          std::array<int64_t, 2> padding);
  virtual Tensor StyledActivation(const Tensor& x, const StyledEnd& end);
  // What keeps a styled convolution's outputs at a deviation of 1: 1 / sqrt(sum of squares of a picture's own
  // weights), [N,O]. styles [N,I], weight [O,I,k,k]; `energy` is EnergyOf(weight), or undefined.
  virtual Tensor Demodulation(const Tensor& styles, const Tensor& weight, const Tensor& energy);
  // Each pixel's channels divided by their root mean square; x [N,C] or [N,C,H,W].
  virtual Tensor PixelNorm(const Tensor& x);
  virtual Tensor Scale(const Tensor& x, double factor);
  virtual Tensor Add(const Tensor& a, const Tensor& b);
  virtual Tensor LinearAttention(const Tensor& x, const AttentionWeights& w);  // attention(x) + x
  virtual Tensor FullAttention(const Tensor& x, const AttentionWeights& w);    // attention(x) + x
  virtual Tensor Down(const Tensor& x, const ConvWeights& w, DownKind kind);
  virtual Tensor Up(const Tensor& x, const ConvWeights& w);  // nearest x2, then 3x3
  virtual Tensor Concat(const Tensor& a, const Tensor& b);   // over channels
  virtual Tensor Keep(const Tensor& x);                      // `x` for later, safe from changes in place
  virtual Tensor ConvNormFilmSilu(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                                  const Tensor& scale, const Tensor& shift);  // 3x3
  virtual Tensor ConvNormSiluAdd(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                                 const Residual& residual);  // 3x3, and the residual

  // The form in memory in which this set wants a weight.
  virtual at::MemoryFormat WeightFormat(const Tensor& /*weight*/) const {
    return at::MemoryFormat::Contiguous;
  }

  // Bytes of the forms in which this set keeps a generator's weight beside the weight itself, once it was
  // used.
  virtual int64_t PackedBytes(const Tensor& /*weight*/) const { return 0; }

  // A pass of the network begins: a set may use the memory of the last pass again.
  virtual void Begin() {}

 private:
  // Notes an operation with its weights, and what autograd saves for its backward. Returns `result`.
  Tensor Record(const char* operation, Tensor result, Recorder::Tensors weights, Recorder::Tensors saved) {
    if (recorder_) recorder_->Operation(operation, result, weights, saved);
    return result;
  }
  // The same for one without weights, which is no layer of its own.
  Tensor Record(Tensor result, Recorder::Tensors saved) {
    if (recorder_) recorder_->Save(saved);
    return result;
  }

  Recorder* recorder_;
};

// Of each output over the taps of its kernel: sums of squares [O,I].
Tensor EnergyOf(const Tensor& weight);

// Throws DATA_TOO_FEW where a batch norm over `x` has one value for each unit.
void RequireSeveralValues(const Tensor& x);

// The name of the set for CUDA devices.
inline constexpr char kCudaOps[] = "cuda";

// The set of that name: "reference", kCudaOps, or one of CpuOpsNames().
std::unique_ptr<Ops> MakeOps(const std::string& name);

// The set of that name that computes gradients too.
std::unique_ptr<Ops> MakeTrainingOps(const std::string& name);

// The sets with kernels of their own that this processor can run, fastest first.
std::vector<std::string> CpuOpsNames();

}  // namespace shinsaku
