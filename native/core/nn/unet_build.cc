// Makes the U-Net's weights: names of the reference's state dict, drawn in the order of its constructor.
#include "core/nn/unet.h"

#include "core/state_names.h"

namespace shinsaku {
namespace {

constexpr int64_t kHeads = 4;
constexpr int64_t kHeadDim = 32;
constexpr int64_t kMemories = 4;
constexpr int64_t kHidden = kHeads * kHeadDim;

}  // namespace

class Unet::Builder {
 public:
  Builder(const UnetPlan& plan, ParameterSet& set, std::string prefix)
      : plan_(plan), set_(set), prefix_(std::move(prefix)) {}

  ConvWeights Conv(const std::string& name, int64_t in, int64_t out, int64_t kernel) {
    const int64_t fan_in = in * kernel * kernel;
    const Tensor weight = Add(name + ".weight", {out, in, kernel, kernel}, WeightInit(fan_in));
    return {weight, Add(name + ".bias", {out}, BiasInit(fan_in))};
  }

  LinearWeights Linear(const std::string& name, int64_t in, int64_t out) {
    const Tensor weight = Add(name + ".weight", {out, in}, WeightInit(in));
    return {weight, Add(name + ".bias", {out}, BiasInit(in))};
  }

  LinearWeights Told(const std::string& name, int64_t in, int64_t out) {
    return {Add(name + ".weight", {out, in}, Constant(0)), {}};
  }

  Tensor Drawn(const std::string& name, at::IntArrayRef shape) { return Add(name, shape, Normal(0, 1)); }

  Resnet Block(const std::string& name, int64_t in, int64_t out) {
    Resnet block;
    block.name = name;
    block.mlp = Linear(name + ".mlp.1", plan_.dim * (plan_.is_cfg ? 8 : 4), out * 2);
    block.proj1 = Conv(name + ".block1.proj", in, out, 3);
    block.norm1 = BlockNorm(name + ".block1.norm", out);
    block.proj2 = Conv(name + ".block2.proj", out, out, 3);
    block.norm2 = BlockNorm(name + ".block2.norm", out);
    if (in != out) block.shortcut = Conv(name + ".res_conv", in, out, 1);
    return block;
  }

  // `full` is softmax attention over all pixels; else linear attention.
  Attention Attend(const std::string& name, int64_t width, bool full) {
    Attention attention{name, {}, full};
    AttentionWeights& w = attention.weights;
    w.heads = kHeads;
    w.head_dim = kHeadDim;
    w.cosine = full && !plan_.is_v2;
    w.divide_values = !full && !plan_.is_v2;
    const bool main_v2 = plan_.is_main_v2();
    const std::string inner = main_v2 ? name : name + ".fn.fn";
    if (main_v2) {
      const std::vector<int64_t> shape = full ? std::vector<int64_t>{2, kHeads, kMemories, kHeadDim}
                                              : std::vector<int64_t>{2, kHeads, kHeadDim, kMemories};
      w.memory = Add(name + ".mem_kv", shape, Normal(0, 1));
      w.norm = ChannelNorm(name + ".norm", width);
    }
    w.to_qkv = Add(inner + ".to_qkv.weight", {kHidden * 3, width, 1, 1}, WeightInit(width));
    w.to_out = Conv(inner + (full ? ".to_out" : ".to_out.0"), kHidden, width, 1);
    if (!full) w.out_norm = ChannelNorm(inner + ".to_out.1", width);
    if (!main_v2) w.norm = ChannelNorm(name + ".fn.norm", width);
    return attention;
  }

  // 2.3 wraps a resampling convolution in a sequence, 0.26 only the upward one.
  Resampling Resample(const std::string& name, int64_t in, int64_t out, bool resample, bool up) {
    if (!resample) return {name, Conv(name, in, out, 3), false};
    if (up) return {name, Conv(name + ".1", in, out, 3), true};
    if (plan_.is_main_v2()) return {name, Conv(name + ".1", in * 4, out, 1), true};
    return {name, Conv(name, in, out, 4), true};
  }

 private:
  Tensor Add(const std::string& name, at::IntArrayRef shape, const Init& init) {
    return set_.Parameter(prefix_ + name, shape, init);
  }

