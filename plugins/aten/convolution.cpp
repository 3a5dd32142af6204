// Convolutions and their transposes.
#include "axes.hpp"
#include "families.hpp"
#include "windows.hpp"

namespace onnxport::aten {
namespace {

// Every size of the kernel, when known.
std::vector<int64_t> kernel_shape(const Value& weight) {
  std::vector<int64_t> shape;
  for (int64_t axis = 2; axis < weight.rank(); ++axis) {
    if (auto size = weight.static_dim(axis)) shape.push_back(*size);
  }
  return static_cast<int64_t>(shape.size()) == weight.rank() - 2 ? shape : std::vector<int64_t>{};
}

// ONNX's pads, all beginnings then all ends, of what torch pads on both sides.
std::vector<int64_t> both_sides(const std::vector<int64_t>& padding) {
  std::vector<int64_t> pads = padding;
  pads.insert(pads.end(), padding.begin(), padding.end());
  return pads;
}

// Pads that keep the size; an odd one goes to the end.
std::vector<int64_t> same_pads(const std::vector<int64_t>& kernel, const std::vector<int64_t>& dilation) {
  std::vector<int64_t> begins, ends;
  for (size_t i = 0; i < kernel.size(); ++i) {
    const int64_t total = dilation[i] * (kernel[i] - 1);
    begins.push_back(total / 2);
    ends.push_back(total - total / 2);
  }
  begins.insert(begins.end(), ends.begin(), ends.end());
  return begins;
}

// What Conv and ConvTranspose have in common.
using Window = AttributeList<attr::dilations, attr::group, attr::kernel_shape, attr::pads, attr::strides>;
Window window(Op& op, size_t spatial, std::vector<int64_t> pads) {
  Window attrs{attr::dilations(op.integers("dilation", spatial)), attr::group(op.integer("groups")),
               attr::pads(std::move(pads)), attr::strides(op.integers("stride", spatial))};
  const std::vector<int64_t> kernel = kernel_shape(op["weight"]);
  if (!kernel.empty()) attrs.add(attr::kernel_shape(kernel));
  return attrs;
}

Value convolve(Op& op, const std::vector<int64_t>& pads) {
  Value weight = op["weight"];
  const int64_t spatial = weight.rank() - 2;
  const Window attrs = window(op, static_cast<size_t>(spatial), pads);
  return with_batch_axis(op, op["input"], spatial,
                         [&](const Value& x) { return op.Conv(x, weight, op["bias"], attrs); });
}

// As many groups as is known at run time only, which no Conv can be given: a product of matrices per group.
Value convolve_groups(Op& op) {
  Value weight = op["weight"], groups = op["groups"];
  op.require(weight.rank() == 4, "a number of groups that is known at run time only, of other than images");
  const std::vector<int64_t> kernel = kernel_shape(weight);
  op.require(kernel.size() == 2, "a number of groups and a kernel size that are known at run time only");
  const Windows2d w{kernel, op.integers("dilation", 2), op.integers("padding", 2), op.integers("stride", 2)};
  return with_batch_axis(op, op["input"], 2, [&](const Value& x) {
    Value batch = op.dim(x, 0), depth = op.dim(weight, 1);
    Value images = op.reshape(x, {op.constant(-1), depth, op.dim(x, 2), op.dim(x, 3)});
    Value windows = windows_of(op, images, w);
    Value height = op.dim(windows, 4), width = op.dim(windows, 5);
    Value seen = depth * (kernel[0] * kernel[1]);
    Value columns = op.reshape(windows, {batch, groups, seen, height * width});
    Value rows = op.reshape(weight, {groups, op.constant(-1), seen});
    Value out = op.reshape(op.MatMul(rows, columns), {batch, op.dim(weight, 0), height, width});
    return op.has("bias") ? out + op.unsqueeze_around(op["bias"], 1, 4) : out;
  });
}

// aten::conv2d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], SymInt[2] padding=[0, 0],
//     SymInt[2] dilation=[1, 1], SymInt groups=1) -> Tensor
Value conv(Op& op) {
  if (!op.is_known("groups")) return convolve_groups(op);
  return convolve(op, both_sides(op.integers("padding", static_cast<size_t>(op["weight"].rank() - 2))));
}

// aten::conv2d.padding(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], str padding='valid',
//     SymInt[2] dilation=[1, 1], SymInt groups=1) -> Tensor
Value conv_by_name(Op& op) {
  const auto spatial = static_cast<size_t>(op["weight"].rank() - 2);
  if (op.string("padding") == "valid") return convolve(op, std::vector<int64_t>(2 * spatial, 0));
  const std::vector<int64_t> kernel = kernel_shape(op["weight"]);
  op.require(kernel.size() == spatial, "padding='same' with a kernel whose size is known at run time only");
  return convolve(op, same_pads(kernel, op.integers("dilation", spatial)));
}

// Those that a bias per channel lacks of the result: all after it.
std::vector<int64_t> axes_of_bias(size_t spatial) {
  std::vector<int64_t> axes = all_axes(static_cast<int64_t>(spatial) + 1);
  axes.erase(axes.begin());
  return axes;
}

// A transposed convolution whose output is extended by a stride or more, which runtimes refuse: what the
// padding takes away at the end is left there, and the rest is nothing but bias.
Value extended(Op& op, const Value& x, const std::vector<int64_t>& padding,
               const std::vector<int64_t>& extension) {
  std::vector<int64_t> pads = padding, added(padding.size(), 0), axes;
  for (size_t i = 0; i < padding.size(); ++i) {
    pads.push_back(std::max<int64_t>(padding[i] - extension[i], 0));
    added.push_back(std::max<int64_t>(extension[i] - padding[i], 0));
    axes.push_back(static_cast<int64_t>(i) + 2);
  }
  const Window attrs = window(op, padding.size(), pads);
  Value out = op.Pad(op.ConvTranspose(x, op["weight"], {}, attrs), op.ints(added), {}, op.ints(axes));
  return op.has("bias") ? out + op.unsqueeze(op["bias"], axes_of_bias(padding.size())) : out;
}

// aten::conv_transpose2d.input(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1],
//     SymInt[2] padding=[0, 0], SymInt[2] output_padding=[0, 0], SymInt groups=1, SymInt[2] dilation=[1, 1]) -> Tensor
Value conv_transpose(Op& op) {
  Value weight = op["weight"];
  op.require(op.is_known("groups"),
             "a transposed convolution whose number of groups is known at run time only");
  const int64_t spatial = weight.rank() - 2;
  const auto n = static_cast<size_t>(spatial);
  const std::vector<int64_t> padding = op.integers("padding", n),
                             extension = op.integers("output_padding", n);
  const std::vector<int64_t> stride = op.integers("stride", n);
  const auto fits = [](int64_t more, int64_t step) { return more < step; };
  if (!std::equal(extension.begin(), extension.end(), stride.begin(), fits)) {
    return with_batch_axis(op, op["input"], spatial,
                           [&](const Value& x) { return extended(op, x, padding, extension); });
  }
  attributes_of::ConvTranspose attrs = window(op, n, both_sides(padding));
  attrs.add(attr::output_padding(extension));
  return with_batch_axis(op, op["input"], spatial,
                         [&](const Value& x) { return op.ConvTranspose(x, weight, op["bias"], attrs); });
}

// aten::convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, SymInt[] dilation,
//     bool transposed, SymInt[] output_padding, SymInt groups) -> Tensor
Value convolution_general(Op& op) { return op.boolean("transposed") ? conv_transpose(op) : conv(op); }

// aten::conv_tbc(Tensor self, Tensor weight, Tensor bias, int pad=0) -> Tensor
// Time, batch, channels: a conv1d with the axes turned.
Value conv_tbc(Op& op) {
  Value x = op.permute(op["self"], {1, 2, 0}), weight = op.permute(op["weight"], {2, 1, 0});
  const int64_t pad = op.integer("pad");
  return op.permute(op.Conv(x, weight, op["bias"], {attr::pads({pad, pad})}), {2, 0, 1});
}

}  // namespace

Mappings convolution() {
  return {
      {"aten::conv1d", conv},
      {"aten::conv2d", conv},
      {"aten::conv3d", conv},
      {"aten::conv1d.padding", conv_by_name},
      {"aten::conv2d.padding", conv_by_name},
      {"aten::conv3d.padding", conv_by_name},
      {"aten::_convolution_mode", conv_by_name},
      {"aten::conv_transpose1d", conv_transpose},
      {"aten::conv_transpose2d", conv_transpose},
      {"aten::conv_transpose3d", conv_transpose},
      {"aten::convolution", convolution_general},
      {"aten::_convolution", convolution_general},
      {"aten::conv_tbc", conv_tbc},
  };
}

}  // namespace onnxport::aten
