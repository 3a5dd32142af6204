// Results that take steps whose number is known at run time only.
#pragma once

#include "common.hpp"

namespace onnxport::aten {

// What a Loop returns, in the shape it began with: ONNX does not infer that a step keeps it.
inline Value shaped_like(Op& op, const Value& x, const Value& model) {
  std::vector<int64_t> sizes;
  for (int64_t axis = 0; axis < model.rank(); ++axis) sizes.push_back(model.static_dim(axis).value_or(-1));
  Value out = op.typed(x, model.dtype(), sizes);
  const bool known = std::find(sizes.begin(), sizes.end(), -1) == sizes.end();
  return known ? out : op.Reshape(out, op.shape_of(model), {{"allowzero", 1}});
}

// The state after at most `times` steps: step(i, state, go_on) returns the next one, of the same shapes, and
// may say in `go_on` (a 0-d bool) whether another step is worth it.
template <typename Step>
Values repeated(Op& op, const Value& times, const Values& start, Step step) {
  std::vector<Builder::Param> params = {{"i", DType::i64, 0}, {"on", DType::boolean, 0}};
  for (size_t k = 0; k < start.size(); ++k) {
    params.push_back({"state" + std::to_string(k), start[k].dtype(), start[k].rank()});
  }
  Block body = op.block(params, [&](const Values& in) -> Values {
    Value go_on = op.Identity(in[1]);
    Values next = step(in[0], Values(in.begin() + 2, in.end()), go_on);
    next.insert(next.begin(), go_on);
    return next;
  });
  Values out = op.Loop(times, {}, start, start.size(), {{"body", body}});
  for (size_t k = 0; k < start.size(); ++k) out[k] = shaped_like(op, out[k], start[k]);
  return out;
}

// Whether a bool tensor, an empty one too, has a true element.
inline Value any_of(Op& op, const Value& x) {
  return op.ReduceSum(op.cast(x, DType::i64), {}, {{"keepdims", 0}}) > 0;
}

// The greatest element of an i64 tensor, `least` where it is less or there is none.
inline Value greatest_of(Op& op, const Value& x, int64_t least) {
  return op.ReduceMax(op.Concat({op.reshape(x, {-1}), op.ints({least})}, {{"axis", 0}}), {},
                      {{"keepdims", 0}});
}

// Both in the shape that they broadcast to.
inline std::pair<Value, Value> expanded(Op& op, const Value& a, const Value& b) {
  return {op.Expand(a, op.shape_of(b)), op.Expand(b, op.shape_of(a))};
}

}  // namespace onnxport::aten
