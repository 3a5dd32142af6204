// Host calls that fail on purpose: what a plugin makes of it is tried by plugin check.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace onnxport {

// The code of a call that failed on purpose.
inline constexpr std::string_view kFailedOnPurpose = "T550";

// While it lives, the calls that this plugin makes of the host's tables on this thread are counted, and one of them fails, as it
// would for want of memory. One at a time for each thread.
class HostCalls {
 public:
  enum class Which {
    telling,  // by which a plugin sees that the call has failed: it gives a value or a status
    all,      // and readers too, which answer with 0 then
  };
  // `fail_at`: which call fails, from 1; 0: none.
  HostCalls(std::string_view plugin_id, size_t fail_at, Which which = Which::telling);
  ~HostCalls();
  HostCalls(const HostCalls&) = delete;
  HostCalls& operator=(const HostCalls&) = delete;

  size_t count() const { return count_; }
  // Whether an exception left the plugin, and whether it said that all is well after a call had failed.
  bool exception_left() const { return exception_left_; }
  bool went_on() const { return went_on_; }

  // For the host: those that count for the plugin on this thread, or null.
  static HostCalls* of(std::string_view plugin_id);
  Which which() const { return which_; }
  // Counts one; whether it fails.
  bool next() { return ++count_ == fail_at_; }
  void left_by_exception() { exception_left_ = true; }
  void ended_well_in_spite_of_it() { went_on_ = true; }

 private:
  std::string plugin_id_;
  size_t fail_at_;
  Which which_;
  size_t count_ = 0;
  bool exception_left_ = false;
  bool went_on_ = false;
};

}  // namespace onnxport
