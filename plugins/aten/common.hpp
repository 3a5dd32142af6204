// What several families share.
#pragma once

#include "onnxport/plugin.hpp"

namespace onnxport::aten {

// x times the argument `arg`, and x itself where that is one: the alpha of add, the value of addcmul.
inline Value scaled(Op& op, const Value& x, std::string_view arg) {
  if (op.is_known(arg) && op.real(arg, 1) == 1) return x;
  return x * op.as(arg, x.dtype());
}

// Reduces `x` by the ONNX operator over the axes of argument `arg` (None and empty: all), as the argument keepdim says.
inline Value reduced(Op& op, std::string_view onnx_op, const Value& x, std::string_view arg = "dim") {
  Value axes;
  if (op.has(arg) && x.rank() > 0) {
    const std::vector<int64_t> list = op.axes(arg, x);
    if (!list.empty()) axes = op.ints(list);
  }
  return op.node(onnx_op, {x, axes}, {{"keepdims", op.boolean("keepdim", false)}});
}

// The spatial part of an ONNX operator that wants a batch axis: f(x), with one added and taken away where torch allows
// an input of `spatial` + 1 axes.
template <typename F>
Value batched(Op& op, const Value& x, int64_t spatial, F f) {
  if (x.rank() == spatial + 2) return f(x);
  return op.squeeze(f(op.unsqueeze(x, {0})), {0});
}

}  // namespace onnxport::aten
