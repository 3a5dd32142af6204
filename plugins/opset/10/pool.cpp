#include "rules.h"

using namespace onnxport;

Attrs with_ceiling_padded(Node& node) {
  const Value x = node.input(0);
  const std::vector<int64_t> kernel = node.integers("kernel_shape");
  const std::vector<int64_t> strides = node.integers("strides", std::vector<int64_t>(kernel.size(), 1));
  std::vector<int64_t> pads = node.integers("pads", std::vector<int64_t>(2 * kernel.size(), 0));
  if (node.string("auto_pad", "NOTSET") != "NOTSET" || (node.output_count() > 1 && node.is_used(1)))
    node.fail("MaxPool with ceil_mode, and auto_pad or indices, cannot be written below opset 10");
  for (size_t i = 0; i < kernel.size(); ++i) {
    const auto size = x.static_dim(static_cast<int64_t>(i) + 2);
    if (!size) node.fail("MaxPool with ceil_mode needs the sizes of its input below opset 10");
    const int64_t padded = *size + pads[i] + pads[i + kernel.size()] - kernel[i];
    int64_t steps = (padded + strides[i] - 1) / strides[i];
    if (steps * strides[i] >= *size + pads[i]) --steps;  // a window must start inside
    pads[i + kernel.size()] += std::max<int64_t>(0, steps * strides[i] - padded);
  }
  Attrs attrs = node.attrs_except({"dilations", "ceil_mode", "pads"});
  attrs.emplace_back("pads", pads);
  return attrs;
}
