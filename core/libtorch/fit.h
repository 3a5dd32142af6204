// Numbers that vary with sizes, expressed by those sizes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace onnxport {

// (factor * product(variables) + other_factor * product(others) + offset) // divisor, rounded towards minus infinity.
struct FittedNumber {
  int64_t factor = 1;
  std::vector<size_t> variables{};
  int64_t other_factor = 0;
  std::vector<size_t> others{};
  int64_t offset = 0;
  int64_t divisor = 1;
};

// `samples[v][r]`: the value of variable v in run r; `values[r]`: the number seen in run r. The simplest
// expression that is right in every run; nullopt when there is none.
std::optional<FittedNumber> fit_number(std::span<const std::vector<int64_t>> samples,
                                       std::span<const int64_t> values);

}  // namespace onnxport
