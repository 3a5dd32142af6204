// Bodies of Builder's conveniences, in the form that is legal at the opset they are used at. Part of
// onnxport/plugin.hpp.
#pragma once

#include <algorithm>

#include "onnxport/builder.hpp"

namespace onnxport {
inline namespace sdk_v1 ONNXPORT_SDK_HIDDEN {

inline std::vector<int64_t> Builder::as_attribute(const Value& x, const char* what) {
  const auto numbers = x.constant_ints();
  require(numbers.has_value(),
          std::string(what) + " must be constant at opset " + std::to_string(current_opset()));
  return *numbers;
}

// ---- creation ----

inline Value Builder::full(const Value& shape, double number, DType dtype) {
  if (current_opset() >= 9) return ConstantOfShape(shape, {attr::value(tensor(number, dtype, {1}))});
  if (current_opset() == 8) return Expand(constant(number, dtype), shape);
  const auto rank = shape.static_dim(0);
  require(rank.has_value(), "a tensor whose rank is known at run time only cannot be filled below opset 8");
  const std::vector<int64_t> ones(static_cast<size_t>(*rank), 1);
  return *rank == 0 ? constant(number, dtype) : Tile(constant(tensor(number, dtype, ones)), shape);
}

inline Value Builder::arange(const Value& start, const Value& end, const Value& step) {
  return current_opset() >= 11 ? Range(start, end, step) : range_by_loop(start, end, step);
}

// ---- shapes ----

inline Values Builder::dims(const Value& x, int64_t from, int64_t to) {
  Values out;
  for (int64_t axis = from; axis < to; ++axis) out.push_back(dim(x, axis));
  return out;
}

inline Value Builder::numel(const Value& x) {
  Value product = constant(1);
  for (const Value& size : dims(x, 0, x.rank())) product = product * size;
  return product;
}

inline int64_t Builder::static_size(const Value& x, int64_t axis) {
  const auto size = x.static_dim(axis);
  require(size.has_value(), "the size of axis " + std::to_string(axis) + " must be known while exporting");
  return *size;
}

inline bool Builder::same_shape(const Value& a, const Value& b) {
  if (a.rank() != b.rank()) return false;
  for (int64_t axis = 0; axis < a.rank(); ++axis) {
    if (!same_dim(a, axis, b, axis)) return false;
  }
  return true;
}

// ---- movement of elements ----

inline Value Builder::with_axes(std::string_view onnx_op, const Value& x, const std::vector<int64_t>& axes) {
  if (axes.empty()) return x;
  if (current_opset() >= 13) return node(onnx_op, {x, ints(axes)});
  std::vector<int64_t> counted = axes;  // below 11 they may not count from the end
  const auto added = onnx_op == "Unsqueeze" ? static_cast<int64_t>(axes.size()) : 0;
  if (x.has_rank()) {
    for (int64_t& axis : counted) axis = normalized(axis, x.rank() + (x.is_complex() ? 1 : 0) + added);
  }
  return node(onnx_op, {x}, {{"axes", counted}});
}

inline Value Builder::unsqueeze_around(const Value& vector, int64_t axis, int64_t rank) {
  if (vector.rank() == 0) return vector;
  std::vector<int64_t> others;
  for (int64_t i = 0; i < rank; ++i) {
    if (i != axis) others.push_back(i);
  }
  return unsqueeze(vector, others);
}

inline Value Builder::expand(const Value& x, const Value& shape) {
  if (current_opset() >= 8) return Expand(x, shape);
  // Ones of that shape: multiplying by them changes nothing else.
  const bool exact = is_floating(x.dtype()) || x.dtype() == DType::i64 || x.dtype() == DType::i32;
  const DType type = exact ? x.dtype() : DType::i64;
  return cast(cast(x, type) * full(shape, 1, type), x.dtype());
}

inline Value Builder::permute(const Value& x, const std::vector<int64_t>& order) {
  return std::is_sorted(order.begin(), order.end()) ? x : Transpose(x, {attr::perm(order)});
}

inline Value Builder::transpose(const Value& x, int64_t axis_a, int64_t axis_b) {
  std::vector<int64_t> order(static_cast<size_t>(x.rank()));
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  std::swap(order[static_cast<size_t>(normalized(axis_a, x.rank()))],
            order[static_cast<size_t>(normalized(axis_b, x.rank()))]);
  return permute(x, order);
}

inline Value Builder::sliced(const Value& x, int64_t axis, const Value& start, const Value& end,
                             int64_t step) {
  if (current_opset() >= 10) return Slice(x, start, end, ints({axis}), step == 1 ? Value() : ints({step}));
  require(step == 1, "a slice with steps does not exist below opset 10");
  return node("Slice", {x},
              {{"starts", as_attribute(start, "the start of a slice")},
               {"ends", as_attribute(end, "the end of a slice")},
               {"axes", {axis}}});
}

inline Values Builder::split(const Value& x, const std::vector<int64_t>& sizes, int64_t axis) {
  if (current_opset() >= 13) return Split(x, ints(sizes), sizes.size(), {attr::axis(axis)});
  return node("Split", {x}, {{"split", sizes}, {"axis", normalized(axis, x.rank())}}, sizes.size());
}

inline Values Builder::chunk(const Value& x, int64_t chunks, int64_t axis) {
  const auto count = static_cast<size_t>(chunks);
  if (current_opset() >= 18) return Split(x, {}, count, {attr::axis(axis), attr::num_outputs(chunks)});
  return node("Split", {x}, {{"axis", normalized(axis, x.rank())}}, count);
}

inline Value Builder::pad(const Value& x, const std::vector<int64_t>& pads, const Value& value,
                          const std::string& mode) {
  const bool constant_mode = mode == "constant";
  if (current_opset() >= 11) {
    return Pad(x, ints(pads), constant_mode ? value : Value(), {},
               constant_mode ? attributes_of::Pad{} : attributes_of::Pad{attr::mode(mode)});
  }
  Attrs attrs{{"pads", pads}, {"mode", mode}};
  if (value && constant_mode) {
    const auto number = value.constant_reals();
    require(number.has_value(), "the value of a padding must be a constant float below opset 11");
    attrs.emplace_back("value", number->front());
  }
  return node("Pad", {x}, attrs);
}

inline outputs_of::TopK Builder::topk(const Value& x, const Value& count, int64_t axis, bool largest) {
  if (current_opset() >= 11) return TopK(x, count, {attr::axis(axis), attr::largest(largest)});
  require(largest || is_floating(x.dtype()), "the least of integers cannot be asked for below opset 11");
  const Value ordered = largest ? x : Neg(x);
  const int64_t from_front = normalized(axis, x.rank());
  const Values out =
      current_opset() == 10
          ? node("TopK", {ordered, count}, {{"axis", from_front}}, 2)
          : node("TopK", {ordered},
                 {{"axis", from_front}, {"k", as_attribute(count, "the count of TopK").front()}}, 2);
  return {largest ? out[0] : Neg(out[0]), out[1]};
}

// ---- elementwise ----

inline Value Builder::where(const Value& condition, const Value& a, const Value& b) {
  if (a.dtype() == DType::boolean) return (condition & a) | (~condition & b);
  return current_opset() >= 9 ? Where(condition, a, b) : where_by_gather(condition, a, b);
}

inline Value Builder::clip(const Value& x, const Value& min, const Value& max) {
  const bool any_type = current_opset() >= 12;
  if (any_type || (current_opset() == 11 && is_floating(x.dtype()))) return Clip(x, min, max);
  const auto low = min.constant_reals(), high = max.constant_reals();
  if (x.dtype() == DType::f32 && (!min || low) && (!max || high)) {
    Attrs attrs;
    if (min) attrs.emplace_back("min", low->front());
    if (max) attrs.emplace_back("max", high->front());
    return node("Clip", {x}, attrs);
  }
  const Value raised = min ? maximum(x, min) : x;
  return max ? minimum(raised, max) : raised;
}

inline Value Builder::sign(const Value& x) {
  if (current_opset() >= 9) return Sign(x);
  const Value zero = like(x, 0);
  return cast(less(zero, x), x.dtype()) - cast(less(x, zero), x.dtype());
}

inline Value Builder::trunc(const Value& x) { return is_floating(x.dtype()) ? sign(x) * Floor(Abs(x)) : x; }

inline Value Builder::less(const Value& a, const Value& b) {
  return current_opset() >= 9 || is_floating(a.dtype()) ? Less(a, b) : less_by_reals(a, b);
}

inline Value Builder::less_or_equal(const Value& a, const Value& b) {
  return current_opset() >= 12 ? LessOrEqual(a, b) : Or(less(a, b), equal(a, b));
}

inline Value Builder::equal(const Value& a, const Value& b) {
  const DType t = a.dtype();
  const bool always = t == DType::boolean || t == DType::i32 || t == DType::i64;
  return always || current_opset() >= 11 ? Equal(a, b) : equal_by_less(a, b);
}

inline Value Builder::extremum(const char* onnx_op, const Value& a, const Value& b) {
  if (current_opset() >= 12 || (current_opset() >= 8 && is_floating(a.dtype()))) return node(onnx_op, {a, b});
  if (is_floating(a.dtype()) && same_shape(a, b)) return node(onnx_op, {a, b});
  if (is_floating(a.dtype())) {  // below 8 both must be of one shape
    const Value some = Less(a, b);
    const Value ones = cast(Or(some, Not(some)), a.dtype());
    return node(onnx_op, {a * ones, b * ones});
  }
  return std::string_view(onnx_op) == "Max" ? where(less(a, b), b, a) : where(less(b, a), b, a);
}

// ---- reductions ----

inline Value Builder::reduce(std::string_view onnx_op, const Value& x, const std::vector<int64_t>& axes,
                             bool keepdims) {
  const int axes_are_input_since = onnx_op == "ReduceSum" ? 13 : 18;
  if (current_opset() >= axes_are_input_since) {
    return node(onnx_op, {x, axes.empty() ? Value() : ints(axes)}, {{"keepdims", keepdims}});
  }
  Attrs attrs{{"keepdims", keepdims}};
  std::vector<int64_t> counted = axes;  // below 11 they may not count from the end
  if (current_opset() < 11) {
    for (int64_t& axis : counted)
      axis = axis < 0 ? normalized(axis, x.rank() + (x.is_complex() ? 1 : 0)) : axis;
  }
  if (!axes.empty()) attrs.emplace_back("axes", counted);
  return node(onnx_op, {x}, attrs);
}

// ---- loops ----

inline Values Builder::loop(const Value& trip_count, const Values& state, const LoopStep& step) {
  std::vector<Param> params = {{"i", DType::i64, 0}, {"on", DType::boolean, 0}};
  for (size_t k = 0; k < state.size(); ++k) {
    params.push_back({"state" + std::to_string(k), state[k]});
  }
  const Block body = block(params, [&](const Values& in) -> Values {
    Value go_on = Identity(in[1]);
    Values next = step(in[0], Values(in.begin() + 2, in.end()), go_on);
    next.insert(next.begin(), go_on);
    return next;
  });
  Values out = Loop(trip_count, {}, state, state.size(), {attr::body(body)});
  // ONNX does not infer that a step keeps the type.
  for (size_t k = 0; k < state.size(); ++k) typed_like(out[k], state[k]);
  return out;
}

inline Value Builder::accumulate(const Value& x, int64_t axis, double initial, const AccumulateStep& step) {
  if (current_opset() < 9) return accumulate_by_loop(x, axis, initial, step);
  Values rest;
  for (int64_t i = 0; i < x.rank(); ++i) {
    if (x.static_dim(i) == 0) return x;  // nothing to scan
    if (i != axis) rest.push_back(dim(x, i));
  }
  const auto rank = static_cast<int64_t>(rest.size());
  const Block body =
      block({{"state", x.dtype(), rank}, {"next", x.dtype(), rank}}, [&](const Values& in) -> Values {
        Value state = step(in[0], in[1]);
        return {state, Identity(state)};
      });
  return Scan({full(shape(rest), initial, x.dtype()), x}, 2,
              {attr::body(body), attr::num_scan_inputs(1), attr::scan_input_axes({axis}),
               attr::scan_output_axes({axis})})[1];
}

}  // namespace ONNXPORT_SDK_HIDDEN
}  // namespace onnxport
