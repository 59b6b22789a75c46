// The ops sets there are, by name.
#include "core/ops/ops.h"

#include "core/ops/cpu/cpu_ops.h"
#include "core/ops/cpu/train/train_ops.h"
#include "core/ops/cuda/cuda_ops.h"
#include "core/ops/twice.h"

namespace shinsaku {
namespace {

// The reference, or `Set` over the kernels of that name.
template <typename Set>
std::unique_ptr<Ops> Make(const std::string& name) {
  if (name == kCudaOps) return std::make_unique<CudaOps>();
  const cpu::Kernels* kernels = cpu::KernelsNamed(name);
  if (!kernels) return std::make_unique<Ops>();
  return std::make_unique<Set>(*kernels);
}

}  // namespace

std::unique_ptr<Ops> MakeOps(const std::string& name) { return Make<CpuOps>(name); }

std::unique_ptr<Ops> MakeTrainingOps(const std::string& name) { return Make<TrainOps>(name); }

std::unique_ptr<Ops> MakeTwiceDifferentiableOps(const std::string& name) {
  if (cpu::KernelsNamed(name)) return std::make_unique<TwiceOps>();
  return std::make_unique<Ops>();
}

std::vector<std::string> CpuOpsNames() {
  std::vector<std::string> names;
  for (const cpu::Kernels* kernels : cpu::AllKernels()) names.push_back(kernels->name);
  return names;
}

}  // namespace shinsaku
