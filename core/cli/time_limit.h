// A bound on the seconds of an export: what takes longer ends with an error, and leaves nothing behind.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace onnxport::cli {

// Ends the process with T549, which names the stages and what each took, unless it is gone before that many seconds. In a
// thread of its own: what takes the time may be one call of libtorch.
class TimeLimit {
 public:
  TimeLimit(int seconds, bool json);  // 0: none
  ~TimeLimit();
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;

  void begin(std::string_view stage);

 private:
  using Clock = std::chrono::steady_clock;
  void wait();
  [[noreturn]] void end() const;

  int seconds_;
  bool json_;
  std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;
  std::vector<std::pair<std::string, Clock::time_point>> begun_;
  std::thread thread_;
};

}  // namespace onnxport::cli
