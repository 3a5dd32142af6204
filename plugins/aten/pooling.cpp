// Pooling over windows of a given size.
#include "axes.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

// What ceil_mode asks for, said without it where the sizes are known: how much more to pad at the ends. torch
// leaves out a last window that starts in the end padding; ONNX does so from opset 22 on only.
std::optional<std::vector<int64_t>> ceil_ends(const Value& x, const std::vector<int64_t>& kernel,
                                              const std::vector<int64_t>& strides,
                                              const std::vector<int64_t>& padding,
                                              const std::vector<int64_t>& dilation) {
  const auto spatial = static_cast<int64_t>(kernel.size());
  std::vector<int64_t> ends;
  for (size_t i = 0; i < kernel.size(); ++i) {
    const std::optional<int64_t> in = x.static_dim(static_cast<int64_t>(i) - spatial);
    const int64_t reach = dilation[i] * (kernel[i] - 1) + 1;
    if (!in || strides[i] <= 0 || *in + 2 * padding[i] < reach) return std::nullopt;
    int64_t last = (*in + 2 * padding[i] - reach + strides[i] - 1) / strides[i] * strides[i];
    if (last >= *in + padding[i]) last -= strides[i];
    ends.push_back(std::max(padding[i], last + reach - *in - padding[i]));
    if (ends.back() >= kernel[i]) return std::nullopt;  // more than ONNX Runtime takes
  }
  return ends;
}

// An empty stride is the size of the kernel.
std::vector<int64_t> strides_of(Op& op, const std::vector<int64_t>& kernel) {
  return op.integers("stride").empty() ? kernel : op.integers("stride", kernel.size());
}

// The window that the arguments describe. More padding at the ends
// than asked for changes no maximum, but what an average counts.
using Window = AttributeList<attr::ceil_mode, attr::kernel_shape, attr::pads, attr::strides>;
Window window(Op& op, size_t spatial, bool may_pad) {
  const std::vector<int64_t> kernel = op.integers("kernel_size", spatial);
  const std::vector<int64_t> strides = strides_of(op, kernel);
  const std::vector<int64_t> padding = op.integers("padding", spatial);
  std::vector<int64_t> pads = padding, ends = padding;
  bool ceil_mode = op.boolean("ceil_mode");
  if (ceil_mode) {
    const std::vector<int64_t> dilation =
        may_pad ? op.integers("dilation", spatial) : std::vector<int64_t>(spatial, 1);
    const auto exact = ceil_ends(op["self"], kernel, strides, padding, dilation);
    if (exact && (may_pad || *exact == padding)) {
      ends = *exact;
      ceil_mode = false;
    }
  }
  pads.insert(pads.end(), ends.begin(), ends.end());
  return {attr::kernel_shape(kernel), attr::strides(strides), attr::pads(pads), attr::ceil_mode(ceil_mode)};
}

// ONNX pools floats and bytes; other integers pass through f64.
bool poolable(DType t) { return is_floating(t) || t == DType::i8 || t == DType::u8; }

// aten::max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1,
//     bool ceil_mode=False) -> (Tensor, Tensor)
template <int64_t spatial>
Values max_pool_with_indices(Op& op) {
  Value self = op["self"];
  attributes_of::MaxPool attrs = window(op, spatial, true);
  attrs.add(attr::dilations(op.integers("dilation", spatial)));
  const bool single = self.rank() == spatial + 1;  // no batch axis
  Value x = poolable(self.dtype()) ? self : op.cast(self, DType::f64);
  if (single) x = op.unsqueeze(x, {0});
  const bool indexed = op.output_count() > 1 && op.is_used(1);
  const std::vector<int64_t> added = single ? std::vector<int64_t>{0} : std::vector<int64_t>{};
  if (!indexed) return {op.cast_like(op.squeeze(op.MaxPool(x, attrs), added), self), {}};
  const auto pooled = op.MaxPool(all_outputs, x, attrs);
  Value index = index_in_plane(op, x, pooled.Indices);
  return {op.cast_like(op.squeeze(pooled.Y, added), self), op.squeeze(index, added)};
}

// aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1,
//     bool ceil_mode=False) -> Tensor
template <int64_t spatial>
Value max_pool(Op& op) {
  return max_pool_with_indices<spatial>(op)[0];
}

