// Pooling over windows of a given size.
#include "common.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

// The window that the arguments describe. An empty stride is the size of the kernel.
Attrs window(Op& op, size_t spatial) {
  const std::vector<int64_t> kernel = op.integers("kernel_size", spatial);
  const std::vector<int64_t> strides =
      op.integers("stride").empty() ? kernel : op.integers("stride", spatial);
  std::vector<int64_t> pads = op.integers("padding", spatial);
  pads.insert(pads.end(), pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(spatial));
  return {
      {"kernel_shape", kernel}, {"strides", strides}, {"pads", pads}, {"ceil_mode", op.boolean("ceil_mode")}};
}

// ONNX pools floats and bytes; other integers pass through f64.
bool poolable(DType t) { return is_floating(t) || t == DType::i8 || t == DType::u8; }

// aten::max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0,
//                               int[2] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)
template <int64_t spatial>
Values max_pool_with_indices(Op& op) {
  Value self = op["self"];
  Attrs attrs = window(op, spatial);
  attrs.push_back({"dilations", op.integers("dilation", spatial)});
  const bool single = self.rank() == spatial + 1;  // no batch axis
  Value x = poolable(self.dtype()) ? self : op.cast(self, DType::f64);
  if (single) x = op.unsqueeze(x, {0});
  const bool indexed = op.output_count() > 1 && op.is_used(1);
  Values pooled = op.node("MaxPool", {x}, attrs, indexed ? 2 : 1);
  if (indexed) pooled[1] = place_in_plane(op, x, pooled[1]);
  pooled.resize(2);
  if (single) {
    for (Value& y : pooled) y = y ? op.squeeze(y, {0}) : y;
  }
  return {op.cast_like(pooled[0], self), pooled[1]};
}

// aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1,
//                  bool ceil_mode=False) -> Tensor
template <int64_t spatial>
Value max_pool(Op& op) {
  return max_pool_with_indices<spatial>(op)[0];
}

// aten::avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False,
//                  bool count_include_pad=True, int? divisor_override=None) -> Tensor
template <int64_t spatial>
Value avg_pool(Op& op) {
  Attrs attrs = window(op, spatial);
  const bool overridden = op.has("divisor_override");
  attrs.push_back({"count_include_pad", overridden || op.boolean("count_include_pad")});
  Value y = batched(op, op["self"], spatial, [&](const Value& x) { return op.AveragePool(x, attrs); });
  if (!overridden) return y;
  op.require(!op.boolean("ceil_mode"), "divisor_override with ceil_mode");
  double size = 1;
  for (int64_t k : op.integers("kernel_size", spatial)) size *= static_cast<double>(k);
  return y * (size / op.real("divisor_override"));
}

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
  };
}

}  // namespace onnxport::aten
