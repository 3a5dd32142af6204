// Pooling to a given size: window i of n reaches from floor(i * in / n) to ceil((i + 1) * in / n).
#include "axis_map.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

// What is asked of the last `spatial` axes: the size of the result, and that of the input where it is known.
struct Sizes {
  std::vector<int64_t> axes, out, in;
  bool to_one = true, known = true, divides = true;
};
Sizes sizes(Op& op, const Value& x, size_t spatial) {
  Sizes s;
  s.out = op.integers("output_size", spatial);
  for (size_t i = 0; i < spatial; ++i) {
    s.axes.push_back(x.rank() - static_cast<int64_t>(spatial - i));
    s.in.push_back(x.static_dim(s.axes.back()).value_or(-1));
    s.to_one = s.to_one && s.out[i] == 1;
    s.known = s.known && s.in[i] > 0;
    s.divides = s.divides && s.known && s.in[i] % s.out[i] == 0;
  }
  return s;
}

// The window where all have one size and do not overlap.
Attrs even_window(const Sizes& s) {
  std::vector<int64_t> kernel;
  for (size_t i = 0; i < s.in.size(); ++i) kernel.push_back(s.in[i] / s.out[i]);
  return {{"kernel_shape", kernel}, {"strides", kernel}};
}

int64_t window_begin(int64_t i, int64_t in, int64_t out) { return i * in / out; }
int64_t window_end(int64_t i, int64_t in, int64_t out) { return ((i + 1) * in + out - 1) / out; }

Value average_along(Op& op, const Value& x, int64_t axis, int64_t in, int64_t out) {
  if (out == in) return x;
  if (out == 1) return op.ReduceMean(x, op.ints({axis}), {{"keepdims", 1}});
  op.require(in > 0, "adaptive pooling to more than one place of a size known at run time only");
  AxisMap map(in, out);
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = window_begin(i, in, out), end = window_end(i, in, out);
    for (int64_t from = begin; from < end; ++from) map.at(i, from) = 1.0f / static_cast<float>(end - begin);
  }
  return apply(op, x, axis, map);
}

// aten::adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor
template <int64_t spatial>
Value adaptive_avg_pool(Op& op) {
  Value x = op["self"];
  const Sizes s = sizes(op, x, spatial);
  if (s.out == s.in) return x;
  if (s.to_one && x.rank() == spatial + 2) return op.GlobalAveragePool(x);
  if (s.to_one) return op.ReduceMean(x, op.ints(s.axes), {{"keepdims", 1}});
  if (s.divides) {
    return batched(op, x, spatial, [&](const Value& y) { return op.AveragePool(y, even_window(s)); });
  }
  for (size_t i = 0; i < spatial; ++i) x = average_along(op, x, s.axes[i], s.in[i], s.out[i]);
  return x;
}

// The greatest of each window: the windows as rows of indices, the short ones filled up with their last place.
Value greatest_along(Op& op, const Value& x, int64_t axis, int64_t in, int64_t out) {
  int64_t widest = 1;
  for (int64_t i = 0; i < out; ++i) widest = std::max(widest, window_end(i, in, out) - window_begin(i, in, out));
  std::vector<int64_t> places;
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = window_begin(i, in, out), end = window_end(i, in, out);
    for (int64_t k = 0; k < widest; ++k) places.push_back(std::min(begin + k, end - 1));
  }
  Value rows = op.constant(Tensor{DType::i64, {out, widest}, Builder::bytes_of(places.data(), places.size())});
  return op.ReduceMax(op.Gather(x, rows, {{"axis", axis}}), op.ints({axis + 1}), {{"keepdims", 0}});
}

// One place for the whole plane: where in it the greatest value is.
Value greatest_place(Op& op, const Value& x, const Sizes& s) {
  Values flat;
  for (int64_t axis = 0; axis < s.axes[0]; ++axis) flat.push_back(op.dim(x, axis));
  flat.push_back(op.constant(-1));
  Value place = op.ArgMax(op.reshape(x, flat), {{"axis", -1}, {"keepdims", 1}});
  return op.unsqueeze(place, std::vector<int64_t>(s.axes.begin() + 1, s.axes.end()));
}

// aten::adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor, Tensor)
template <int64_t spatial>
Values adaptive_max_pool(Op& op) {
  Value x = op["self"];
  const Sizes s = sizes(op, x, spatial);
  if (s.to_one) {
    Value y = x.rank() == spatial + 2 ? op.GlobalMaxPool(x) : op.ReduceMax(x, op.ints(s.axes), {{"keepdims", 1}});
    return {y, op.is_used(1) ? greatest_place(op, x, s) : Value()};
  }
  op.require(s.known, "adaptive pooling to more than one place of a size known at run time only");
  if (s.divides) {
    const bool single = x.rank() == spatial + 1;
    Value batch = single ? op.unsqueeze(x, {0}) : x;
    Values pooled = op.node("MaxPool", {batch}, even_window(s), op.is_used(1) ? 2 : 1);
    if (op.is_used(1)) pooled[1] = place_in_plane(op, batch, pooled[1]);
    pooled.resize(2);
    if (single) {
      for (Value& y : pooled) y = y ? op.squeeze(y, {0}) : y;
    }
    return pooled;
  }
  op.require(!op.is_used(1), "the indices of adaptive max pooling with windows of several sizes");
  for (size_t i = 0; i < spatial; ++i) x = greatest_along(op, x, s.axes[i], s.in[i], s.out[i]);
  return {x, {}};
}

}  // namespace

Mappings adaptive_pooling() {
  return {
      {"aten::adaptive_avg_pool1d", adaptive_avg_pool<1>},
      {"aten::adaptive_avg_pool2d", adaptive_avg_pool<2>},
      {"aten::_adaptive_avg_pool2d", adaptive_avg_pool<2>},
      {"aten::adaptive_avg_pool3d", adaptive_avg_pool<3>},
      {"aten::_adaptive_avg_pool3d", adaptive_avg_pool<3>},
      {"aten::adaptive_max_pool1d", adaptive_max_pool<1>},
      {"aten::adaptive_max_pool2d", adaptive_max_pool<2>},
      {"aten::adaptive_max_pool3d", adaptive_max_pool<3>},
  };
}

}  // namespace onnxport::aten
