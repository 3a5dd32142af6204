#include "core/cli/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>

#include "onnxport/errors.h"

namespace onnxport::cli {
namespace {

constexpr const char* kVariable = "ONNXPORT_PARENT_PIPE";

int& pipe_to_parent() {
  static int descriptor = -1;
  return descriptor;
}

[[noreturn]] void refuse(const std::string& what) {
  throw Error("L216", what, {},
              "the line above, if there is one, names the plugin; onnxport plugin check MANIFEST tries it, "
              "--disable-plugin ID "
              "leaves it out");
}

[[noreturn]] void become_child(const std::vector<std::string>& words, int end) {
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)setenv(kVariable, std::to_string(end).c_str(), 1);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));  // NOLINT
  arguments.push_back(nullptr);
  execv("/proc/self/exe", arguments.data());
  _exit(127);
}

// Whether the child said, in time, that it came to its end. When the pipe closes without a word it did not.
bool wait_for_the_end(int descriptor, int seconds, bool& in_time) {
  using Clock = std::chrono::steady_clock;
  const auto last = Clock::now() + std::chrono::seconds(seconds);
  in_time = true;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(last - Clock::now()).count();
    pollfd waiting{descriptor, POLLIN, 0};
    const int ready = poll(&waiting, 1, seconds == 0 ? -1 : static_cast<int>(std::max<long>(left, 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return in_time = false;
    char byte = 0;
    const ssize_t got = read(descriptor, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    return got == 1;
  }
}

// It may take away what it has half written, if it still can.
void end_child(pid_t child) {
  (void)kill(child, SIGTERM);
  for (int i = 0; i < 100; ++i) {
    siginfo_t ended{};
    if (waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        ended.si_pid == child)
      return;
    (void)poll(nullptr, 0, 10);
  }
  (void)kill(child, SIGKILL);
}

}  // namespace

int run_in_child(const std::vector<std::string>& words, int seconds) {
  int ends[2];
  if (pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "no pipe can be made");
  (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "no process can be made");
  if (child == 0) become_child(words, ends[1]);
  close(ends[1]);
  bool in_time = true;
  const bool came_to_its_end = wait_for_the_end(ends[0], seconds, in_time);
  close(ends[0]);
  if (!in_time) end_child(child);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) refuse("a plugin did not come to an end within " + std::to_string(seconds) + " s");
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    refuse("a plugin ended the process by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")");
  }
  if (!came_to_its_end)
    refuse("a plugin ended the process with status " + std::to_string(WEXITSTATUS(status)));
  return WEXITSTATUS(status);
}

void remember_parent() {
  const char* text = std::getenv(kVariable);
  if (text == nullptr) return;
  pipe_to_parent() = std::atoi(text);
  (void)fcntl(pipe_to_parent(), F_SETFD, FD_CLOEXEC);
  (void)unsetenv(kVariable);
}

void tell_parent_of_the_end() {
  if (pipe_to_parent() >= 0) (void)!write(pipe_to_parent(), "1", 1);
}

}  // namespace onnxport::cli
