// CUDA graphs and the plugin's table.
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAStream.h>

#include "cuda/norm.h"
#include "cuda/plugin.h"

namespace shinsaku {
namespace {

using at::cuda::CUDAGraph;

CUDAGraph& Graph(void* graph) { return *static_cast<CUDAGraph*>(graph); }

// Up to torch 2.13 a graph has to know the generator that it draws from; later ones see it when they record a
// draw.
void Register(auto& generator, CUDAGraph& graph) {
  if constexpr (requires { generator.register_graph(&graph); }) generator.register_graph(&graph);
}

void* NewGraph(const at::Generator& generator) {
  auto graph = std::make_unique<CUDAGraph>();
  Register(*at::check_generator<at::CUDAGeneratorImpl>(generator), *graph);
  return graph.release();
}

void BeginGraph(void* graph, const void* same_memory) {
  auto* other = static_cast<CUDAGraph*>(const_cast<void*>(same_memory));
  // Not the default mode, with which any call of another thread of the process would spoil the recording.
  Graph(graph).capture_begin(other ? other->pool() : c10::MempoolId_t{0, 0},
                             cudaStreamCaptureModeThreadLocal);
}

constexpr CudaPlugin kPlugin{
    NewGraph,
    BeginGraph,
    [](void* graph) { Graph(graph).capture_end(); },
    [](void* graph) { Graph(graph).replay(); },
    [](void* graph) { delete static_cast<CUDAGraph*>(graph); },
    NormHas,
    NormPartials,
    [](const NormCall& call) { NormForward(call, c10::cuda::getCurrentCUDAStream().stream()); },
    [](const NormCall& call) { NormBackward(call, c10::cuda::getCurrentCUDAStream().stream()); },
};

}  // namespace
}  // namespace shinsaku

extern "C" __attribute__((visibility("default"))) const shinsaku::CudaPlugin* shinsaku_cuda_plugin() {
  return &shinsaku::kPlugin;
}
