// Whether libtorch's parser and compiler, which call themselves for every level of what they read, may be given a
// model's code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace onnxport {

// Looks at the texts of one model, one after the other.
class CodeLimits {
 public:
  // Empty when `code` nests no deeper than the stack that libtorch is run on allows, and libtorch folds its lists in seconds;
  // else what is too much.
  std::string fault(std::string_view code);

 private:
  size_t definitions_ = 0;  // each may call or hold the next
  size_t bytes_ = 0;
  uint64_t pairs_ = 0;  // of the items of its lists
};

// Runs `work` with so much stack as what CodeLimits lets through may take; what it throws is thrown.
template <typename Work>
void with_deep_stack(Work&& work);

void run_with_deep_stack(void (*run)(void*), void* with);

template <typename Work>
void with_deep_stack(Work&& work) {
  run_with_deep_stack([](void* w) { (*static_cast<std::remove_reference_t<Work>*>(w))(); }, &work);
}

}  // namespace onnxport
