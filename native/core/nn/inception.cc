// Inception v3 as the FID has it (pytorch-fid's variant, from TensorFlow's graph of 2015-12-05): features of
// pictures.
#include "core/nn/inception.h"

#include "core/runtime/cancel.h"

namespace shinsaku {

// Adds the blocks one after the other; each knows how many channels the one before gives.
struct Inception::Builder {
  using Size = std::array<int64_t, 2>;
  // One convolution: its name within the block, outputs, and the window's size, stride and padding.
  struct Spec {
    const char* name;
    int64_t out;
    Size size{1, 1};
    int64_t stride = 1;
    Size padding{0, 0};
  };

  const FeatureWeights& weights;
  std::vector<Block>& blocks;
  std::string prefix;
  int64_t in = 3;

  Conv Make(const Spec& spec, int64_t channels) const {
    constexpr double kEps = 0.001;
    const std::string name = prefix + spec.name;
    return {
        weights.Folded(name + ".conv", name + ".bn", {spec.out, channels, spec.size[0], spec.size[1]}, kEps),
        {spec.size, {spec.stride, spec.stride}, spec.padding}};
  }

  static Pool Max(int64_t stride, int64_t padding) {
    return {Pool::Kind::kMax, {{3, 3}, {stride, stride}, {padding, padding}}};
  }
  static Pool Average() { return {Pool::Kind::kAverage, {{3, 3}, {1, 1}, {1, 1}}}; }

  // Convolutions one after the other, after `pool` where there is one.
  Branch Chain(const std::vector<Spec>& specs, std::optional<Pool> pool = {}) const {
    Branch branch;
    if (pool) branch.push_back(*pool);
    int64_t channels = in;
    for (const Spec& spec : specs) {
      branch.push_back(std::vector<Conv>{Make(spec, channels)});
      channels = spec.out;
    }
    return branch;
  }
  // The same, and two more beside each other at its end.
  Branch Fork(const std::vector<Spec>& specs, const Spec& left, const Spec& right) const {
    Branch branch = Chain(specs);
    branch.push_back(std::vector<Conv>{Make(left, specs.back().out), Make(right, specs.back().out)});
    return branch;
  }

  void Add(Block block, int64_t out) {
    blocks.push_back(std::move(block));
    in = out;
  }
  void Single(const Spec& spec) {
    prefix.clear();
    Add({Chain({spec})}, spec.out);
  }
  void MaxPool() { Add({{Max(2, 0)}}, in); }

