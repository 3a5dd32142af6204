// Linear maps of one axis whose sizes are known: every result is a weighted sum along it. What adaptive
// average pooling and antialiased resizing are, one axis after the other.
#pragma once

#include "onnxport/plugin.hpp"

namespace onnxport::aten {

struct AxisMap {
  int64_t in = 0, out = 0;
  std::vector<float> weights;  // `out` rows of `in`

  AxisMap(int64_t in_size, int64_t out_size)
      : in(in_size), out(out_size), weights(static_cast<size_t>(in_size * out_size)) {}
  float& at(int64_t to, int64_t from) { return weights[static_cast<size_t>(to * in + from)]; }
};

// The same with the weights as a value, (out, in).
inline Value apply(Op& op, const Value& x, int64_t axis, const Value& weights) {
  const int64_t last = x.rank() - 1;
  Value map = op.cast_like(weights, x);
  if (axis == last - 1) return op.MatMul(map, x);
  return op.transpose(op.MatMul(op.transpose(x, axis, last), op.transpose(map, 0, 1)), axis, last);
}

inline Value apply(Op& op, const Value& x, int64_t axis, const AxisMap& map) {
  const auto constant = [&](const std::vector<float>& data, std::vector<int64_t> dims) {
    return op.cast_like(
        op.constant(Tensor{DType::f32, std::move(dims), Builder::bytes_of(data.data(), data.size())}), x);
  };
  const int64_t last = x.rank() - 1;
  if (axis == last - 1) return op.MatMul(constant(map.weights, {map.out, map.in}), x);
  std::vector<float> turned(map.weights.size());
  for (int64_t to = 0; to < map.out; ++to) {
    for (int64_t from = 0; from < map.in; ++from) {
      turned[static_cast<size_t>(from * map.out + to)] = map.weights[static_cast<size_t>(to * map.in + from)];
    }
  }
  Value matrix = constant(turned, {map.in, map.out});
  if (axis == last) return op.MatMul(x, matrix);
  return op.transpose(op.MatMul(op.transpose(x, axis, last), matrix), axis, last);
}

}  // namespace onnxport::aten
