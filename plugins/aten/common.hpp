// What several families share.
#pragma once

#include <cmath>
#include <limits>

#include "onnxport/plugin.hpp"

namespace onnxport::aten {

inline constexpr double pi = 3.14159265358979323846;
inline constexpr double ln2 = 0.69314718055994530942;
inline constexpr double ln10 = 2.30258509299404568402;
inline constexpr double infinity = std::numeric_limits<double>::infinity();

// The angle of (x, y), in [-pi, pi]: the arc tangent of y / x in the right half plane, half a turn away from
// it in the left one.
inline Value angle_of(Op& op, const Value& x, const Value& y) {
  Value right = op.Atan(y / x);
  Value half_turn = op.Where(y < 0, op.like(y, -pi), op.like(y, pi));
  Value angle = op.Where(x < 0, right + half_turn, right);
  return op.Where((x == 0) & (y == 0), op.like(y, 0), angle);
}

// x without its fraction.
inline Value truncated(Op& op, const Value& x) {
  return is_floating(x.dtype()) ? op.Sign(x) * op.Floor(op.Abs(x)) : x;
}

// False everywhere, in the shape of `x`.
inline Value nowhere(const Value& x) { return ~x.builder().Equal(x, x); }

// Where the sign is negative, that of a negative zero too.
inline Value sign_bit(Op& op, const Value& x) {
  if (x.dtype() == DType::boolean) return nowhere(x);
  return is_floating(x.dtype()) ? (x < 0) | (op.Reciprocal(x) < 0) : x < 0;
}

// `a` where the condition holds, else `b`: of bools too, for which runtimes have no Where.
inline Value either(Op& op, const Value& condition, const Value& a, const Value& b) {
  if (a.dtype() != DType::boolean) return op.Where(condition, a, b);
  return (condition & a) | (~condition & b);
}

// Neither infinite nor NaN.
inline Value finite(Op& op, const Value& x) { return op.Abs(x) < infinity; }

// x * log, and 0 where x is, whatever the logarithm.
inline Value times_log(Op& op, const Value& x, const Value& log) {
  return op.Where(x == 0, op.like(x, 0), x * log);
}

// x times the argument `arg`, and x itself where that is one: the alpha of add, the value of addcmul.
inline Value scaled(Op& op, const Value& x, std::string_view arg) {
  if (op.is_known(arg) && op.real(arg, 1) == 1) return x;
  return x * op.as(arg, x.dtype());
}

// The axes of argument `dim` as a value; absent, which means all to ONNX, where that is None or empty.
inline Value reduced_axes(Op& op, const Value& x) {
  if (!op.has("dim") || x.rank() == 0) return {};
  const std::vector<int64_t> axes = op.axes("dim", x);
  return axes.empty() ? Value() : op.ints(axes);
}

// Reduces `x` by the ONNX operator over the axes of argument `dim`, as the argument keepdim says.
inline Value reduced(Op& op, std::string_view onnx_op, const Value& x) {
  return op.node(onnx_op, {x, reduced_axes(op, x)}, {{"keepdims", op.boolean("keepdim", false)}});
}

// The same axes as numbers, None and empty meaning all.
inline std::vector<int64_t> axes_reduced(Op& op, const Value& x) {
  return op.has("dim") ? op.axes_or_all("dim", x) : op.axes_or_all("", x);
}

// Whether the axes are known to hold no element.
inline bool hold_nothing(const Value& x, const std::vector<int64_t>& axes) {
  return std::any_of(axes.begin(), axes.end(), [&](int64_t axis) { return x.static_dim(axis) == 0; });
}

// NaN in the shape of the reduction: what torch takes of nothing, and runtimes answer in their own ways.
inline Value of_nothing(Op& op, const Value& x) {
  return reduced(op, "ReduceSum", x) + op.like(x, std::nan(""));
}

inline Value averaged(Op& op, const Value& x) {
  return hold_nothing(x, axes_reduced(op, x)) ? of_nothing(op, x) : reduced(op, "ReduceMean", x);
}

// (sum |x|^p)^(1/p) over the axes, with its limits: the number of non-zeros, the least, the greatest.
inline Value p_norm(Op& op, const Value& x, double p, const Value& axes, bool keepdim) {
  const Attrs attrs{{"keepdims", keepdim}};
  if (p == 1) return op.ReduceL1(x, axes, attrs);
  if (p == 2) return op.ReduceL2(x, axes, attrs);
  if (p == infinity) return op.ReduceMax(op.Abs(x), axes, attrs);
  if (p == -infinity) return op.ReduceMin(op.Abs(x), axes, attrs);
  if (p == 0) return op.ReduceSum(op.cast(op.cast(x, DType::boolean), x.dtype()), axes, attrs);
  Value powers = op.ReduceSum(op.Pow(op.Abs(x), op.like(x, p)), axes, attrs);
  return op.Pow(powers, op.like(powers, 1 / p));
}

// ONNX's index of a pooled maximum counts through the whole batch, torch's through one plane (N, C, plane).
inline Value place_in_plane(Op& op, const Value& x, const Value& index) {
  Value size = op.constant(1);
  for (int64_t axis = 2; axis < x.rank(); ++axis) size = size * op.dim(x, axis);
  return op.Mod(index, size);
}

// A running result along an axis: y[i] = step(y[i - 1], x[i]), where y[-1] is `start`.
template <typename Step>
Value running(Op& op, const Value& x, int64_t axis, double start, Step step) {
  Values rest;
  for (int64_t i = 0; i < x.rank(); ++i) {
    if (x.static_dim(i) == 0) return x;  // nothing to scan
    if (i != axis) rest.push_back(op.dim(x, i));
  }
  const auto rank = static_cast<int64_t>(rest.size());
  Block body =
      op.block({{"state", x.dtype(), rank}, {"next", x.dtype(), rank}}, [&](const Values& in) -> Values {
        Value state = step(in[0], in[1]);
        return {state, op.Identity(state)};
      });
  return op.Scan(
      {op.full(op.shape(rest), start, x.dtype()), x}, 2,
      {{"body", body}, {"num_scan_inputs", 1}, {"scan_input_axes", {axis}}, {"scan_output_axes", {axis}}})[1];
}

// The spatial part of an ONNX operator that wants a batch axis: f(x), with one added and taken away where
// torch allows an input of `spatial` + 1 axes.
template <typename F>
Value batched(Op& op, const Value& x, int64_t spatial, F f) {
  if (x.rank() == spatial + 2) return f(x);
  return op.squeeze(f(op.unsqueeze(x, {0})), {0});
}

// ---- axes and shapes ----

// As the end of a slice: whatever the size.
inline constexpr int64_t to_end = std::numeric_limits<int64_t>::max();

inline std::vector<int64_t> all_axes(int64_t rank) {
  std::vector<int64_t> axes(static_cast<size_t>(rank));
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

// The axes `first`, then the others in their order.
inline std::vector<int64_t> axes_first(int64_t rank, std::vector<int64_t> first) {
  const auto named = static_cast<std::ptrdiff_t>(first.size());
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (std::find(first.begin(), first.begin() + named, axis) == first.begin() + named) first.push_back(axis);
  }
  return first;
}

// The axes other than `last` in their order, then those.
inline std::vector<int64_t> axes_last(int64_t rank, const std::vector<int64_t>& last) {
  std::vector<int64_t> order = axes_first(rank, last);
  std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(last.size()), order.end());
  return order;
}