  void A(const char* name, int64_t pooled) {
    prefix = std::string(name) + ".";
    Add({Chain({{"branch1x1", 64}}), Chain({{"branch5x5_1", 48}, {"branch5x5_2", 64, {5, 5}, 1, {2, 2}}}),
         Chain({{"branch3x3dbl_1", 64},
                {"branch3x3dbl_2", 96, {3, 3}, 1, {1, 1}},
                {"branch3x3dbl_3", 96, {3, 3}, 1, {1, 1}}}),
         Chain({{"branch_pool", pooled}}, Average())},
        64 + 64 + 96 + pooled);
  }
  void B(const char* name) {
    prefix = std::string(name) + ".";
    Add({Chain({{"branch3x3", 384, {3, 3}, 2}}),
         Chain({{"branch3x3dbl_1", 64},
                {"branch3x3dbl_2", 96, {3, 3}, 1, {1, 1}},
                {"branch3x3dbl_3", 96, {3, 3}, 2}}),
         Chain({}, Max(2, 0))},
        384 + 96 + in);
  }
  void C(const char* name, int64_t inner) {
    prefix = std::string(name) + ".";
    constexpr Size kRow{1, 7}, kColumn{7, 1}, kRowPad{0, 3}, kColumnPad{3, 0};
    Add({Chain({{"branch1x1", 192}}),
         Chain({{"branch7x7_1", inner},
                {"branch7x7_2", inner, kRow, 1, kRowPad},
                {"branch7x7_3", 192, kColumn, 1, kColumnPad}}),
         Chain({{"branch7x7dbl_1", inner},
                {"branch7x7dbl_2", inner, kColumn, 1, kColumnPad},
                {"branch7x7dbl_3", inner, kRow, 1, kRowPad},
                {"branch7x7dbl_4", inner, kColumn, 1, kColumnPad},
                {"branch7x7dbl_5", 192, kRow, 1, kRowPad}}),
         Chain({{"branch_pool", 192}}, Average())},
        4 * 192);
  }
  void D(const char* name) {
    prefix = std::string(name) + ".";
    Add({Chain({{"branch3x3_1", 192}, {"branch3x3_2", 320, {3, 3}, 2}}),
         Chain({{"branch7x7x3_1", 192},
                {"branch7x7x3_2", 192, {1, 7}, 1, {0, 3}},
                {"branch7x7x3_3", 192, {7, 1}, 1, {3, 0}},
                {"branch7x7x3_4", 192, {3, 3}, 2}}),
         Chain({}, Max(2, 0))},
        320 + 192 + in);
  }
  void E(const char* name, const Pool& pool) {
    prefix = std::string(name) + ".";
    Add({Chain({{"branch1x1", 320}}),
         Fork({{"branch3x3_1", 384}}, {"branch3x3_2a", 384, {1, 3}, 1, {0, 1}},
              {"branch3x3_2b", 384, {3, 1}, 1, {1, 0}}),
         Fork({{"branch3x3dbl_1", 448}, {"branch3x3dbl_2", 384, {3, 3}, 1, {1, 1}}},
              {"branch3x3dbl_3a", 384, {1, 3}, 1, {0, 1}}, {"branch3x3dbl_3b", 384, {3, 1}, 1, {1, 0}}),
         Chain({{"branch_pool", 192}}, pool)},
        320 + 2 * 384 + 2 * 384 + 192);
  }
};

Inception::Inception(const FeatureWeights& weights, int64_t output) {
  Builder b{weights, blocks_, "", 3};
  b.Single({"Conv2d_1a_3x3", 32, {3, 3}, 2});
  b.Single({"Conv2d_2a_3x3", 32, {3, 3}});
  b.Single({"Conv2d_2b_3x3", 64, {3, 3}, 1, {1, 1}});
  b.MaxPool();
  if (output == 64) return;
  b.Single({"Conv2d_3b_1x1", 80});
  b.Single({"Conv2d_4a_3x3", 192, {3, 3}});
  b.MaxPool();
  if (output == 192) return;
  b.A("Mixed_5b", 32);
  b.A("Mixed_5c", 64);
  b.A("Mixed_5d", 64);
  b.B("Mixed_6a");
  b.C("Mixed_6b", 128);
  b.C("Mixed_6c", 160);
  b.C("Mixed_6d", 160);
  b.C("Mixed_6e", 192);
  if (output == 768) return;
  b.D("Mixed_7a");
  b.E("Mixed_7b", Builder::Average());
  b.E("Mixed_7c", Builder::Max(1, 1));
  if (output != 2048)
    throw Failure("NATIVE_FAILED", "features of inception are 64, 192, 768 or 2048 wide; " +
                                       std::to_string(output) + " are none of them");
}

Tensor Inception::Run(Ops& ops, const Stage& stage, const Tensor& x) {
  if (const auto* pool = std::get_if<Pool>(&stage))
    return pool->kind == Pool::Kind::kMax ? ops.MaxPool(x, pool->window) : ops.AvgPool(x, pool->window);
  Tensor together;
  for (const Conv& conv : std::get<std::vector<Conv>>(stage)) {
    const Tensor y = ops.Activate(ops.Conv2d(x, conv.weights, conv.window, 1), Activation::kRelu);
    together = together.defined() ? ops.Concat(together, y) : y;
  }
  return together;
}

Tensor Inception::Forward(Ops& ops, Tensor x) const {
  for (const Block& block : blocks_) {
    CheckCancelled(x);
    Tensor together;
    for (const Branch& branch : block) {
      Tensor y = x;
      for (const Stage& stage : branch) y = Run(ops, stage, y);
      together = together.defined() ? ops.Concat(together, y) : y;
    }
    x = together;
  }
  return ops.MeanOfPositions(x);
}

}  // namespace shinsaku
