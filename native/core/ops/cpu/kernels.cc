// Which kernels this processor can run.
#include "core/ops/cpu/kernels.h"

#include "core/api.h"

namespace shinsaku::cpu {

std::vector<const Kernels*> AllKernels() {
  std::vector<const Kernels*> found;
#ifdef __aarch64__
  const std::initializer_list<const Kernels*> all = {NeonKernels()};
#else
  const std::initializer_list<const Kernels*> all = {Avx512Kernels(), Avx2Kernels()};
#endif
  for (const Kernels* kernels : all) {
    if (kernels) found.push_back(kernels);
  }
  return found;
}

const Kernels* KernelsNamed(const std::string& name) {
  if (name == "reference") return nullptr;
  for (const Kernels* kernels : AllKernels()) {
    if (name == kernels->name) return kernels;
  }
  throw Failure("NATIVE_FAILED", "there is no ops set \"" + name + "\" on this processor");
}

}  // namespace shinsaku::cpu
