// A plugin that takes the process down is named on stderr.
#include "core/errors/breadcrumb.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "onnxport/crash_reports.h"

namespace onnxport {
namespace {

// In a plugin, as far as the process can tell.
template <typename Body>
void inside(const char* code, Body body) {
  install_crash_reports();
  const Breadcrumb crumb("com.acme.ops", "1.4.0", "acme::swish", code);
  body();
}

TEST(BreadcrumbDeathTest, ACrashIsTold) {  // D06 and the modes beside it
  testing::FLAGS_gtest_death_test_style = "threadsafe";
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_EXIT(inside("T504", [] { std::raise(SIGSEGV); }), testing::KilledBySignal(SIGSEGV),
              "SIGSEGV inside plugin com.acme.ops 1.4.0 \\(acme::swish\\)");
#endif
  EXPECT_EXIT(inside("T504", [] { std::abort(); }), testing::KilledBySignal(SIGABRT),
              "SIGABRT inside plugin com.acme.ops 1.4.0 \\(acme::swish\\)");
  EXPECT_EXIT(inside("T504", [] { std::raise(SIGFPE); }), testing::KilledBySignal(SIGFPE),
              "SIGFPE inside plugin");
}

TEST(BreadcrumbDeathTest, ExitIsNeverSuccess) {  // D06
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(inside("T504", [] { std::exit(0); }), testing::ExitedWithCode(14),
              "exit was called inside plugin com.acme.ops 1.4.0 \\(acme::swish\\)");
  EXPECT_EXIT(inside("L206", [] { std::exit(0); }), testing::ExitedWithCode(11),
              "exit was called inside plugin");
  EXPECT_EXIT((inside("T504", [] {}), std::exit(3)), testing::ExitedWithCode(3),
              "");  // over: an exit like any other
}

TEST(BreadcrumbDeathTest, AHangIsToldWhenItIsInterrupted) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto hang = [] {
    std::thread([] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      kill(getpid(), SIGTERM);
    }).detach();
    for (;;) pause();
  };
  EXPECT_EXIT(inside("T504", hang), testing::KilledBySignal(SIGTERM),
              "inside plugin com.acme.ops 1.4.0 \\(acme::swish\\)");
}

TEST(BreadcrumbDeathTest, WhatHandledASignalBeforeStillDoes) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        std::signal(SIGABRT, [](int) { _exit(42); });
        inside("T504", [] { std::abort(); });
      },
      testing::ExitedWithCode(42), "SIGABRT inside plugin");
}

TEST(Breadcrumb, NestsAndGoes) {
  EXPECT_EQ(Breadcrumb::of_this_thread(), nullptr);
  {
    const Breadcrumb outer("a", "1", "x", "T504");
    {
      const Breadcrumb inner("b", "2", "y", "T504");
      EXPECT_EQ(Breadcrumb::of_this_thread(), &inner);
    }
    EXPECT_EQ(Breadcrumb::of_this_thread(), &outer);
  }
  EXPECT_EQ(Breadcrumb::of_this_thread(), nullptr);
}

}  // namespace
}  // namespace onnxport
