// The elements that windows over an image see.
#pragma once

#include "onnxport/plugin.hpp"

namespace onnxport::aten {

// Where the windows read along one axis: a row for each place in the kernel, a column for each window.
inline Value window_positions(Op& op, const Value& x, int64_t axis, int64_t kernel, int64_t dilation,
                              int64_t stride) {
  std::vector<int64_t> offsets;
  for (int64_t k = 0; k < kernel; ++k) offsets.push_back(k * dilation);
  Value limit = op.dim(x, axis) - (dilation * (kernel - 1));
  Value starts = op.Range(op.constant(0), limit, op.constant(stride));
  return op.unsqueeze(op.ints(offsets), {1}) + starts;
}

// What the windows over an image are: pads on both sides of each axis.
struct Windows2d {
  std::vector<int64_t> kernel, dilation, padding, stride;
};

// The windows of images (N, C, H, W), one beside the other: (N, C, kernel, kernel, rows, columns).
inline Value windows_of(Op& op, Value x, const Windows2d& w) {
  const std::vector<int64_t>& p = w.padding;
  if (p[0] != 0 || p[1] != 0) x = op.Pad(x, op.ints({0, 0, p[0], p[1], 0, 0, p[0], p[1]}));
  Value rows = window_positions(op, x, 2, w.kernel[0], w.dilation[0], w.stride[0]),
        columns = window_positions(op, x, 3, w.kernel[1], w.dilation[1], w.stride[1]);
  Value windows = op.Gather(op.Gather(x, columns, {attr::axis(3)}), rows, {attr::axis(2)});
  return op.permute(windows, {0, 1, 2, 4, 3, 5});
}

}  // namespace onnxport::aten