// An average that divided by the size of the window, divided by divisor_override instead.
Value divided_anew(Op& op, const Value& average, size_t spatial) {
  double size = 1;
  for (int64_t k : op.integers("kernel_size", spatial)) size *= static_cast<double>(k);
  return average * (size / op.real("divisor_override"));
}

// The average of windows that reach over the end, divided by a number of one's own: zeros make them whole.
Value padded_avg_pool(Op& op, size_t spatial) {
  Value self = op["self"];
  const std::vector<int64_t> kernel = op.integers("kernel_size", spatial);
  const std::vector<int64_t> strides = strides_of(op, kernel);
  std::vector<int64_t> pads = op.integers("padding", spatial), axes(spatial);
  const auto ends = ceil_ends(self, kernel, strides, pads, std::vector<int64_t>(spatial, 1));
  op.require(ends.has_value(), "divisor_override with ceil_mode where sizes are not known");
  pads.insert(pads.end(), ends->begin(), ends->end());
  std::iota(axes.begin(), axes.end(), self.rank() - static_cast<int64_t>(spatial));
  Value whole = op.Pad(self, op.ints(pads), {}, op.ints(axes));
  Value y = with_batch_axis(op, whole, static_cast<int64_t>(spatial), [&](const Value& x) {
    return op.AveragePool(x, {attr::kernel_shape(kernel), attr::strides(strides)});
  });
  return divided_anew(op, y, spatial);
}

// aten::avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False,
//     bool count_include_pad=True, int? divisor_override=None) -> Tensor
template <int64_t spatial>
Value avg_pool(Op& op) {
  const bool overridden = op.has("divisor_override");
  if (overridden && op.boolean("ceil_mode")) return padded_avg_pool(op, spatial);
  attributes_of::AveragePool attrs = window(op, spatial, false);
  attrs.add(attr::count_include_pad(overridden || op.boolean("count_include_pad")));
  Value y =
      with_batch_axis(op, op["self"], spatial, [&](const Value& x) { return op.AveragePool(x, attrs); });
  return overridden ? divided_anew(op, y, spatial) : y;
}

// Where the largest values were, put back there; zeros elsewhere.
template <int64_t spatial>
Value unpooled(Op& op) {
  Value self = op["self"];
  const int64_t lead = self.rank() - spatial;
  Values front = op.dims(self, 0, lead);
  const auto flat = [&](const Value& x) {
    Values size(front);
    size.push_back(op.constant(-1));
    return op.reshape(x, size);
  };
  Value plane = op.constant(1);
  for (const Value& size : op.values("output_size")) plane = plane * size;
  Values size(front);
  size.push_back(plane);
  Value zeros = op.full(op.shape(size), 0, self.dtype());
  Value out = op.ScatterElements(zeros, flat(op["indices"]), flat(self), {attr::axis(lead)});
  front.push_back(op.shape("output_size"));
  return op.reshape(out, front);
}

// aten::max_unpool2d(Tensor self, Tensor indices, SymInt[2] output_size) -> Tensor
Value max_unpool2d(Op& op) { return unpooled<2>(op); }

// aten::max_unpool3d(Tensor self, Tensor indices, SymInt[3] output_size, int[3] stride, int[3] padding) -> Tensor
Value max_unpool3d(Op& op) { return unpooled<3>(op); }

}  // namespace

Mappings pooling() {
  return {
      {"aten::max_pool1d", max_pool<1>},
      {"aten::max_pool2d", max_pool<2>},
      {"aten::max_pool3d", max_pool<3>},
      {"aten::max_pool1d_with_indices", max_pool_with_indices<1>},
      {"aten::max_pool2d_with_indices", max_pool_with_indices<2>},
      {"aten::max_pool3d_with_indices", max_pool_with_indices<3>},
      {"aten::avg_pool1d", avg_pool<1>},
      {"aten::avg_pool2d", avg_pool<2>},
      {"aten::avg_pool3d", avg_pool<3>},
      {"aten::max_unpool2d", max_unpool2d},
      {"aten::max_unpool3d", max_unpool3d},
  };
}

}  // namespace onnxport::aten