// The order that undoes `order`.
inline std::vector<int64_t> inverse(const std::vector<int64_t>& order) {
  std::vector<int64_t> back(order.size());
  for (size_t i = 0; i < order.size(); ++i) back[order[i]] = static_cast<int64_t>(i);
  return back;
}

// Transposed, or x itself where the order is its own.
inline Value permuted(Op& op, const Value& x, const std::vector<int64_t>& order) {
  return std::is_sorted(order.begin(), order.end()) ? x : op.transpose(x, order);
}

// 0, 1, ... count - 1.
inline Value counted(Op& op, const Value& count) { return op.Range(op.constant(0), count, op.constant(1)); }

// x[from:to:step] along one axis, the bounds being 0-d values.
inline Value section(Op& op, const Value& x, int64_t axis, const Value& from, const Value& to,
                     int64_t step = 1) {
  if (step == 1) return op.Slice(x, op.shape({from}), op.shape({to}), op.ints({axis}));
  return op.Slice(x, op.shape({from}), op.shape({to}), op.ints({axis}), op.ints({step}));
}

// The sizes of the axes in [from, to).
inline Values dims(Op& op, const Value& x, int64_t from, int64_t to) {
  Values out;
  for (int64_t axis = from; axis < to; ++axis) out.push_back(op.dim(x, axis));
  return out;
}

inline Value element_count(Op& op, const Value& x) {
  Value product = op.constant(1);
  for (const Value& size : dims(op, x, 0, x.rank())) product = product * size;
  return product;
}

// Number of elements along an axis, which must be known: for results that are as many values.
inline int64_t known_size(Op& op, const Value& x, int64_t axis) {
  const auto size = x.static_dim(axis);
  op.require(size.has_value(), "the size of axis " + std::to_string(axis) + " must be known while exporting");
  return *size;
}

// Whether two shapes are known to be equal, static or not.
inline bool same_shape(Op& op, const Value& a, const Value& b) {
  if (a.rank() != b.rank()) return false;
  for (int64_t axis = 0; axis < a.rank(); ++axis) {
    if (!op.same_dim(a, axis, b, axis)) return false;
  }
  return true;
}

// f(x) for an operator that wants at least one axis, where torch allows none.
template <typename F>
Value with_an_axis(Op& op, const Value& x, F f) {
  return x.rank() > 0 ? f(x) : op.squeeze(f(op.unsqueeze(x, {0})), {0});
}

}  // namespace onnxport::aten
