#include "core/cli/time_limit.h"

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>

#include "core/cli/child.h"
#include "core/cli/early_end.h"
#include "core/cli/terminal.h"
#include "onnxport/output.h"

namespace onnxport::cli {

TimeLimit::TimeLimit(int seconds, bool json) : seconds_(seconds), json_(json) {
  if (seconds_ > 0) thread_ = std::thread([this] { wait(); });
}

TimeLimit::~TimeLimit() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  over_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TimeLimit::begin(std::string_view stage) {
  const std::lock_guard lock(mutex_);
  begun_.emplace_back(stage, Clock::now());
}

void TimeLimit::wait() {
  std::unique_lock lock(mutex_);
  if (!over_.wait_for(lock, std::chrono::seconds(seconds_), [this] { return done_; })) end();
}

// With the lock held: whoever comes to an end now waits for what is told here.
void TimeLimit::end() const {
  std::string what;
  for (size_t i = 0; i < begun_.size(); ++i) {
    const bool runs = i + 1 == begun_.size();
    const std::chrono::duration<double> took =
        (runs ? Clock::now() : begun_[i + 1].second) - begun_[i].second;
    what += fmt::format("{}{} {} {}", i == 0 ? ": " : ", ", begun_[i].first, runs ? "has run for" : "took",
                        human_seconds(took.count()));
  }
  const std::vector<Diagnostic> why = {{Severity::error,
                                        "T549",
                                        fmt::format("not done within {} s{}", seconds_, what),
                                        {},
                                        "a longer --time-limit, or a smaller model; nothing was written"}};
  remove_unfinished_files();
  if (json_) {
    fmt::print("{{\"diagnostics\": {}}}\n", to_json(why));
  } else {
    print_diagnostics(why, false);
  }
  (void)std::fflush(nullptr);
  tell_parent_of_the_end();
  this_is_the_end();
  std::_Exit(exit_status("T549"));
}

}  // namespace onnxport::cli
