// An ops set that records a network as a graph of operations. It computes nothing but shapes, on the meta
// device.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/api.h"
#include "core/nn/parameters.h"
#include "core/ops/ops.h"

namespace shinsaku {

// The graph while a network is walked. Values are known by their memory, so that a walk may reshape one, or
// take a part of each row, without the ops set: that is recorded when the view is used. Of a parameter it may
// swap the first two sides, or put sides of 1 in front.
class GraphRecorder {
 public:
  void Enter(const std::string& layer) { layer_ = layer; }
  void Input(const std::string& name, const Tensor& value);
  void Parameters(const NamedTensors& state);
  // An operation; `inputs` are values, parameters and views of values. Returns `result`, whose name is new.
  Tensor Operation(const char* operation, Tensor result, const std::vector<Tensor>& inputs,
                   const Spec& attributes = {});
  void Output(const Tensor& value) { graph_.output = NameOf(value); }
  Graph Take() { return std::move(graph_); }

 private:
  struct Known {
    std::string name;
    Tensor tensor;  // holds the memory, so that no other value gets the same
  };
  std::string NameOf(const Tensor& tensor);
  std::string ViewOf(const Known& known, const Tensor& view);
  std::string FormOf(const Known& parameter, const Tensor& form);
  std::string Add(const char* operation, std::vector<std::string> inputs, const Spec& attributes,
                  at::IntArrayRef sizes);

  Graph graph_;
  std::string layer_;
  std::map<const c10::StorageImpl*, Known> values_, parameters_;
  std::map<std::string, std::string> views_;  // by value, offset and shape
};

class GraphOps : public Ops {
 public:
  // `recorder` outlives this.
  explicit GraphOps(GraphRecorder* recorder) : recorder_(*recorder) {}
  const char* name() const override { return "graph"; }
  void Enter(const std::string& layer) override { recorder_.Enter(layer); }

  Tensor Conv(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding) override;
  Tensor ConvTranspose(const Tensor& x, const ConvWeights& w, int64_t stride, int64_t padding,
                       int64_t output_padding) override;
  Tensor Linear(const Tensor& x, const LinearWeights& w) override;
  Tensor Activate(const Tensor& x, Activation activation) override;
  Tensor Sinusoids(const Tensor& t, const Tensor& frequencies) override;
  Tensor Norm(const Tensor& x, const NormWeights& w) override;
  Tensor NormFilmSilu(const Tensor& x, const NormWeights& w, const Tensor& scale,
                      const Tensor& shift) override;
  Tensor BatchNorm(const Tensor& x, const BatchNormWeights& w, BatchStatistics statistics,
                   Activation activation) override;
  Tensor Modulate(const Tensor& x, const Tensor& factors) override;
  Tensor Resample(const Tensor& x, const Tensor& filter, int64_t up, int64_t down,
                  std::array<int64_t, 2> padding) override;
  Tensor StyledActivation(const Tensor& x, const StyledEnd& end) override;
  Tensor Demodulation(const Tensor& styles, const Tensor& weight, const Tensor& energy) override;
  Tensor PixelNorm(const Tensor& x) override;
  Tensor Scale(const Tensor& x, double factor) override;
  Tensor Add(const Tensor& a, const Tensor& b) override;
  Tensor LinearAttention(const Tensor& x, const AttentionWeights& w) override;
  Tensor FullAttention(const Tensor& x, const AttentionWeights& w) override;
  Tensor Down(const Tensor& x, const ConvWeights& w, DownKind kind) override;
  Tensor Up(const Tensor& x, const ConvWeights& w) override;
  Tensor Concat(const Tensor& a, const Tensor& b) override;
  Tensor Keep(const Tensor& x) override { return x; }
  Tensor ConvNormSiluAdd(const Tensor& x, const ConvWeights& conv, const NormWeights& norm,
                         const Residual& residual) override;

 private:
  Tensor Attend(const char* operation, const Tensor& x, const AttentionWeights& w);
  GraphRecorder& recorder_;
};

}  // namespace shinsaku
