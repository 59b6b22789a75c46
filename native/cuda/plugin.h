// What the CUDA plugin offers to the core: plain types only, so that neither is built with the other's
// headers.
#pragma once

#include <cstdint>

namespace at {
struct Generator;
}

namespace shinsaku {

// A norm of NHWC pixels and what follows it, for one tensor. Pointers are the device's; those marked "or
// null" leave their part out.
//
//   v = x + bias    t = (h gain + beta) (1 + scale) + shift    y = t sigmoid(t) + residual
//   RMS norm: h = v sqrt(C) / max(|v|, 1e-12), without beta
//   GroupNorm: h = (v - mean) / sqrt(var + 1e-5)
struct NormCall {
  bool half = false;  // x, residual, y, dy and dx are bf16 instead of float32
  bool silu = false;
  int64_t groups = 0;  // 0: RMS norm
  int64_t images = 0, pixels = 0, channels = 0;
  const void* x = nullptr;       // [images,pixels,channels]
  const float* bias = nullptr;   // [channels] or null
  const float* gain = nullptr;   // [channels]
  const float* beta = nullptr;   // [channels], GroupNorm's
  const float* scale = nullptr;  // [images,channels] or null, with `shift`
  const float* shift = nullptr;
  const void* residual = nullptr;  // [images,pixels,channels] or null
  void* y = nullptr;               // forward's result
  // From forward to backward: sqrt(C) / |v| [images,pixels], or mean and 1 / sqrt(var + 1e-5)
  // [images,groups,2].
  float* root = nullptr;
  const void* dy = nullptr;
  void* dx = nullptr;
  float* partial = nullptr;  // CudaPlugin::norm_partials floats; RMS norm forward takes none
  float* dbias = nullptr;    // [channels], with `bias`
  float* dgain = nullptr;    // [channels]
  float* dbeta = nullptr;    // [channels], with `beta`
  float* dscale = nullptr;   // [images,channels], with `scale`
  float* dshift = nullptr;
};

struct CudaPlugin {
  // Graphs: what the calling thread does on its current stream between begin and end is recorded, not done.
  void* (*new_graph)(const at::Generator& generator);         // whose draws go on through replays
  void (*begin_graph)(void* graph, const void* same_memory);  // of another graph, or null
  void (*end_graph)(void* graph);
  void (*replay_graph)(void* graph);
  void (*free_graph)(void* graph);
  // Norms, on the calling thread's current stream.
  bool (*norm_has)(int64_t groups, int64_t channels);
  int64_t (*norm_partials)(int64_t groups, int64_t images, int64_t pixels, int64_t channels);
  void (*norm_forward)(const NormCall& call);
  void (*norm_backward)(const NormCall& call);
};

}  // namespace shinsaku

// The plugin's only symbol; the core looks for it by this name once the loader has opened the plugin.
extern "C" const shinsaku::CudaPlugin* shinsaku_cuda_plugin();
