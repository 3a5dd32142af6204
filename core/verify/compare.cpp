#include "core/verify/compare.h"

#include <algorithm>
#include <cmath>

namespace onnxport {
namespace {

ir::Tensor as_real_pairs(const ir::Tensor& t) {
  std::vector<int64_t> dims = t.dims();
  dims.push_back(2);
  const ir::DType part = t.dtype() == ir::DType::c128 ? ir::DType::f64 : ir::DType::f32;
  return ir::Tensor::copy_of(part, std::move(dims), t.contiguous().bytes());
}

std::string shape_text(const ir::Tensor& t) { return t.type().text(); }

std::string position(int64_t flat, const std::vector<int64_t>& dims) {
  std::vector<int64_t> at(dims.size());
  for (size_t i = dims.size(); i-- > 0;) {
    at[i] = dims[i] == 0 ? 0 : flat % dims[i];
    flat = dims[i] == 0 ? 0 : flat / dims[i];
  }
  std::string out = "[";
  for (size_t i = 0; i < at.size(); ++i) out += (i == 0 ? "" : ",") + std::to_string(at[i]);
  return out + "]";
}

// Whether an integer or bool moves when the inputs do: an index of a maximum that is nearly another's.
bool moves(size_t i, int64_t expected, const std::vector<std::vector<int64_t>>& nudged) {
  return std::any_of(nudged.begin(), nudged.end(), [&](const std::vector<int64_t>& other) {
    return i < other.size() && other[i] != expected;
  });
}

Comparison compare_exact(const std::vector<int64_t>& a, const std::vector<int64_t>& b,
                         const std::vector<int64_t>& dims, const Nudged& nudged) {
  std::vector<std::vector<int64_t>> others;
  for (const ir::Tensor& other : nudged) {
    if (other.dims() == dims && other.to_ints()) others.push_back(*other.to_ints());
  }
  Comparison out;
  size_t wrong = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || moves(i, a[i], others)) continue;
    if (wrong++ == 0) {
      out.message = "at " + position(static_cast<int64_t>(i), dims) + " expected " + std::to_string(a[i]) +
                    ", got " + std::to_string(b[i]);
    }
    out.max_abs_error =
        std::max(out.max_abs_error, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  out.equal = wrong == 0;
  if (wrong != 0)
    out.message += " (" + std::to_string(wrong) + " of " + std::to_string(a.size()) + " elements differ)";
  return out;
}

// The largest finite number of each row.
std::vector<double> largest_of_rows(const std::vector<double>& values, size_t row) {
  std::vector<double> out;
  for (size_t at = 0; at < values.size(); at += row) {
    double largest = 0;
    for (size_t i = at; i < std::min(at + row, values.size()); ++i) {
      if (std::isfinite(values[i])) largest = std::max(largest, std::abs(values[i]));
    }
    out.push_back(largest);
  }
  return out;
}

// How much each element moved; infinite where it became or ceased to be a number.
std::vector<double> movement(const std::vector<double>& expected, const std::vector<int64_t>& dims,
                             const Nudged& nudged) {
  std::vector<double> out(expected.size(), 0);
  for (const ir::Tensor& other : nudged) {
    const auto values = other.dims() == dims ? other.to_reals() : std::nullopt;
    if (!values) continue;
    for (size_t i = 0; i < out.size(); ++i) {
      const double x = expected[i];
      const double y = (*values)[i];
      if (x == y || (std::isnan(x) && std::isnan(y))) continue;
      out[i] = std::max(out[i], std::isfinite(x) && std::isfinite(y) ? std::abs(x - y) : HUGE_VAL);
    }
  }
  return out;
}

// Of a result whose inputs moved by less than its own computation may be off.
constexpr double kMovementFactor = 8;

}  // namespace

Tolerance tolerance_of(ir::DType dtype, double largest) {
  switch (dtype) {
    case ir::DType::f64:
      return {1e-5, std::max(1e-8, 1e-9 * largest)};
    case ir::DType::f32:
      return {1e-3, std::max(1e-5, 2e-6 * largest)};
    case ir::DType::f16:
      return {1e-2, std::max(1e-3, 1e-3 * largest)};
    case ir::DType::bf16:
      return {4e-2, std::max(1e-2, 8e-3 * largest)};
    default:
      return {0, 0};
  }
}

Comparison compare(const ir::Tensor& expected, const ir::Tensor& actual, std::optional<double> rtol,
                   std::optional<double> atol, ir::DType computed_in, const Nudged& nudged) {
  if (ir::is_complex(expected.dtype())) {
    Nudged pairs;
    for (const ir::Tensor& other : nudged) pairs.push_back(as_real_pairs(other));
    return compare(as_real_pairs(expected), actual, rtol, atol, computed_in, pairs);
  }
  Comparison out;
  if (expected.dtype() != actual.dtype() || expected.dims() != actual.dims()) {
    out.equal = false;
    out.message = "expected " + shape_text(expected) + ", got " + shape_text(actual);
    return out;
  }
  const auto ints = expected.to_ints();
  if (ints) return compare_exact(*ints, *actual.to_ints(), expected.dims(), nudged);
  const auto a = expected.to_reals();
  const auto b = actual.to_reals();
  if (!a || !b) {
    out.equal = std::ranges::equal(expected.contiguous().bytes(), actual.contiguous().bytes());
    if (!out.equal) out.message = "the bytes differ";
    return out;
  }
  const size_t row =
      expected.dims().empty() ? 1 : static_cast<size_t>(std::max<int64_t>(expected.dims().back(), 1));
  const std::vector<double> largest = largest_of_rows(*a, row);
  const std::vector<double> moved = movement(*a, expected.dims(), nudged);
  size_t wrong = 0;
  double worst = -1;
  for (size_t i = 0; i < a->size(); ++i) {
    const double x = (*a)[i];
    const double y = (*b)[i];
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    const Tolerance own = tolerance_of(expected.dtype(), largest[i / row]);
    const Tolerance inner = tolerance_of(computed_in, largest[i / row]);
    const double r = rtol.value_or(std::max(own.rtol, inner.rtol));
    const double t = atol.value_or(std::max(own.atol, inner.atol));
    const double error = std::isfinite(x) && std::isfinite(y) ? std::abs(x - y) : HUGE_VAL;
    if (moved[i] == HUGE_VAL ||
        (error > t + r * std::abs(x) && error <= t + r * std::abs(x) + kMovementFactor * moved[i]))
      continue;
    out.max_abs_error = std::max(out.max_abs_error, error);
    out.max_rel_error = std::max(out.max_rel_error, error / std::max({std::abs(x), t, 1e-30}));
    if (error <= t + r * std::abs(x)) continue;
    ++wrong;
    if (error > worst) {
      worst = error;
      out.message = "at " + position(static_cast<int64_t>(i), expected.dims()) + " expected " +
                    std::to_string(x) + ", got " + std::to_string(y);
    }
  }
  out.equal = wrong == 0;
  if (wrong != 0)
    out.message += " (" + std::to_string(wrong) + " of " + std::to_string(a->size()) + " elements differ)";
  return out;
}

size_t finite_elements(const ir::Tensor& tensor) {
  const std::optional<std::vector<double>> reals = tensor.to_ints() ? std::nullopt : tensor.to_reals();
  if (!reals) return static_cast<size_t>(tensor.count());
  return static_cast<size_t>(
      std::count_if(reals->begin(), reals->end(), [](double v) { return std::isfinite(v); }));
}

void Coverage::add(const ir::Tensor& result) {
  if (ir::is_complex(result.dtype())) return add(as_real_pairs(result));
  std::optional<std::vector<double>> values = result.to_reals();
  if (const auto ints = result.to_ints()) {
    values.emplace(ints->begin(), ints->end());
  } else {
    real_ = true;
  }
  if (!values) return;
  elements_ += values->size();
  for (const double v : *values) {
    if (!std::isfinite(v)) {
      nan_ += std::isnan(v) ? 1 : 0;
      continue;
    }
    ++finite_;
    saturated_ = saturated_ && (v == 0 || v == 1 || v == -1);
    varies_ = varies_ || (first_ && *first_ != v);
    if (!first_) first_ = v;
  }
}

std::string Coverage::fault() const {
  constexpr size_t kFewest = 8;  // of real numbers, that all being 0 or 1 says something
  if (elements_ == 0) return "has no elements";
  if (finite_ == 0) return nan_ == elements_ ? "is NaN throughout" : "has no finite element";
  if (!varies_) {
    std::string number = std::to_string(*first_);
    number.erase(number.find_last_not_of('0') + 1);
    if (number.ends_with('.')) number.pop_back();
    return "is " + number + " throughout";
  }
  if (real_ && saturated_ && finite_ >= kFewest) return "is saturated: nothing but -1, 0 and 1";
  return "";
}

}  // namespace onnxport
