// The two networks that tell classes of pictures apart, written over Ops.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/api.h"
#include "core/data/pixels.h"
#include "core/nn/parameters.h"
#include "core/ops/ops.h"

namespace shinsaku {

enum class ClassifierVariant { kMlp, kCnn };

struct ClassifierPlan {
  explicit ClassifierPlan(const Spec& spec);
  static PixelRange range() { return PixelRange::kDcgan; }

  ClassifierVariant variant;
  int64_t size, channels;
  int64_t units;    // of each hidden dense layer
  int64_t width;    // of the first convolution; the next two have twice and four times as many channels
  int64_t classes;  // 2, the least there can be, before the pictures are read
};

// kMlp, as the MNIST example of Chainer: fc1 and fc2 of `units`, each with a ReLU, and fc3.
// kCnn: conv1, conv2 and conv3 (3x3, padding 1), each with a ReLU and a 2x2 max pooling, then fc1 of `units`
// with a ReLU, and fc2. Both see (1 - x) / 2: white is 0, so that blank paper adds nothing. First values are
// those of PyTorch's nn.Linear and nn.Conv2d, drawn in this order.
class Classifier {
 public:
  Classifier(const ClassifierPlan& plan, Fill fill, at::Device device,
             std::optional<at::Generator> generator);

  // x [N,C,H,W] to logits [N,classes].
  Tensor Forward(Ops& ops, const Tensor& x) const;

  ParameterSet& set() { return set_; }
  const ParameterSet& set() const { return set_; }

 private:
  struct Layer {
    std::string name;
    Tensor weight, bias;
  };
  Layer MakeLayer(const std::string& name, at::IntArrayRef shape, int64_t fan_in);

  ParameterSet set_;
  std::vector<Layer> convolutions_, dense_;
};

}  // namespace shinsaku
