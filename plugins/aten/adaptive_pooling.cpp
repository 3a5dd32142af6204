// Pooling to a given size: window i of n reaches from floor(i * in / n) to ceil((i + 1) * in / n).
#include "axes.hpp"
#include "axis_map.hpp"
#include "families.hpp"
#include "numerics.hpp"

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
    op.require(s.out[i] > 0, "pooling to nothing");
    s.axes.push_back(x.rank() - static_cast<int64_t>(spatial - i));
    s.in.push_back(x.static_dim(s.axes.back()).value_or(-1));
    s.to_one = s.to_one && s.out[i] == 1;
    s.known = s.known && s.in[i] > 0;
    s.divides = s.divides && s.known && s.in[i] % s.out[i] == 0;
  }
  return s;
}

// The window where all have one size and do not overlap.
AttributeList<attr::kernel_shape, attr::strides> even_window(const Sizes& s) {
  std::vector<int64_t> kernel;
  for (size_t i = 0; i < s.in.size(); ++i) kernel.push_back(s.in[i] / s.out[i]);
  return {attr::kernel_shape(kernel), attr::strides(kernel)};
}

// Whether both sizes of every pooled axis are known, or the result is one place.
bool sizes_are_known(Op& op, const Value& x, size_t spatial) {
  if (!op.is_known("output_size")) return false;
  for (const int64_t out : op.integers("output_size", spatial)) {
    if (out == 0) return false;  // to nothing: no pooling operator has that
  }
  const Sizes s = sizes(op, x, spatial);
  return s.known || s.to_one;
}

// The window of each place of the result along one axis, of sizes that may be known at run time only.
struct RuntimeWindows {
  Value inside;  // (out, in): whether the window of the row has the column
  Value width;   // (out, 1)
};
RuntimeWindows windows_along(Op& op, const Value& in, const Value& out) {
  Value i = op.unsqueeze(op.arange(out), {1}), j = op.arange(in);
  // Of no windows nothing is divided, and by 0 no runtime divides even that.
  Value by = op.maximum(out, op.constant(1));
  Value begin = i * in / by, end = ((i + 1) * in + out - 1) / by;
  return {(begin <= j) & (j < end), end - begin};
}

// f(x, axis, windows) for each pooled axis, one after the other.
template <typename F>
Value pooled_by_axis(Op& op, Value x, size_t spatial, F f) {
  Values out = op.values("output_size");
  if (out.size() == 1) out.resize(spatial, out[0]);
  op.require(out.size() == spatial, "one size of the result for each axis that is pooled");
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t axis = x.rank() - static_cast<int64_t>(spatial - i);
    x = f(x, axis, windows_along(op, op.dim(x, axis), out[i]));
  }
  return x;
}

Value greatest_along(Op& op, const Value& x, int64_t axis, const RuntimeWindows& w) {
  const int64_t last = x.rank() - 1;
  Value rows = op.unsqueeze(op.transpose(x, axis, last), {-2});
  Value seen = op.Where(w.inside, rows, op.like(x, -infinity));
  return op.transpose(op.reduce_max(seen, {-1}, false), axis, last);
}

int64_t window_begin(int64_t i, int64_t in, int64_t out) { return i * in / out; }
int64_t window_end(int64_t i, int64_t in, int64_t out) { return ((i + 1) * in + out - 1) / out; }

Value average_along(Op& op, const Value& x, int64_t axis, int64_t in, int64_t out) {
  if (out == in) return x;
  if (out == 1) return op.ReduceMean(x, op.ints({axis}), {attr::keepdims(1)});
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
  if (!sizes_are_known(op, x, spatial)) {
    return pooled_by_axis(op, x, spatial, [&](const Value& y, int64_t axis, const RuntimeWindows& w) {
      return apply(op, y, axis, op.cast_like(w.inside, y) / op.cast_like(w.width, y));
    });
  }
  const Sizes s = sizes(op, x, spatial);
  if (s.out == s.in) return x;
  if (s.to_one && x.rank() == spatial + 2) return op.GlobalAveragePool(x);
  if (s.to_one) return op.ReduceMean(x, op.ints(s.axes), {attr::keepdims(1)});
  if (s.divides) {
    return with_batch_axis(op, x, spatial, [&](const Value& y) { return op.AveragePool(y, even_window(s)); });
  }
  for (size_t i = 0; i < spatial; ++i) x = average_along(op, x, s.axes[i], s.in[i], s.out[i]);
  return x;
}

