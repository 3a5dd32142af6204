// Reductions and running sums of constants.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/evaluate/elements.h"

namespace onnxport {

namespace {

using Dims = std::vector<int64_t>;

struct Reduction {
  Dims kept;     // dims of the result, before keepdims
  Dims result;   // dims as asked for
  Dims strides;  // where each input element goes in the result: 0 along reduced axes
  int64_t reduced = 1;
};

// nullopt when the axes are not known; `done` is set where nothing is to be reduced.
std::optional<Reduction> plan(const Evaluation& e, const ir::Tensor& x, bool& nothing) {
  const size_t rank = x.dims().size();
  std::vector<bool> reduce(rank, true);
  if (e.input(1) != nullptr || e.attribute("axes") != nullptr) {
    const auto axes = e.ints(1, "axes");
    if (!axes) return std::nullopt;
    if (!axes->empty()) std::fill(reduce.begin(), reduce.end(), false);
    for (int64_t axis : *axes) {
      const auto at = normalize_axis(axis, rank);
      if (!at) return std::nullopt;
      reduce[*at] = true;
    }
    nothing = axes->empty() && e.integer("noop_with_empty_axes", 0) != 0;
  } else {
    nothing = e.integer("noop_with_empty_axes", 0) != 0;
  }
  Reduction out;
  const bool keep = e.integer("keepdims", 1) != 0;
  for (size_t i = 0; i < rank; ++i) {
    if (reduce[i]) out.reduced *= x.dims()[i];
    if (!reduce[i] || keep) out.result.push_back(reduce[i] ? 1 : x.dims()[i]);
    out.kept.push_back(reduce[i] ? 1 : x.dims()[i]);
  }
  out.strides = broadcast_strides(out.kept, x.dims());
  for (size_t i = 0; i < rank; ++i) {
    if (reduce[i]) out.strides[i] = 0;
  }
  return out;
}

template <typename T, typename Combine>
std::vector<T> run(const Reduction& r, const ir::Tensor& x, const std::vector<T>& values, Combine&& combine) {
  size_t count = 1;
  for (int64_t dim : r.kept) count *= static_cast<size_t>(dim);
  std::vector<T> out(count);
  std::vector<bool> started(count, false);
  size_t i = 0;
  for_each_offset(x.dims(), r.strides, 0, [&](int64_t offset) {
    const auto at = static_cast<size_t>(offset);
    out[at] = started[at] ? combine(out[at], values[i]) : values[i];
    started[at] = true;
    ++i;
  });
  return out;
}

template <typename T>
T combine(std::string_view op, T a, T b) {
  if constexpr (std::is_same_v<T, int64_t>) {
    if (op == "ReduceSum") return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
    if (op == "ReduceProd") return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else {
    if (std::isnan(a) || std::isnan(b)) return NAN;
  }
  if (op == "ReduceProd") return a * b;
  if (op == "ReduceMax") return std::max(a, b);
  if (op == "ReduceMin") return std::min(a, b);
  return a + b;
}

Evaluated reduce(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  if (x == nullptr || x->count() == 0 || x->dtype() == ir::DType::boolean) return std::nullopt;
  bool nothing = false;
  const auto r = plan(e, *x, nothing);
  if (!r || x->byte_size() > e.max_bytes * 64) return std::nullopt;
  if (nothing) return std::vector<ir::Tensor>{*x};
  std::optional<ir::Tensor> out;
  if (is_computed_float(x->dtype())) {
    auto values = run(*r, *x, *x->to_reals(), [&](double a, double b) { return combine(e.op_type, a, b); });
    if (e.op_type == "ReduceMean") {
      for (double& v : values) v /= static_cast<double>(r->reduced);
    }
    out = from_reals(x->dtype(), r->result, values);
  } else if (is_exact_integer(x->dtype()) && e.op_type != "ReduceMean") {
    out =
        from_ints(x->dtype(), r->result,
                  run(*r, *x, *x->to_ints(), [&](int64_t a, int64_t b) { return combine(e.op_type, a, b); }));
  }
  if (!out) return std::nullopt;
  return std::vector<ir::Tensor>{std::move(*out)};
}

template <typename T>
std::vector<T> running_sum(const std::vector<T>& values, const Dims& dims, size_t axis, bool exclusive,
                           bool reverse) {
  const Dims strides = strides_of(dims);
  const int64_t stride = strides[axis], size = dims[axis];
  std::vector<T> out(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t position = static_cast<int64_t>(i) / stride % size;
    if (position != 0) continue;  // the first of each line
    T sum{};
    for (int64_t k = 0; k < size; ++k) {
      const size_t at = i + static_cast<size_t>((reverse ? size - 1 - k : k) * stride);
      if (exclusive) out[at] = sum;
      sum = combine<T>("ReduceSum", sum, values[at]);
      if (!exclusive) out[at] = sum;
    }
  }
  return out;
}

Evaluated cumulative_sum(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  const auto given = e.ints(1);
  if (x == nullptr || !given || given->size() != 1 || x->byte_size() > e.max_bytes) return std::nullopt;
  const auto axis = normalize_axis((*given)[0], x->dims().size());
  if (!axis || x->dtype() == ir::DType::boolean) return std::nullopt;
  const bool exclusive = e.integer("exclusive", 0) != 0, reverse = e.integer("reverse", 0) != 0;
  std::optional<ir::Tensor> out;
  if (is_computed_float(x->dtype())) {
    out =
        from_reals(x->dtype(), x->dims(), running_sum(*x->to_reals(), x->dims(), *axis, exclusive, reverse));
  } else if (is_exact_integer(x->dtype())) {
    out = from_ints(x->dtype(), x->dims(), running_sum(*x->to_ints(), x->dims(), *axis, exclusive, reverse));
  }
  if (!out) return std::nullopt;
  return std::vector<ir::Tensor>{std::move(*out)};
}

}  // namespace

EvaluationRule find_reduction(std::string_view op_type) {
  static const std::unordered_map<std::string_view, EvaluationRule> rules = {
      {"CumSum", cumulative_sum}, {"ReduceMax", reduce},  {"ReduceMean", reduce},
      {"ReduceMin", reduce},      {"ReduceProd", reduce}, {"ReduceSum", reduce},
  };
  const auto found = rules.find(op_type);
  return found == rules.end() ? nullptr : found->second;
}

}  // namespace onnxport
