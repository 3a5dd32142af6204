// Reductions and running sums.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/evaluate/elements.h"
#include "core/evaluate/rules.h"

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
std::optional<Reduction> plan(const Evaluation& e, const Array& x, bool& nothing) {
  const size_t rank = x.dims().size();
  std::vector<bool> reduce(rank, true);
  if (e.is_given(1) || e.attribute("axes") != nullptr) {
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
std::vector<T> run(const Reduction& r, const Array& x, const std::vector<T>& values, Combine&& combine) {
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

double combine(std::string_view op, double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return NAN;
  if (op == "ReduceProd") return a * b;
  if (op == "ReduceMax") return std::max(a, b);
  if (op == "ReduceMin") return std::min(a, b);
  return a + b;
}

// The arithmetic that a reduction of integers and of sizes repeats.
const BinaryRule& repeated_rule(std::string_view op) {
  return arithmetic_rule(op == "ReduceProd"  ? "Mul"
                         : op == "ReduceMax" ? "Max"
                         : op == "ReduceMin" ? "Min"
                                             : "Add");
}

Evaluated reduce(const Evaluation& e) {
  const Array* x = e.input(0);
  if (x == nullptr || x->count() == 0 || x->dtype() == ir::DType::boolean) return std::nullopt;
  bool nothing = false;
  const auto r = plan(e, *x, nothing);
  if (!r || x->byte_size() > e.max_bytes * 64) return std::nullopt;
  if (nothing) return one(*x);
  if (is_computed_float(x->dtype())) {
    auto values = run(*r, *x, *x->to_reals(), [&](double a, double b) { return combine(e.op_type, a, b); });
    if (e.op_type == "ReduceMean") {
      for (double& v : values) v /= static_cast<double>(r->reduced);
    }
    return one(from_reals(x->dtype(), r->result, values));
  }
  if (!is_exact_integer(x->dtype()) || e.op_type == "ReduceMean") return std::nullopt;
  const BinaryRule& rule = repeated_rule(e.op_type);
  if (x->is_symbolic()) {
    const auto combine_two = [&](const ir::Dim& a, const ir::Dim& b) {
      return combine_sizes(rule, *e.order, a, b);
    };
    return one(Array(x->dtype(), r->result, run(*r, *x, *x->to_sizes(), combine_two)));
  }
  return one(from_ints(x->dtype(), r->result,
                       run(*r, *x, *x->to_ints(), [&](int64_t a, int64_t b) { return *rule.ints(a, b); })));
}

template <typename T, typename Add>
std::vector<T> running_sum(const std::vector<T>& values, const Dims& dims, size_t axis, const Evaluation& e,
                           Add&& add) {
  const bool exclusive = e.integer("exclusive", 0) != 0, reverse = e.integer("reverse", 0) != 0;
  const Dims strides = strides_of(dims);
  const int64_t stride = strides[axis], size = dims[axis];
  std::vector<T> out(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t position = static_cast<int64_t>(i) / stride % size;
    if (position != 0) continue;  // the first of each line
    T sum{0};
    for (int64_t k = 0; k < size; ++k) {
      const size_t at = i + static_cast<size_t>((reverse ? size - 1 - k : k) * stride);
      if (exclusive) out[at] = sum;
      sum = add(sum, values[at]);
      if (!exclusive) out[at] = sum;
    }
  }
  return out;
}

Evaluated cumulative_sum(const Evaluation& e) {
  const Array* x = e.input(0);
  const auto given = e.ints(1);
  if (x == nullptr || !given || given->size() != 1 || x->byte_size() > e.max_bytes) return std::nullopt;
  const auto axis = normalize_axis((*given)[0], x->dims().size());
  if (!axis || x->dtype() == ir::DType::boolean) return std::nullopt;
  const Dims& dims = x->dims();
  if (is_computed_float(x->dtype())) {
    const auto add = [](double a, double b) { return combine("ReduceSum", a, b); };
    return one(from_reals(x->dtype(), dims, running_sum(*x->to_reals(), dims, *axis, e, add)));
  }
  if (!is_exact_integer(x->dtype())) return std::nullopt;
  const BinaryRule& rule = arithmetic_rule("Add");
  if (x->is_symbolic()) {
    const auto add = [&](const ir::Dim& a, const ir::Dim& b) { return combine_sizes(rule, *e.order, a, b); };
    return one(Array(x->dtype(), dims, running_sum(*x->to_sizes(), dims, *axis, e, add)));
  }
  const auto add = [&](int64_t a, int64_t b) { return *rule.ints(a, b); };
  return one(from_ints(x->dtype(), dims, running_sum(*x->to_ints(), dims, *axis, e, add)));
}

}  // namespace

const RuleTable& reduction_rules() {
  static const RuleTable rules = {
      {"CumSum", cumulative_sum}, {"ReduceMax", reduce},  {"ReduceMean", reduce},
      {"ReduceMin", reduce},      {"ReduceProd", reduce}, {"ReduceSum", reduce},
  };
  return rules;
}

}  // namespace onnxport
