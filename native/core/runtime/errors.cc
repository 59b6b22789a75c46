// What any exception of the core means to a caller: the one place that knows libtorch's exceptions.
#include <c10/util/Exception.h>

#include <new>

#include "core/api.h"

namespace shinsaku {
namespace {

// The CPU allocator reports exhaustion as a plain c10::Error.
bool IsExhaustion(const std::string& text) {
  return text.find("can't allocate memory") != std::string::npos ||
         text.find("out of memory") != std::string::npos;
}

Failure OutOfMemory(const std::string& text) {
  return Failure("OUT_OF_MEMORY",
                 "Memory ran out; lower batch (and raise accumulate), size or dim. libtorch says: " + text);
}

}  // namespace

Failure Translate(std::exception_ptr error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const Failure& failure) {
    return failure;
  } catch (const c10::OutOfMemoryError& e) {
    return OutOfMemory(e.what_without_backtrace());
  } catch (const c10::Error& e) {
    const std::string text = e.what_without_backtrace();
    return IsExhaustion(text) ? OutOfMemory(text) : Failure("NATIVE_FAILED", text);
  } catch (const std::bad_alloc& e) {
    return OutOfMemory(e.what());
  } catch (const std::exception& e) {
    const std::string text = e.what();
    return IsExhaustion(text) ? OutOfMemory(text) : Failure("NATIVE_FAILED", text);
  } catch (...) {
    return Failure("NATIVE_FAILED", "an exception of unknown type");
  }
}

}  // namespace shinsaku
