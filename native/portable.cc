// Lets the addons be loaded where glibc and libstdc++ are older than those they were built with, back to
// glibc 2.30 and GCC 9: what is newer is taken in its older version, or defined here. test/package/run.mjs
// names what is missing.
#include <features.h>
#include <pthread.h>

#if defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))

// The first version of glibc for this architecture, and that in which it got dlinfo.
#ifdef __x86_64__
#define FIRST "GLIBC_2.2.5"
#define FIRST_DLINFO "GLIBC_2.3.3"
#else
#define FIRST "GLIBC_2.17"
#define FIRST_DLINFO "GLIBC_2.17"
#endif

#define HERE extern "C" __attribute__((visibility("hidden")))

// `name` as it was in an older version of its library.
#define OLDER(result, name, parameters, version)     \
  extern "C" result older_##name parameters;         \
  __asm__(".symver older_" #name "," version);       \
  HERE result here_##name parameters __asm__(#name); \
  result here_##name parameters

// glibc 2.29 took the error handling of System V out of these; the numbers are the same.
OLDER(double, exp, (double x), "exp@" FIRST) { return older_exp(x); }
OLDER(double, exp2, (double x), "exp2@" FIRST) { return older_exp2(x); }
OLDER(double, log, (double x), "log@" FIRST) { return older_log(x); }
OLDER(double, log2, (double x), "log2@" FIRST) { return older_log2(x); }
OLDER(double, pow, (double x, double y), "pow@" FIRST) { return older_pow(x, y); }

// glibc 2.34 moved these from libdl to libc.
OLDER(void*, dlopen, (const char* path, int mode), "dlopen@" FIRST) { return older_dlopen(path, mode); }
OLDER(void*, dlsym, (void* library, const char* name), "dlsym@" FIRST) { return older_dlsym(library, name); }
OLDER(int, dlinfo, (void* library, int request, void* into), "dlinfo@" FIRST_DLINFO) {
  return older_dlinfo(library, request, into);
}
OLDER(char*, dlerror, (), "dlerror@" FIRST) { return older_dlerror(); }

// And this from libpthread, for waits of std::condition_variable that end in time.
OLDER(int, pthread_cond_clockwait,
      (pthread_cond_t * condition, pthread_mutex_t* mutex, clockid_t clock, const timespec* until),
      "pthread_cond_clockwait@GLIBC_2.30") {
  return older_pthread_cond_clockwait(condition, mutex, clock, until);
}

// glibc 2.32 tells here whether there is one thread only, so that counters need not be atomic. They may be.
extern "C" {
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;
}

// std::condition_variable::wait(std::unique_lock<std::mutex>&)
extern "C" void older_wait(void* self, void* lock);
__asm__(".symver older_wait,_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE@GLIBCXX_3.4.11");
HERE void wait_here(void*, void*) __asm__("_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE");
void wait_here(void* self, void* lock) { older_wait(self, lock); }

// std::__glibcxx_assert_fail(char const*, int, char const*, char const*), for _GLIBCXX_ASSERTIONS
HERE [[noreturn]] void fail_here(const char*, int, const char*,
                                 const char*) __asm__("_ZSt21__glibcxx_assert_failPKciS0_S0_");
void fail_here(const char*, int, const char*, const char*) { __builtin_abort(); }

#endif
