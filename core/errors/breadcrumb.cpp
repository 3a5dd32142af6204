#include "core/errors/breadcrumb.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <initializer_list>

#include "core/errors/file_mapping.h"
#include "onnxport/crash_reports.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

constexpr uint32_t kNoSlot = UINT32_MAX;
constexpr size_t kMostThreads = 256;

// What a handler reads in any thread: lock-free, and never freed.
std::array<std::atomic<const Breadcrumb*>, kMostThreads> running{};
thread_local const Breadcrumb* innermost = nullptr;

void put(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

void at_exit() {
  const Breadcrumb* crumb = Breadcrumb::of_this_thread();
  if (crumb == nullptr) return;
  put(STDERR_FILENO, "onnxport: exit was called inside ");
  crumb->write_to(STDERR_FILENO);
  put(STDERR_FILENO, "; nothing was written. This is a defect of the plugin.\n");
  _exit(exit_status(crumb->code()));
}

uint32_t take_slot(const Breadcrumb* crumb) {
  for (uint32_t i = 0; i < kMostThreads; ++i) {
    const Breadcrumb* none = nullptr;
    if (running[i].compare_exchange_strong(none, crumb, std::memory_order_release)) return i;
  }
  return kNoSlot;
}

// ---- signals ----

struct Chained {
  int number;
  std::string_view name;
  struct sigaction before;
};
std::array<Chained, 8> chained = {{{SIGSEGV, "SIGSEGV", {}},
                                   {SIGBUS, "SIGBUS", {}},
                                   {SIGFPE, "SIGFPE", {}},
                                   {SIGILL, "SIGILL", {}},
                                   {SIGABRT, "SIGABRT", {}},
                                   {SIGTERM, "SIGTERM", {}},
                                   {SIGINT, "SIGINT", {}},
                                   {SIGXCPU, "SIGXCPU", {}}}};

void report(const Chained& signal) {
  if (const Breadcrumb* crumb = Breadcrumb::of_this_thread()) {
    put(STDERR_FILENO, "\nonnxport: ");
    put(STDERR_FILENO, signal.name);
    put(STDERR_FILENO, " inside ");
    crumb->write_to(STDERR_FILENO);
    put(STDERR_FILENO, "\n");
  } else if (signal.number == SIGTERM || signal.number == SIGINT || signal.number == SIGXCPU) {
    Breadcrumb::write_all(STDERR_FILENO, "\nonnxport: interrupted inside ");
  } else {
    // A thread that runs no plugin as far as we know: one that a plugin started, say.
    put(STDERR_FILENO, "\nonnxport: ");
    put(STDERR_FILENO, signal.name);
    Breadcrumb::write_all(STDERR_FILENO, " in another thread while this one runs: ");
  }
}

void on_signal(int number, siginfo_t* info, void* machine) {
  if (number == SIGBUS && info->si_code == BUS_ADRERR && FileMapping::repair(info->si_addr)) return;
  for (const Chained& signal : chained) {
    if (signal.number != number) continue;
    report(signal);
    // On with what was there before: a handler of the application, or the default, which ends the process.
    if ((signal.before.sa_flags & SA_SIGINFO) != 0 && signal.before.sa_sigaction != nullptr) {
      signal.before.sa_sigaction(number, info, machine);
      return;
    }
    if (signal.before.sa_handler == SIG_IGN) return;
    if (signal.before.sa_handler != SIG_DFL) {
      signal.before.sa_handler(number);
      return;
    }
    ::signal(number, SIG_DFL);
    ::raise(number);
  }
}

}  // namespace

Breadcrumb::Breadcrumb(std::string_view plugin, std::string_view version, std::string_view work,
                       std::string_view code)
    : plugin_(plugin), version_(version), work_(work), code_(code), outer_(innermost), slot_(kNoSlot) {
  static const int registered = std::atexit(at_exit);
  (void)registered;
  innermost = this;
  slot_ = take_slot(this);
}

Breadcrumb::~Breadcrumb() {
  if (slot_ != kNoSlot) running[slot_].store(nullptr, std::memory_order_release);
  innermost = outer_;
}

void Breadcrumb::write_to(int descriptor) const {
  for (std::string_view text : {std::string_view("plugin "), plugin_, std::string_view(" "), version_,
                                std::string_view(" ("), work_, std::string_view(")")}) {
    put(descriptor, text);
  }
}

const Breadcrumb* Breadcrumb::of_this_thread() { return innermost; }

const Breadcrumb* Breadcrumb::of_any_thread() {
  for (const auto& slot : running) {
    if (const Breadcrumb* crumb = slot.load(std::memory_order_acquire)) return crumb;
  }
  return nullptr;
}

void Breadcrumb::write_all(int descriptor, std::string_view prefix) {
  for (const auto& slot : running) {
    const Breadcrumb* crumb = slot.load(std::memory_order_acquire);
    if (crumb == nullptr) continue;
    put(descriptor, prefix);
    crumb->write_to(descriptor);
    put(descriptor, "\n");
  }
}

int report_early_end(int status) {
  const Breadcrumb* crumb = Breadcrumb::of_this_thread();
  if (crumb == nullptr) crumb = Breadcrumb::of_any_thread();
  if (crumb == nullptr) return status;
  put(STDERR_FILENO, "onnxport: the process was ended inside ");
  crumb->write_to(STDERR_FILENO);
  put(STDERR_FILENO, "; nothing was written. This is a defect of the plugin.\n");
  return exit_status(crumb->code());
}

void install_crash_reports() {
  static std::atomic_flag installed;
  if (installed.test_and_set()) return;
  // A stack that overflows leaves no room for a handler.
  static std::array<char, 1u << 16> stack;
  stack_t alternate{};
  alternate.ss_sp = stack.data();
  alternate.ss_size = stack.size();
  ::sigaltstack(&alternate, nullptr);
  for (Chained& signal : chained) {
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    ::sigaction(signal.number, &action, &signal.before);
    if (signal.before.sa_handler == SIG_IGN) ::sigaction(signal.number, &signal.before, nullptr);
  }
}

}  // namespace onnxport