  NormWeights BlockNorm(const std::string& name, int64_t width) {
    if (plan_.is_v2) return ChannelNorm(name, width);
    const Tensor gain = Add(name + ".weight", {width}, Constant(1));
    return {NormWeights::Kind::kGroup, gain, Add(name + ".bias", {width}, Constant(0))};
  }

  NormWeights ChannelNorm(const std::string& name, int64_t width) {
    const Tensor gain = Add(name + ".g", {1, width, 1, 1}, Constant(1));
    if (plan_.is_v2) return {NormWeights::Kind::kRms, gain, {}};
    return {NormWeights::Kind::kLayer, gain, Add(name + ".b", {1, width, 1, 1}, Constant(0))};
  }

  const UnetPlan& plan_;
  ParameterSet& set_;
  std::string prefix_;
};

Unet::Unet(const UnetPlan& plan, ParameterSet& set, const std::string& prefix) : plan_(plan) {
  Builder build(plan_, set, prefix);
  const auto& widths = plan_.widths;
  const size_t stages = widths.size() - 1;
  init_conv_ = build.Conv("init_conv", plan_.input_channels(), plan_.dim, 7);
  time1_ = build.Linear("time_mlp.1", plan_.dim, plan_.dim * 4);
  time2_ = build.Linear("time_mlp.3", plan_.dim * 4, plan_.dim * 4);
  if (plan_.is_cfg) {
    class_embedding_ = build.Drawn("classes_emb.weight", {plan_.labels.columns(), plan_.dim});
    no_class_ = build.Drawn("null_classes_emb", {plan_.dim});
    class1_ = build.Linear("classes_mlp.0", plan_.dim, plan_.dim * 4);
    class2_ = build.Linear("classes_mlp.2", plan_.dim * 4, plan_.dim * 4);
  }
  const auto part = [](const std::string& list, size_t stage, int index) {
    return list + "." + std::to_string(stage) + "." + std::to_string(index);
  };
  for (size_t i = 0; i < stages; ++i) {
    const int64_t in = widths[i], out = widths[i + 1];
    const bool last = i + 1 == stages;
    Stage stage{build.Block(part("downs", i, 0), in, in), build.Block(part("downs", i, 1), in, in),
                build.Attend(part("downs", i, 2), in, plan_.is_main_v2() && last),
                build.Resample(part("downs", i, 3), in, out, !last, false)};
    downs_.push_back(std::move(stage));
  }
  const int64_t middle = widths.back();
  mid1_ = build.Block("mid_block1", middle, middle);
  mid_attention_ = build.Attend("mid_attn", middle, true);
  mid2_ = build.Block("mid_block2", middle, middle);
  for (size_t i = 0; i < stages; ++i) {
    const int64_t out = widths[stages - 1 - i], in = widths[stages - i];
    const bool last = i + 1 == stages;
    Stage stage{build.Block(part("ups", i, 0), in + out, in), build.Block(part("ups", i, 1), in + out, in),
                build.Attend(part("ups", i, 2), in, plan_.is_main_v2() && i == 0),
                build.Resample(part("ups", i, 3), in, out, !last, true)};
    ups_.push_back(std::move(stage));
  }
  final_ = build.Block("final_res_block", plan_.dim * 2, plan_.dim);
  final_conv_ = build.Conv("final_conv", plan_.dim, plan_.channels, 1);
  // Last and zero: the other values are those of a network without them, and they say nothing until they have
  // learned.
  if (plan_.labels.attributes() > 0 && !plan_.is_cfg)
    labels_ = build.Told(state_names::kLabels, plan_.labels.width(), plan_.dim * 4);
  if (plan_.augment) augment_ = build.Told(state_names::kAugment, kAugmentLabels, plan_.dim);

  std::vector<std::string> order;
  // A parameter of the network itself comes before those of its parts.
  for (const char* name : {"null_classes_emb", "init_conv", "time_mlp", "classes_emb", "classes_mlp", "downs",
                           "ups", "mid_block1", "mid_attn", "mid_block2", "final_res_block", "final_conv",
                           state_names::kLabels, state_names::kAugment}) {
    order.push_back(prefix + name);
  }
  set.Finish(order);
}

}  // namespace shinsaku
