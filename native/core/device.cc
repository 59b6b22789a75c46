// Process-wide switches of libtorch and what the machine offers.
#include "core/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DeviceType.h>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <thread>

#include "core/ops/ops.h"

namespace shinsaku {

void ApplyPrecision(const Spec& spec) {
  const bool tf32 = Text(spec, "precision") == "tf32";
  at::globalContext().setAllowTF32CuBLAS(tf32);
  at::globalContext().setAllowTF32CuDNN(tf32);
  // Without this cuDNN may add gradients in another order in every run.
  at::globalContext().setDeterministicCuDNN(Flag(spec, "exact"));
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

void SetThreads(int threads) {
  const int all = static_cast<int>(std::thread::hardware_concurrency());
  at::set_num_threads(threads > 0 ? threads : std::max(all, 1));
}

DeviceInfo Info() {
  DeviceInfo info;
  info.built_for = TORCH_VERSION;
  info.cpu_capability = at::get_cpu_capability();
  info.threads = at::get_num_threads();
  info.cpu_ops = CpuOpsNames();
  const auto& cuda = at::detail::getCUDAHooks();
  info.cuda_devices = cuda.hasCUDA() ? cuda.getNumGPUs() : 0;
  return info;
}

}  // namespace shinsaku
