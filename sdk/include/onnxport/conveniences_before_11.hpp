// What Builder's conveniences emit at opsets that have no operator for it: ranges below 11, choices between values and
// comparisons of integers below 9. Part of onnxport/plugin.hpp.
#pragma once

#include "onnxport/builder.hpp"

namespace onnxport {
inline namespace sdk_v1 ONNXPORT_SDK_HIDDEN {

namespace detail {

// The numbers of a range of i64, where they are few enough to be written down.
inline std::optional<std::vector<int64_t>> small_range(int64_t from, int64_t to, int64_t by) {
  constexpr uint64_t most = 1u << 16;
  if (by == 0) return std::nullopt;
  if (by > 0 ? from >= to : from <= to) return std::vector<int64_t>{};
  // Unsigned: the distance of two int64_t may be more than one holds.
  const uint64_t distance = by > 0 ? static_cast<uint64_t>(to) - static_cast<uint64_t>(from)
                                   : static_cast<uint64_t>(from) - static_cast<uint64_t>(to);
  const uint64_t stride = by > 0 ? static_cast<uint64_t>(by) : uint64_t{0} - static_cast<uint64_t>(by);
  const uint64_t count = (distance - 1) / stride + 1;
  if (count > most) return std::nullopt;
  std::vector<int64_t> numbers;
  for (uint64_t i = 0; i < count; ++i) numbers.push_back(from + static_cast<int64_t>(i) * by);
  return numbers;
}

}  // namespace detail

// 0, 1, … count - 1 is what a Loop of so many steps gives out; few numbers that are known now are a constant.
inline Value Builder::range_by_loop(const Value& start, const Value& end, const Value& step) {
  const auto from = start.constant_ints(), to = end.constant_ints(), by = step.constant_ints();
  const bool simple = from && by && start.dtype() == DType::i64 && from->front() == 0 && by->front() == 1;
  if (from && to && by && start.dtype() == DType::i64) {
    if (const auto numbers = detail::small_range(from->front(), to->front(), by->front()))
      return ints(*numbers);
  }
  Value count = end;
  if (!simple) {
    const DType real = start.dtype() == DType::f64 ? DType::f64 : DType::f32;
    count = is_integral(start.dtype()) ? cast(end - start, DType::f64) / cast(step, DType::f64)
                                       : (end - start) / step;
    count = cast(Ceil(is_integral(start.dtype()) ? count : cast(count, real)), DType::i64);
  }
  // Below 11 a Loop carries one value at least.
  const Block body = block({{"i", DType::i64, 0}, {"on", DType::boolean, 0}, {"nothing", DType::i64, 0}},
                           [&](const Values& in) -> Values {
                             return {Identity(in[1]), Identity(in[2]), Identity(in[0])};
                           });
  const Values out = node("Loop", {count, {}, constant(0)}, {{"body", body}}, size_t{2});
  const Value index = typed(out[1], DType::i64, {fresh_dim()});
  return simple ? index : cast(index, start.dtype()) * step + start;
}

// Exact, whatever the values are: of infinities and NaN too, which arithmetic with the condition would spread.
inline Value Builder::where_by_gather(const Value& condition, const Value& a, const Value& b) {
  if (!is_floating(a.dtype())) {
    const DType wide = a.dtype() == DType::i32 ? DType::i32 : DType::i64;
    const Value low = cast(b, wide);
    return cast(low + cast(condition, wide) * (cast(a, wide) - low), a.dtype());
  }
  // The condition in the shape that all three broadcast to; Less is false of a value and itself.
  const Value none = cast(Or(Less(a, a), Less(b, b)), DType::i64);
  const Value chosen = cast(condition, DType::i64) + none;
  const Value whole = shape_of(chosen);
  const Value ones = cast(chosen * 0 + 1, a.dtype());
  const Value both = Concat({reshape(b * ones, {-1}), reshape(a * ones, {-1})}, {attr::axis(0)});
  const Value count = numel(chosen);
  const Value index = reshape(chosen, {-1}) * count + arange(count);
  return Reshape(Gather(both, index), whole);
}

// As double, which holds every 32-bit integer. Of 64 bits those that round to one double are near, so that their
// difference tells.
inline Value Builder::less_by_reals(const Value& a, const Value& b) {
  const Value x = cast(a, DType::f64), y = cast(b, DType::f64);
  const Value by_reals = Less(x, y);
  if (a.dtype() != DType::i64) return by_reals;
  const Value by_difference = Less(cast(a - b, DType::f64), constant(0.0, DType::f64));
  return Or(by_reals, And(Not(Less(y, x)), by_difference));
}

// Neither less nor greater, and no NaN, which is neither of anything.
inline Value Builder::equal_by_less(const Value& a, const Value& b) {
  if (is_integral(a.dtype())) {
    const DType wide = a.dtype() == DType::u32 ? DType::i64 : DType::i32;
    require(a.dtype() != DType::u64, "64-bit unsigned integers cannot be compared below opset 11");
    return Equal(cast(a, wide), cast(b, wide));
  }
  const auto is_number = [&](const Value& x) -> Value {
    const auto known = x.constant_reals();
    if (known && std::none_of(known->begin(), known->end(), [](double v) { return v != v; })) return {};
    return Or(Less(x, like(x, detail::infinity)), Less(like(x, -detail::infinity), x));
  };
  Value out = Not(Or(Less(a, b), Less(b, a)));
  if (const Value number = is_number(a)) out = And(out, number);
  if (const Value number = is_number(b)) out = And(out, number);
  return out;
}

inline Value Builder::accumulate_by_loop(const Value& x, int64_t axis, double initial,
                                         const AccumulateStep& step) {
  Values rest;
  std::vector<int64_t> to_front = {axis}, back;
  for (int64_t i = 0; i < x.rank(); ++i) {
    if (x.static_dim(i) == 0) return x;  // nothing to go through
    if (i != axis) {
      rest.push_back(dim(x, i));
      to_front.push_back(i);
    }
  }
  for (int64_t i = 0; i < x.rank(); ++i) back.push_back(i < axis ? i + 1 : i == axis ? 0 : i);
  const auto rank = static_cast<int64_t>(rest.size());
  const Value rows = permute(x, to_front);
  const Block body = block({{"i", DType::i64, 0}, {"on", DType::boolean, 0}, {"state", x.dtype(), rank}},
                           [&](const Values& in) -> Values {
                             const Value next = step(in[2], Gather(rows, in[0]));
                             return {Identity(in[1]), next, Identity(next)};
                           });
  const Value first = rank == 0 ? constant(initial, x.dtype()) : full(shape(rest), initial, x.dtype());
  const Values out = node("Loop", {dim(x, axis), {}, first}, {{"body", body}}, size_t{2});
  return permute(typed(out[1], x.dtype(), rows.sizes()), back);
}

}  // namespace ONNXPORT_SDK_HIDDEN
}  // namespace onnxport
