// How this thread computes with floating-point numbers, over a call of code that is not ours.
#pragma once

#include <cfenv>

namespace onnxport {

// Puts back what was there before: the rounding, and whether small numbers are flushed to zero, which a library that was
// compiled with -ffast-math switches on by being opened. What is computed while exporting is the same whoever is asked.
class FloatingPointState {
 public:
  FloatingPointState() { std::fegetenv(&before_); }
  ~FloatingPointState() { std::fesetenv(&before_); }
  FloatingPointState(const FloatingPointState&) = delete;
  FloatingPointState& operator=(const FloatingPointState&) = delete;

 private:
  std::fenv_t before_{};
};

}  // namespace onnxport
