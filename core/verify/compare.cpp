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

Comparison compare_exact(const std::vector<int64_t>& a, const std::vector<int64_t>& b,
                         const std::vector<int64_t>& dims) {
  Comparison out;
  size_t wrong = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
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
                   std::optional<double> atol, ir::DType computed_in) {
  if (ir::is_complex(expected.dtype()))
    return compare(as_real_pairs(expected), actual, rtol, atol, computed_in);
  Comparison out;
  if (expected.dtype() != actual.dtype() || expected.dims() != actual.dims()) {
    out.equal = false;
    out.message = "expected " + shape_text(expected) + ", got " + shape_text(actual);
    return out;
  }
  const auto ints = expected.to_ints();
  if (ints) return compare_exact(*ints, *actual.to_ints(), expected.dims());
  const auto a = expected.to_reals();
  const auto b = actual.to_reals();
  if (!a || !b) {
    out.equal = std::ranges::equal(expected.contiguous().bytes(), actual.contiguous().bytes());
    if (!out.equal) out.message = "the bytes differ";
    return out;
  }
  double largest = 0;
  for (double v : *a) {
    if (std::isfinite(v)) largest = std::max(largest, std::abs(v));
  }
  const Tolerance own = tolerance_of(expected.dtype(), largest);
  const Tolerance inner = tolerance_of(computed_in, largest);
  const double r = rtol.value_or(std::max(own.rtol, inner.rtol));
  const double t = atol.value_or(std::max(own.atol, inner.atol));
  size_t wrong = 0;
  double worst = -1;
  for (size_t i = 0; i < a->size(); ++i) {
    const double x = (*a)[i];
    const double y = (*b)[i];
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    const double error = std::isfinite(x) && std::isfinite(y) ? std::abs(x - y) : HUGE_VAL;
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

}  // namespace onnxport
