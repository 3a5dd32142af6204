#include "core/libtorch/fit.h"

#include "core/ir/integers.h"

namespace onnxport {
namespace {

struct Product {
  std::vector<size_t> variables;
  std::vector<int64_t> values;  // per run
};

// All products of up to three variables, smaller ones first.
std::vector<Product> products(std::span<const std::vector<int64_t>> samples) {
  constexpr size_t kMost = 6;  // variables that are multiplied with each other
  std::vector<Product> out;
  for (size_t v = 0; v < samples.size(); ++v) out.push_back({{v}, samples[v]});
  const size_t limit = samples.size() > kMost ? kMost : samples.size();
  size_t from = 0;
  for (int degree = 2; degree <= 3; ++degree) {
    const size_t to = out.size();
    for (size_t p = from; p < to; ++p) {
      for (size_t v = out[p].variables.back(); v < limit; ++v) {
        Product next = out[p];
        next.variables.push_back(v);
        for (size_t r = 0; r < next.values.size(); ++r) next.values[r] *= samples[v][r];
        out.push_back(std::move(next));
      }
    }
    from = to;
  }
  return out;
}

std::optional<FittedNumber> affine(const Product& p, std::span<const int64_t> values) {
  for (size_t r = 1; r < values.size(); ++r) {
    const int64_t run = p.values[r] - p.values[0];
    if (run == 0) continue;
    const int64_t rise = values[r] - values[0];
    if (rise % run != 0 || rise == 0) return std::nullopt;
    FittedNumber out{.factor = rise / run, .variables = p.variables};
    out.offset = values[0] - out.factor * p.values[0];
    for (size_t k = 0; k < values.size(); ++k) {
      if (out.factor * p.values[k] + out.offset != values[k]) return std::nullopt;
    }
    return out;
  }
  return std::nullopt;
}

std::optional<FittedNumber> two_products(const Product& p, const Product& q,
                                         std::span<const int64_t> values) {
  for (const int64_t a : {1, 2, -1, -2, 3, 4}) {
    for (const int64_t b : {1, -1, 2, -2, 3, 4}) {
      const int64_t offset = values[0] - a * p.values[0] - b * q.values[0];
      bool fits = true;
      for (size_t r = 1; r < values.size() && fits; ++r)
        fits = a * p.values[r] + b * q.values[r] + offset == values[r];
      if (fits)
        return FittedNumber{.factor = a,
                            .variables = p.variables,
                            .other_factor = b,
                            .others = q.variables,
                            .offset = offset};
    }
  }
  return std::nullopt;
}

std::optional<FittedNumber> quotient(const Product& p, std::span<const int64_t> values) {
  constexpr int64_t kLargest = 64;
  for (int64_t divisor = 2; divisor <= kLargest; ++divisor) {
    // Rounding down, up, and what windows do (size - kernel): offsets of small size, nearest to zero first.
    for (int64_t step = 0; step <= 2 * kLargest; ++step) {
      const int64_t offset = step % 2 == 0 ? -step / 2 : (step + 1) / 2;
      bool fits = true;
      for (size_t r = 0; r < values.size() && fits; ++r)
        fits = ir::floor_divide(p.values[r] + offset, divisor) == values[r];
      if (fits) return FittedNumber{.variables = p.variables, .offset = offset, .divisor = divisor};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<FittedNumber> fit_number(std::span<const std::vector<int64_t>> samples,
                                       std::span<const int64_t> values) {
  const std::vector<Product> all = products(samples);
  for (const Product& p : all) {
    if (auto found = affine(p, values)) return found;
  }
  for (size_t i = 0; i < samples.size(); ++i) {
    for (size_t k = i + 1; k < all.size(); ++k) {
      if (auto found = two_products(all[i], all[k], values)) return found;
    }
  }
  for (size_t i = 0; i < samples.size(); ++i) {
    if (auto found = quotient(all[i], values)) return found;
  }
  return std::nullopt;
}

}  // namespace onnxport
