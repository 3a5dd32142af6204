// Fourier transforms. A complex tensor is a real one with a last axis of 2.
#include "axes.hpp"
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

// The transform along one axis of real pairs, or of single reals, without normalization.
Value dft(Op& op, const Value& x, int64_t axis, bool onesided, bool back) {
  attributes_of::DFT attrs;
  if (onesided) attrs.add(attr::onesided(1));
  if (back) attrs.add(attr::inverse(1));
  Value out = op.DFT(x, {}, op.constant(axis), attrs);
  return back ? out * op.cast_like(op.dim(x, axis), x) : out;  // ONNX's inverse divides by the size
}

// Real pairs, whatever the argument is.
Value pairs(Op& op, const Value& x) {
  if (x.is_complex()) return op.as_real(x);
  Value real = op.unsqueeze(x, {x.rank()});
  return op.Concat({real, real * 0}, {attr::axis(-1)});
}

Value conjugate(Op& op, const Value& x) {
  return x *
         op.Concat({op.unsqueeze(op.like(x, 1), {0}), op.unsqueeze(op.like(x, -1), {0})}, {attr::axis(0)});
}

// Cut off, or continued with zeros, to `size` along the axis.
Value resized(Op& op, const Value& x, int64_t axis, const Value& size) {
  const auto wanted = size.constant_ints();
  if (wanted && x.static_dim(axis) == wanted->at(0)) return x;
  Value kept = op.slice(x, axis, op.constant(0), size);
  if (wanted && x.static_dim(axis) && *x.static_dim(axis) > wanted->at(0)) return kept;
  Value missing = op.Max({size - op.dim(kept, axis), op.constant(0)});
  return op.Pad(kept, op.shape({op.constant(0), missing}), {}, op.ints({axis}));
}

// The real values of a spectrum of which one half is given, the other being its mirror image: `size` of them.
Value to_reals(Op& op, const Value& given, int64_t axis, const Value& size, bool back) {
  Value half = resized(op, given, axis, size / 2 + 1);
  if (!back) half = conjugate(op, half);
  Value mirrored = op.Range(size - op.dim(half, axis), op.constant(0), op.constant(-1));
  Value other = conjugate(op, op.Gather(half, mirrored, {attr::axis(axis)}));
  Value whole = dft(op, op.Concat({half, other}, {attr::axis(axis)}), axis, false, true);
  return op.Gather(whole, op.constant(0), {attr::axis(-1)});
}