// x with its last axes, the plane, as one.
Value flat_plane(Op& op, const Value& x, const Sizes& s) {
  Values dims;
  for (int64_t axis = 0; axis < s.axes[0]; ++axis) dims.push_back(op.dim(x, axis));
  dims.push_back(op.constant(-1));
  return op.reshape(x, dims);
}

// The places of each window in the flat plane: a row for each window, the short ones filled up with their last place.
struct Windows {
  std::vector<int64_t> places;
  int64_t count = 1, widest = 1;
};
Windows windows(const Sizes& s) {
  Windows w;
  std::vector<std::vector<int64_t>> rows{{0}};
  for (size_t i = 0; i < s.out.size(); ++i) {
    std::vector<std::vector<int64_t>> next;
    for (const std::vector<int64_t>& row : rows) {
      for (int64_t k = 0; k < s.out[i]; ++k) {
        next.emplace_back();
        for (int64_t outer : row) {
          for (int64_t at = window_begin(k, s.in[i], s.out[i]); at < window_end(k, s.in[i], s.out[i]); ++at) {
            next.back().push_back(outer * s.in[i] + at);
          }
        }
      }
    }
    rows = std::move(next);
  }
  for (const std::vector<int64_t>& row : rows)
    w.widest = std::max(w.widest, static_cast<int64_t>(row.size()));
  for (std::vector<int64_t>& row : rows) {
    row.resize(static_cast<size_t>(w.widest), row.back());
    w.places.insert(w.places.end(), row.begin(), row.end());
  }
  w.count = static_cast<int64_t>(rows.size());
  return w;
}

// The greatest of each window, and where in the plane it is, for windows of several sizes.
Values greatest_of_windows(Op& op, const Value& x, const Sizes& s) {
  const Windows w = windows(s);
  Value table = op.ints(w.places);
  Value seen = op.Gather(flat_plane(op, x, s), op.reshape(table, {w.count, w.widest}), {attr::axis(-1)});
  Values dims;
  for (int64_t axis = 0; axis < s.axes[0]; ++axis) dims.push_back(op.dim(x, axis));
  for (int64_t out : s.out) dims.push_back(op.constant(out));
  Value greatest = op.reshape(op.ReduceMax(seen, op.ints({-1}), {attr::keepdims(0)}), dims);
  if (!op.is_used(1)) return {greatest, {}};
  std::vector<int64_t> starts;
  for (int64_t i = 0; i < w.count; ++i) starts.push_back(i * w.widest);
  Value within = op.ArgMax(seen, {attr::axis(-1), attr::keepdims(0)});
  return {greatest, op.reshape(op.Gather(table, within + op.ints(starts)), dims)};
}

// One place for the whole plane: where in it the greatest value is.
Value greatest_place(Op& op, const Value& x, const Sizes& s) {
  Value place = op.ArgMax(flat_plane(op, x, s), {attr::axis(-1), attr::keepdims(1)});
  return op.unsqueeze(place, std::vector<int64_t>(s.axes.begin() + 1, s.axes.end()));
}

// aten::adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor, Tensor)
template <int64_t spatial>
Values adaptive_max_pool(Op& op) {
  Value x = op["self"];
  if (!sizes_are_known(op, x, spatial)) {
    op.require(!op.is_used(1), "the indices of adaptive pooling between sizes known at run time only");
    op.require(is_floating(x.dtype()), "adaptive pooling of integers between sizes known at run time only");
    return {pooled_by_axis(op, x, spatial,
                           [&](const Value& y, int64_t axis, const RuntimeWindows& w) {
                             return greatest_along(op, y, axis, w);
                           }),
            {}};
  }
  const Sizes s = sizes(op, x, spatial);
  if (s.to_one) {
    Value y =
        x.rank() == spatial + 2 ? op.GlobalMaxPool(x) : op.ReduceMax(x, op.ints(s.axes), {attr::keepdims(1)});
    return {y, op.is_used(1) ? greatest_place(op, x, s) : Value()};
  }
  if (s.divides) {
    const bool single = x.rank() == spatial + 1;
    Value batch = single ? op.unsqueeze(x, {0}) : x;
    outputs_of::MaxPool pooled;
    if (op.is_used(1)) {
      pooled = op.MaxPool(all_outputs, batch, even_window(s));
      pooled.Indices = index_in_plane(op, batch, pooled.Indices);
    } else {
      pooled.Y = op.MaxPool(batch, even_window(s));
    }
    if (!single) return {pooled.Y, pooled.Indices};
    return {op.squeeze(pooled.Y, {0}), pooled.Indices ? op.squeeze(pooled.Indices, {0}) : Value()};
  }
  return greatest_of_windows(op, x, s);
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
