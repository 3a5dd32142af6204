#include "core/capture/module/size_plan.h"

#include <algorithm>
#include <optional>

namespace onnxport {
namespace {

bool is_prime(int64_t n) {
  if (n < 2) return false;
  for (int64_t d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return true;
}

}  // namespace

std::optional<int64_t> SizePlan::generic(const std::string& symbol, int64_t step, int rank) {
  const int64_t base = base_.at(symbol);
  const auto info = symbols_.find(symbol);
  const int64_t least = info == symbols_.end() ? 0 : info->second.min;
  const int64_t most = info == symbols_.end() ? INT64_MAX : info->second.max.value_or(INT64_MAX);
  constexpr int64_t kFar = 4096;  // primes above the base that are looked at
  const auto fits = [&](int64_t prime) {
    const int64_t size = prime * step;
    return is_prime(prime) && size >= least && size <= most && size != base && !taken_.contains(size);
  };
  for (int64_t prime = std::max<int64_t>(3, base / step + 1); prime < base / step + kFar; ++prime) {
    if (fits(prime) && rank-- == 0) return prime * step;
  }
  for (int64_t prime = base / step; prime >= 2; --prime) {  // a range that ends at the example
    if (fits(prime) && rank-- == 0) return prime * step;
  }
  return std::nullopt;
}

std::optional<Sizes> SizePlan::one(const std::string& symbol, int64_t step) {
  const auto size = generic(symbol, step, 0);
  if (!size) return std::nullopt;
  Sizes out = base_;
  out[symbol] = *size;
  return out;
}

Sizes SizePlan::all(const std::map<std::string, int64_t, std::less<>>& steps, int round) {
  Sizes out = base_;
  std::set<int64_t> used;
  for (auto& [symbol, size] : out) {
    const auto step = steps.find(symbol);
    // Each symbol another size, none of which one() gives. Those of round 1 are even: where half of a size matters, odd ones
    // alone would hide how it is rounded.
    const int64_t multiple = (step == steps.end() ? 1 : step->second) * (round + 1);
    for (int rank = 1;; ++rank) {
      const auto found = generic(symbol, multiple, rank);
      if (!found) break;
      if (!used.insert(*found).second) continue;
      size = *found;
      break;
    }
  }
  return out;
}

}  // namespace onnxport
