// Process-wide switches of libtorch and what the machine offers.
#include "core/runtime/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DeviceType.h>
#include <torch/headeronly/version.h>

#include "core/ops/ops.h"
#include "core/runtime/cuda_plugin.h"

namespace shinsaku {

void AllowTf32(bool tf32) {
  at::Context& context = at::globalContext();
  // The older switches first: they set the newer ones too, but say "none" where these say "ieee".
  context.setAllowTF32CuBLAS(tf32);
  context.setAllowTF32CuDNN(tf32);
  const auto precision = tf32 ? at::Float32Precision::TF32 : at::Float32Precision::IEEE;
  for (const auto op : {at::Float32Op::MATMUL, at::Float32Op::CONV, at::Float32Op::RNN}) {
    context.setFloat32Precision(at::Float32Backend::CUDA, op, precision);
  }
}

void ApplyPrecision(const Spec& spec) {
  at::Context& context = at::globalContext();
  AllowTf32(Text(spec, "precision") == "tf32");
  const bool deterministic = Flag(spec, "deterministic");
  context.setDeterministicAlgorithms(deterministic, false);
  // It would also fill memory that is about to be written; that changes no result.
  context.setDeterministicFillUninitializedMemory(false);
  // Without this cuDNN may add gradients in another order in every run.
  context.setDeterministicCuDNN(deterministic || Flag(spec, "exact"));
  // Trying kernels out may pick others in another run.
  context.setBenchmarkCuDNN(Text(spec, "ops") == kCudaOps && !deterministic);
}

Numerics NumericsNow() {
  const at::Context& context = at::globalContext();
  const auto precision = [&](at::Float32Op op) {
    return at::precision2str(context.float32Precision(at::Float32Backend::CUDA, op));
  };
  return {precision(at::Float32Op::MATMUL), precision(at::Float32Op::CONV),    context.allowTF32CuBLAS(),
          context.allowTF32CuDNN(),         context.deterministicAlgorithms(), context.deterministicCuDNN(),
          context.benchmarkCuDNN()};
}

at::Device DeviceOf(const Spec& spec) { return at::Device(Text(spec, "device")); }

std::string DtypeName(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return "F32";
    case at::kDouble:
      return "F64";
    case at::kLong:
      return "I64";
    case at::kByte:
      return "U8";
    case at::kBool:
      return "BOOL";
    default:
      throw Failure("NATIVE_FAILED", std::string("no name for element type ") + c10::toString(type));
  }
}

DeviceInfo Info() {
  DeviceInfo info;
  info.built_for = TORCH_VERSION;
  info.cpu_capability = at::get_cpu_capability();
  info.threads = at::get_num_threads();
  info.cpu_ops = CpuOpsNames();
  const auto& cuda = at::detail::getCUDAHooks();
  info.cuda_devices = cuda.hasCUDA() ? cuda.getNumGPUs() : 0;
  info.cuda_kernels = FindCudaPlugin() != nullptr;
  info.numerics = NumericsNow();
  return info;
}

}  // namespace shinsaku