// aten::_fft_r2c(Tensor self, int[] dim, int normalization, bool onesided) -> Tensor
Value fft_r2c(Op& op) {
  Value self = op["self"];
  std::vector<int64_t> axes = op.axes("dim", self);
  op.require(!axes.empty(), "a Fourier transform over no axes");
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

// aten::_fft_c2r(Tensor self, int[] dim, int normalization, SymInt last_dim_size) -> Tensor
Value fft_c2r(Op& op) {
  Value out = op.as_real(op["self"]), size = op["last_dim_size"], all = size;
  std::vector<int64_t> axes = op.axes("dim", op["self"]);
  op.require(!axes.empty(), "a Fourier transform over no axes");
  const int64_t last = axes.back();
  axes.pop_back();
  for (int64_t axis : axes) {
    all = all * op.dim(out, axis);
    out = dft(op, out, axis, false, true);
  }
  return normalized_by(op, to_reals(op, out, last, size, true), all);
}

// ---- torch.fft ----

struct Axes {
  std::vector<int64_t> axes;
  Values sizes;  // to which each is cut off or continued; absent where it stays
};

// The axes of fft(n, dim), fft2(s, dim) and fftn(s, dim).
Axes axes_of(Op& op, const Value& x) {
  Axes out;
  if (op.has("s")) out.sizes = op.values("s");
  if (op.has("n")) out.sizes = {op["n"]};
  if (op.has("dim")) {
    out.axes = op.axes("dim", x);
  } else {  // the last ones, or all
    const int64_t count = op.has("s") ? static_cast<int64_t>(out.sizes.size()) : x.rank();
    for (int64_t axis = x.rank() - count; axis < x.rank(); ++axis) out.axes.push_back(axis);
  }
  op.require(!out.axes.empty(), "a Fourier transform over no axes");
  out.sizes.resize(out.axes.size());
  for (Value& size : out.sizes) {
    const auto known = size ? size.constant_ints() : std::nullopt;
    if (known && known->at(0) == -1) size = Value();
  }
  return out;
}

// The factor of torch's norm argument: which of the two directions divides by the number of elements.
Value scaled_by_norm(Op& op, const Value& x, const Value& count, bool back) {
  const std::string norm = op.string("norm", "backward");
  Value n = op.cast_like(count, x);
  if (norm == "ortho") return x / op.Sqrt(n);
  return (norm == "backward") == back ? x / n : x;
}

// Pairs transformed along all axes but the last, and the number of elements those have.
Value along_others(Op& op, Value x, const Axes& a, bool back, Value& count) {
  for (size_t i = 0; i + 1 < a.axes.size(); ++i) {
    if (a.sizes[i]) x = resized(op, x, a.axes[i], a.sizes[i]);
    count = count * op.dim(x, a.axes[i]);
    x = dft(op, x, a.axes[i], false, back);
  }
  return x;
}

Value complex_transform(Op& op, bool back) {
  Value self = op.promoted_to_float("self"), count = op.constant(1);
  const Axes a = axes_of(op, self);
  Value x = along_others(op, pairs(op, self), a, back, count);
  if (a.sizes.back()) x = resized(op, x, a.axes.back(), a.sizes.back());
  count = count * op.dim(x, a.axes.back());
  return op.as_complex(scaled_by_norm(op, dft(op, x, a.axes.back(), false, back), count, back));
}

// aten::fft_fft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor
// aten::fft_fftn(Tensor self, SymInt[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor
Value fft(Op& op) { return complex_transform(op, false); }

// aten::fft_ifft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor
Value ifft(Op& op) { return complex_transform(op, true); }

// The half of a real tensor's spectrum that tells all: along the last axis first.
Value of_reals(Op& op, bool back) {
  Value self = op.promoted_to_float("self"), count = op.constant(1);
  op.require(!self.is_complex(), "the transform of real numbers of complex ones");
  const Axes a = axes_of(op, self);
  Value x = op.unsqueeze(self, {self.rank()});
  if (a.sizes.back()) x = resized(op, x, a.axes.back(), a.sizes.back());
  count = count * op.dim(x, a.axes.back());
  x = dft(op, x, a.axes.back(), true, false);
  if (back) x = conjugate(op, x);
  x = along_others(op, x, a, back, count);
  return op.as_complex(scaled_by_norm(op, x, count, back));
}

// aten::fft_rfft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor
Value rfft(Op& op) { return of_reals(op, false); }

// aten::fft_ihfft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor
Value ihfft(Op& op) { return of_reals(op, true); }

Value real_transform(Op& op, bool back) {
  Value self = op.promoted_to_float("self"), count = op.constant(1);
  const Axes a = axes_of(op, self);
  Value x = along_others(op, pairs(op, self), a, back, count);
  const int64_t last = a.axes.back();
  Value size = a.sizes.back() ? a.sizes.back() : (op.dim(x, last) - 1) * 2;
  return scaled_by_norm(op, to_reals(op, x, last, size, back), count * size, back);
}

// aten::fft_irfft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor
Value irfft(Op& op) { return real_transform(op, true); }

// aten::fft_hfft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor
Value hfft(Op& op) { return real_transform(op, false); }

// ---- short transforms ----

// The window, in the middle of a frame.
Value framed_window(Op& op, const Value& x, int64_t frame) {
  const int64_t length = op.integer("win_length", frame), before = (frame - length) / 2;
  Value window = op.has("window") ? op.cast_like(op["window"], x) : op.full(op.ints({length}), 1, x.dtype());
  return length == frame ? window : op.Pad(window, op.ints({before, frame - length - before}));
}

// aten::stft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None,
//     bool normalized=False, bool? onesided=None, bool? return_complex=None, bool? align_to_window=None) -> Tensor
// aten::stft.center(…, bool center=True, str pad_mode="reflect", …) -> Tensor
Value stft(Op& op) {
  Value x = op["self"];
  const int64_t frame = op.integer("n_fft"), hop = op.integer("hop_length", frame / 4), half = frame / 2;
  op.require(!x.is_complex() && !op.boolean("align_to_window", false), "stft of complex numbers or aligned");
  const int64_t axis = x.rank() - 1;
  if (op.boolean("center", false)) {
    x = op.Pad(x, op.ints({half, half}), {}, op.ints({axis}), {attr::mode(op.string("pad_mode"))});
  }
  const Value signals = axis == 0 ? op.unsqueeze(x, {0}) : x;
  const bool weighted = op.has("window") || op.integer("win_length", frame) != frame;
  // Written even where it is the default, which ONNX's shape inference takes for 0.
  const int64_t onesided = op.boolean("onesided", true) ? 1 : 0;
  Value out =
      op.STFT(op.unsqueeze(signals, {2}), op.constant(hop), weighted ? framed_window(op, x, frame) : Value(),
              op.constant(frame), {attr::onesided(onesided)});
  if (op.boolean("normalized")) out = out / std::sqrt(static_cast<double>(frame));
  out = op.permute(out, {0, 2, 1, 3});
  if (axis == 0) out = op.squeeze(out, {0});
  return op.boolean("return_complex", false) ? op.as_complex(out) : out;
}

// The sum of frames laid over each other, each `hop` further along: (…, frame, element) -> (…, element).
Value laid_over(Op& op, const Value& frames, const Value& places, const Value& length) {
  const int64_t axis = frames.rank() - 2;
  Values size = op.dims(frames, 0, axis), flat = size;
  size.push_back(length);
  flat.push_back(op.constant(-1));
  Value updates = op.reshape(frames, flat);
  return op.ScatterElements(op.full(op.shape(size), 0, frames.dtype()),
                            op.Expand(places, op.shape_of(updates)), updates,
                            {attr::axis(axis), attr::reduction("add")});
}

// aten::istft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None,
//     bool center=True, bool normalized=False, bool? onesided=None, int? length=None,
//     bool return_complex=False) -> Tensor
// Frames weighted by the window once more and laid over each other, divided by what the windows add up to.
Value istft(Op& op) {
  Value self = op["self"];
  op.require(self.is_complex() && !op.boolean("return_complex"), "istft of reals or to complex numbers");
  const int64_t frame = op.integer("n_fft"), hop = op.integer("hop_length", frame / 4);
  const int64_t axis = self.rank() - 1;  // of the frames, behind the frequencies
  std::vector<int64_t> order = all_axes(axis + 2);
  std::swap(order[static_cast<size_t>(axis)], order[static_cast<size_t>(axis) - 1]);
  // Of a whole spectrum torch takes the first half, too.
  Value wave = to_reals(op, op.permute(op.as_real(self), order), axis, op.constant(frame), true);
  const auto size = static_cast<double>(frame);
  const double scale = op.boolean("normalized") ? std::sqrt(size) : size;
  Value window = framed_window(op, wave, frame);
  Value count = op.dim(self, axis);
  Value length = (count - 1) * hop + frame;
  Value starts = op.unsqueeze(op.arange(count) * hop, {1});
  Value places = op.reshape(starts + op.arange(op.constant(frame)), {-1});
  Value weights = op.Expand(window * window, op.shape({count, op.constant(frame)}));
  Value out = laid_over(op, wave * (window / scale), places, length) / laid_over(op, weights, places, length);
  Value from = op.constant(op.boolean("center") ? frame / 2 : 0);
  Value to = op.has("length") ? from + op["length"] : length - from;
  out = op.slice(out, axis - 1, from, to);
  return op.has("length") ? resized(op, out, axis - 1, op["length"]) : out;
}

// aten::fft_fftfreq(int n, float d=1.0, *, ScalarType? dtype=None, …) -> Tensor
// The frequencies of the samples, the negative ones behind.
Value fftfreq(Op& op) {
  const DType t = op.dtype("dtype", DType::f32);
  Value n = op["n"], i = op.arange(n);
  Value number = op.Where(i < (n + 1) / 2, i, i - n);
  return op.cast(op.cast(number, DType::f64) / (op.cast(n, DType::f64) * op.real("d")), t);
}

// aten::fft_rfftfreq(int n, float d=1.0, *, ScalarType? dtype=None, …) -> Tensor
Value rfftfreq(Op& op) {
  const DType t = op.dtype("dtype", DType::f32);
  Value n = op["n"], number = op.arange(n / 2 + 1);
  return op.cast(op.cast(number, DType::f64) / (op.cast(n, DType::f64) * op.real("d")), t);
}

}  // namespace

