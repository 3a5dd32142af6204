// Moving between channels and space.
#include "axes.hpp"
#include "families.hpp"
#include "windows.hpp"

namespace onnxport::aten {
namespace {

// The sizes of all axes but the last `but`.
Values leading(Op& op, const Value& x, int64_t but) {
  Values dims;
  for (int64_t axis = 0; axis < x.rank() - but; ++axis) dims.push_back(op.dim(x, axis));
  return dims;
}

Values joined(Values a, const Values& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// (C * r * r, H, W) to (C, H * r, W * r) of integers and bools, for which runtimes have no DepthToSpace.
Value shuffled_by_hand(Op& op, const Value& x) {
  Value r = op.constant(op.integer("upscale_factor"));
  Value c = op.dim(x, -3) / (r * r), h = op.dim(x, -2), w = op.dim(x, -1);
  const Values lead = leading(op, x, 3);
  Value split = op.reshape(x, joined(lead, {c, r, r, h, w}));
  std::vector<int64_t> perm = all_axes(split.rank());
  const int64_t at = x.rank() - 2;  // where (r, r, h, w) starts
  for (int64_t i = 0; i < 4; ++i)
    perm[static_cast<size_t>(at + i)] = at + std::vector<int64_t>{2, 0, 3, 1}[static_cast<size_t>(i)];
  return op.reshape(op.permute(split, perm), joined(lead, {c, h * r, w * r}));
}

// aten::pixel_shuffle(Tensor self, int upscale_factor) -> Tensor
Value pixel_shuffle(Op& op) {
  Value self = op["self"];
  if (!is_floating(self.dtype())) return shuffled_by_hand(op, self);
  const attributes_of::DepthToSpace attrs{attr::blocksize(op.integer("upscale_factor")), attr::mode("CRD")};
  if (self.rank() == 4) return op.DepthToSpace(self, attrs);
  const auto image = [&](const Value& x) -> Values { return {op.dim(x, -3), op.dim(x, -2), op.dim(x, -1)}; };
  Value y = op.DepthToSpace(op.reshape(self, joined({op.constant(-1)}, image(self))), attrs);
  return op.reshape(y, joined(leading(op, self, 3), image(y)));
}

// aten::pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor
// (C, H * r, W * r) to (C * r * r, H, W); ONNX's SpaceToDepth orders the channels otherwise.
Value pixel_unshuffle(Op& op) {
  Value self = op["self"];
  Value r = op.constant(op.integer("downscale_factor"));
  Value c = op.dim(self, -3), h = op.dim(self, -2) / r, w = op.dim(self, -1) / r;
  const Values lead = leading(op, self, 3);
  Value split = op.reshape(self, joined(lead, {c, h, r, w, r}));
  std::vector<int64_t> perm = all_axes(split.rank());
  const int64_t at = self.rank() - 2;  // where (h, r, w, r) starts
  for (int64_t i = 0; i < 4; ++i)
    perm[static_cast<size_t>(at + i)] = at + std::vector<int64_t>{1, 3, 0, 2}[static_cast<size_t>(i)];
  return op.reshape(op.permute(split, perm), joined(lead, {c * r * r, h, w}));
}

// aten::channel_shuffle(Tensor self, int groups) -> Tensor
Value channel_shuffle(Op& op) {
  Value self = op["self"];
  Values dims{op.dim(self, 0), op.constant(op.integer("groups")), op.constant(-1)};
  for (int64_t axis = 2; axis < self.rank(); ++axis) dims.push_back(op.dim(self, axis));
  Value grouped = op.reshape(self, dims);
  return op.Reshape(op.transpose(grouped, 1, 2), op.shape_of(self));
}

// aten::im2col(Tensor self, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride) -> Tensor
// (N, C, H, W) to (N, C * kernel, windows).
Value im2col(Op& op) {
  const Windows2d w{op.integers("kernel_size", 2), op.integers("dilation", 2), op.integers("padding", 2),
                    op.integers("stride", 2)};
  return with_batch_axis(op, op["self"], 2, [&](const Value& x) {
    Value windows = windows_of(op, x, w);
    Value depth = op.dim(x, 1) * (w.kernel[0] * w.kernel[1]);
    return op.reshape(windows, {op.dim(x, 0), depth, op.dim(windows, 4) * op.dim(windows, 5)});
  });
}

// aten::col2im(Tensor self, SymInt[2] output_size, int[2] kernel_size, int[2] dilation, int[2] padding,
//     int[2] stride) -> Tensor
Value col2im(Op& op) {
  const std::vector<int64_t> p = op.integers("padding", 2);
  const attributes_of::Col2Im attrs{attr::dilations(op.integers("dilation", 2)),
                                    attr::pads({p[0], p[1], p[0], p[1]}),
                                    attr::strides(op.integers("stride", 2))};
  return with_batch_axis(op, op["self"], 1, [&](const Value& x) {
    return op.Col2Im(x, op.shape("output_size"), op.ints(op.integers("kernel_size", 2)), attrs);
  });
}

}  // namespace

Mappings pixel_shuffles() {
  return {
      Mapping("aten::pixel_shuffle", pixel_shuffle).by_parts(),
      Mapping("aten::pixel_unshuffle", pixel_unshuffle).by_parts(),
      Mapping("aten::im2col", im2col).by_parts(),
      Mapping("aten::col2im", col2im).by_parts(),
      Mapping("aten::channel_shuffle", channel_shuffle).by_parts(),
      Mapping("aten::native_channel_shuffle", channel_shuffle).by_parts(),
  };
}

}  // namespace onnxport::aten
