#include "core/cli/early_end.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "onnxport/crash_reports.h"

namespace onnxport::cli {
namespace {

std::atomic<pid_t> watched = 0;

[[noreturn]] void end_with(int status) {
  for (;;) syscall(SYS_exit_group, status);
}

// A child that somebody forked may end as it likes.
bool is_early() { return watched != 0 && watched == getpid(); }

void at_exit() {
  if (!is_early()) return;
  // Nobody but main ends this process well, and main does not come here.
  const int status = report_early_end(1);
  end_with(status == 0 ? 1 : status);
}

}  // namespace

void watch_for_an_early_end() {
  watched = getpid();
  (void)std::atexit(at_exit);
  (void)std::at_quick_exit(at_exit);
}

void this_is_the_end() { watched = 0; }

}  // namespace onnxport::cli

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// In the program it comes before libc's, for the libraries that are opened too. Those two call no handler.
extern "C" __attribute__((visibility("default"), noreturn)) void _exit(int status) {
  using namespace onnxport::cli;
  if (is_early()) {
    const int reported = onnxport::report_early_end(status);
    status = status == 0 ? (reported == 0 ? 1 : reported) : status;
  }
  end_with(status);
}
extern "C" __attribute__((visibility("default"), noreturn)) void _Exit(int status) noexcept { _exit(status); }

// Nothing in this program moves it to another folder: a plugin that did would have the file written there, and status 0 without
// a file where it was asked for.
extern "C" __attribute__((visibility("default"))) int chdir(const char* folder) noexcept {
  if (!onnxport::cli::is_early()) return static_cast<int>(syscall(SYS_chdir, folder));
  errno = EPERM;
  return -1;
}
extern "C" __attribute__((visibility("default"))) int fchdir(int folder) noexcept {
  if (!onnxport::cli::is_early()) return static_cast<int>(syscall(SYS_fchdir, folder));
  errno = EPERM;
  return -1;
}
#endif
