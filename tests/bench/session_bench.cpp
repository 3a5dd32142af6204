// session_bench MODEL COUNT: COUNT exports of one small model, from one Session and by a call each; and the parts of one.
//
// Prints a line of `name seconds` for each: `session` and `calls` in all, `stages` what the stages of the session's exports took
// by their own clocks, `targets` COUNT targets of one program, `open` one Session, `clone` what keeping the captured form adds.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "onnxport/export.h"

namespace {

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double sum(const std::vector<std::pair<std::string, double>>& stages) {
  double out = 0;
  for (const auto& [name, took] : stages) out += took;
  return out;
}

int run(const char* model, int count) {
  size_t bytes = 0;
  const onnxport::Sink sink = [&](std::span<const std::byte> piece) { bytes += piece.size(); };
  onnxport::ProgramOptions options;
  options.verifiable = false;
  const onnxport::Target target;
  double stages = 0;
  const auto export_from = [&](const onnxport::Session& session) {
    onnxport::Program program = session.capture(model, options);
    stages += sum(program.report().stage_seconds);
    stages += sum(std::move(program).write(target, sink).stage_seconds);
  };
  export_from(onnxport::Session());  // libraries are opened, files are in memory
  stages = 0;
  bytes = 0;

  const double in_session = seconds([&] {
    const onnxport::Session session;
    for (int i = 0; i < count; ++i) export_from(session);
  });
  const size_t of_session = std::exchange(bytes, 0);
  const double calls = seconds([&] {
    for (int i = 0; i < count; ++i) onnxport::export_to_callback(model, sink);
  });
  if (bytes != of_session) {
    std::fprintf(stderr, "the session wrote %zu bytes, the calls %zu\n", of_session, bytes);
    return 1;
  }
  const onnxport::Session session;
  const onnxport::Program program = session.capture(model, options);
  const double targets = seconds([&] {
    for (int i = 0; i < count; ++i) program.write(target, sink);
  });
  constexpr int kOpen = 20;
  const double open = seconds([&] {
                        for (int i = 0; i < kOpen; ++i) const onnxport::Session one;
                      }) /
                      kOpen;
  onnxport::ProgramOptions kept = options;
  kept.verifiable = true;
  const auto captures = [&](const onnxport::ProgramOptions& how) {
    return seconds([&] {
      for (int i = 0; i < count; ++i) (void)session.capture(model, how);
    });
  };
  captures(options);
  const double without = captures(options);
  const double clone = captures(kept) - without;
  std::printf("session %f\ncalls %f\nstages %f\ntargets %f\nopen %f\nclone %f\ncapture %f\n", in_session,
              calls, stages, targets, open, clone, without);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || std::atoi(argv[2]) < 1) {
    std::fputs("usage: session_bench MODEL COUNT\n", stderr);
    return 1;
  }
  try {
    return run(argv[1], std::atoi(argv[2]));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