Mappings fourier() {
  return {
      {"aten::fft_fftfreq", fftfreq},
      {"aten::fft_rfftfreq", rfftfreq},
      {"aten::_fft_r2c", fft_r2c},
      Mapping("aten::_fft_c2c", fft_c2c).complex(),
      Mapping("aten::_fft_c2r", fft_c2r).complex(),
      Mapping("aten::fft_fft", fft).complex(),
      Mapping("aten::fft_fft2", fft).complex(),
      Mapping("aten::fft_fftn", fft).complex(),
      Mapping("aten::fft_ifft", ifft).complex(),
      Mapping("aten::fft_ifft2", ifft).complex(),
      Mapping("aten::fft_ifftn", ifft).complex(),
      Mapping("aten::fft_rfft", rfft).complex(),
      Mapping("aten::fft_rfft2", rfft).complex(),
      Mapping("aten::fft_rfftn", rfft).complex(),
      Mapping("aten::fft_ihfft", ihfft).complex(),
      Mapping("aten::fft_ihfft2", ihfft).complex(),
      Mapping("aten::fft_ihfftn", ihfft).complex(),
      Mapping("aten::fft_irfft", irfft).complex(),
      Mapping("aten::fft_irfft2", irfft).complex(),
      Mapping("aten::fft_irfftn", irfft).complex(),
      Mapping("aten::fft_hfft", hfft).complex(),
      Mapping("aten::fft_hfft2", hfft).complex(),
      Mapping("aten::fft_hfftn", hfft).complex(),
      {"aten::stft", stft},
      Mapping("aten::istft", istft).complex(),
  };
}

}  // namespace onnxport::aten
