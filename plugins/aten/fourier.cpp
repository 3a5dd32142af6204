// Fourier transforms. A complex tensor is a real one with a last axis of 2.
#include "common.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

// The factor of torch's normalization argument: 0 none, 1 by the root of the size, 2 by the size.
Value normalized_by(Op& op, const Value& x, const Value& size) {
  const int64_t mode = op.integer("normalization");
  if (mode == 0) return x;
  Value n = op.cast_like(size, x);
  return x / (mode == 1 ? op.Sqrt(n) : n);
}

Value size_of_axes(Op& op, const Value& x, const std::vector<int64_t>& axes) {
  Value size = op.constant(1);
  for (int64_t axis : axes) size = size * op.dim(x, axis);
  return size;
}

// The transform along one axis of real pairs, without normalization.
Value dft(Op& op, const Value& x, int64_t axis, bool onesided, bool back) {
  Attrs attrs;
  if (onesided) attrs.push_back({"onesided", 1});
  if (back) attrs.push_back({"inverse", 1});
  Value out = op.DFT(x, {}, op.constant(axis), attrs);
  return back ? out * op.cast_like(op.dim(x, axis), x) : out;  // ONNX's inverse divides by the size
}

// aten::_fft_r2c(Tensor self, int[] dim, int normalization, bool onesided) -> Tensor
Value fft_r2c(Op& op) {
  Value self = op["self"];
  std::vector<int64_t> axes = op.axes("dim", self);
  Value out = op.unsqueeze(self, {self.rank()});
  const Value size = size_of_axes(op, self, axes);
  out = dft(op, out, axes.back(), op.boolean("onesided"), false);
  axes.pop_back();
  for (int64_t axis : axes) out = dft(op, out, axis, false, false);
  return op.as_complex(normalized_by(op, out, size));
}

// aten::_fft_c2c(Tensor self, SymInt[] dim, int normalization, bool forward) -> Tensor
Value fft_c2c(Op& op) {
  Value self = op["self"];
  const std::vector<int64_t> axes = op.axes("dim", self);
  const Value size = size_of_axes(op, self, axes);
  Value out = op.as_real(self);
  for (int64_t axis : axes) out = dft(op, out, axis, false, !op.boolean("forward"));
  return op.as_complex(normalized_by(op, out, size));
}

}  // namespace

Mappings fourier() {
  return {
      {"aten::_fft_r2c", fft_r2c},
      Mapping("aten::_fft_c2c", fft_c2c).complex(),
  };
}

}  // namespace onnxport::aten
