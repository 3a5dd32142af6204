// DFT is new in 17: before, it is two products with matrices of cosines and sines.
#include <cmath>

#include "rules.h"
#include "shared.h"
#include "waves.h"

using namespace onnxport;

namespace {

Tensor filled(DType t, int64_t rows, int64_t columns, double (*wave)(double)) {
  Tensor out{t, {rows, columns}, {}};
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t k = 0; k < columns; ++k) {
      // The product modulo the length keeps the angle small, and exact.
      const double angle = 2 * M_PI * static_cast<double>(i * k % rows) / static_cast<double>(rows);
      const Tensor number = Builder::tensor(wave(angle), t, {});
      out.data.insert(out.data.end(), number.data.begin(), number.data.end());
    }
  }
  return out;
}

}  // namespace

Waves waves(Node& node, const Value& length, const Value& frequencies, DType t) {
  const auto rows = length.constant_ints(), columns = frequencies.constant_ints();
  constexpr int64_t kLargest = 1 << 22;  // elements of a constant
  if (rows && columns && rows->front() > 0 && rows->front() * columns->front() <= kLargest) {
    return {node.constant(filled(t, rows->front(), columns->front(), [](double a) { return std::cos(a); })),
            node.constant(filled(t, rows->front(), columns->front(), [](double a) { return std::sin(a); }))};
  }
  const Value products = node.unsqueeze(node.arange(length), {1}) * node.arange(frequencies);
  const Value turns = node.cast(products - products / length * length, t) / node.cast(length, t);
  const Value angles = turns * (2 * M_PI);
  return {node.Cos(angles), node.Sin(angles)};
}

namespace {

// The axis cut, or filled up with zeros, to that length.
Value resized(Node& node, const Value& x, int64_t axis, const Value& length) {
  const auto own = x.static_dim(axis);
  const auto wanted = length.constant_ints();
  if (own && wanted && *own == wanted->front()) return x;
  node.require(own && wanted, "its length differs from the input's and is known at run time only");
  if (wanted->front() < *own) return node.slice(x, axis, 0, wanted->front());
  std::vector<int64_t> pads(static_cast<size_t>(2 * x.rank()), 0);
  pads[static_cast<size_t>(x.rank() + axis)] = wanted->front() - *own;
  return node.pad(x, pads);
}

}  // namespace

// X is (…, samples, …, 1 or 2): real, or real and imaginary. sum x[n] * exp(-2 pi i n k / N), over N and with the other
// sign for the inverse.
Value dft_to_16(Node& node) {
  const bool inverse = node.integer("inverse", 0) != 0;
  const bool onesided = node.integer("onesided", 0) != 0;
  const Value given = node.input(0);
  const int64_t rank = given.rank();
  const int64_t axis = node.normalized(node.integer("axis", 1), rank);
  const auto parts = given.static_dim(-1);
  node.require(parts && axis < rank - 1, "it must be known whether the input is real");
  node.require(!(inverse && onesided), "the inverse of one side");
  const Value length = node.input(1) ? node.scalar(node.input(1)) : node.dim(given, axis);
  const Value x = node.input(1) ? resized(node, given, axis, length) : given;
  const Value frequencies = onesided ? length / 2 + 1 : length;
  const Waves w = waves(node, length, frequencies, x.dtype());

  const auto part = [&](int64_t i) {
    const Value one = node.Gather(x, node.constant(i), {attr::axis(rank - 1)});
    return node.transpose(one, axis, -1);
  };
  const Value re = part(0);
  Value real = node.MatMul(re, w.cosines);
  Value imaginary = node.MatMul(re, w.sines);
  if (*parts == 2) {
    const Value im = part(1);
    const Value crossed = node.MatMul(im, w.sines), straight = node.MatMul(im, w.cosines);
    real = inverse ? real - crossed : real + crossed;
    imaginary = inverse ? imaginary + straight : straight - imaginary;
  } else if (!inverse) {
    imaginary = -imaginary;
  }
  if (inverse) {
    const Value count = node.cast(length, x.dtype());
    real = real / count;
    imaginary = imaginary / count;
  }
  const auto back = [&](const Value& v) { return node.unsqueeze(node.transpose(v, axis, -1), {rank - 1}); };
  return node.Concat({back(real), back(imaginary)}, {attr::axis(rank - 1)});
}
