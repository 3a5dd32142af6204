// STFT is new in 17: before, the frames are gathered, weighted by the window and multiplied by cosines and sines.
#include "rules.h"
#include "shared.h"
#include "waves.h"

using namespace onnxport;

namespace {

// Where each frame's samples lie in the signal: (frames, length).
Value sample_numbers(Node& node, const Value& samples, const Value& step, const Value& length) {
  const auto all = samples.constant_ints(), by = step.constant_ints(), size = length.constant_ints();
  constexpr int64_t kLargest = 1 << 22;  // elements of a constant
  if (all && by && size && by->front() > 0 && all->front() >= size->front()) {
    const int64_t frames = (all->front() - size->front()) / by->front() + 1;
    if (frames * size->front() <= kLargest) {
      std::vector<int64_t> numbers;
      for (int64_t i = 0; i < frames; ++i) {
        for (int64_t k = 0; k < size->front(); ++k) numbers.push_back(i * by->front() + k);
      }
      return node.constant(
          Tensor{DType::i64, {frames, size->front()}, Builder::bytes_of(numbers.data(), numbers.size())});
    }
  }
  const Value starts = node.arange((samples - length) / step + 1) * step;
  return node.unsqueeze(starts, {1}) + node.arange(length);
}

}  // namespace

// The signal is (batch, samples, 1 or 2), the result (batch, frames, frequencies, 2).
Value stft_to_16(Node& node) {
  const Value signal = node.input(0), window = node.input(2);
  const auto parts = signal.rank() == 2 ? 1 : signal.static_dim(2);
  const bool onesided = node.integer("onesided", 1) != 0;
  node.require(parts.has_value(), "it must be known whether the signal is real");
  node.require(!(*parts == 2 && onesided), "one side of a complex signal's transform");
  node.require(window || node.input(3), "neither a window nor the length of the frames is given");
  const Value step = node.cast(node.scalar(node.input(1)), DType::i64);
  const Value length =
      node.input(3) ? node.cast(node.scalar(node.input(3)), DType::i64) : node.dim(window, 0);
  const Value numbers = sample_numbers(node, node.dim(signal, 1), step, length);
  const Value frequencies = onesided ? length / 2 + 1 : length;
  const Waves w = waves(node, length, frequencies, signal.dtype());

  const auto frames = [&](int64_t part) {
    const Value one = signal.rank() == 2 ? signal : node.Gather(signal, node.constant(part), {attr::axis(2)});
    const Value cut = node.Gather(one, numbers, {attr::axis(1)});
    return window ? cut * window : cut;
  };
  const Value re = frames(0);
  Value real = node.MatMul(re, w.cosines);
  Value imaginary = -node.MatMul(re, w.sines);
  if (*parts == 2) {
    const Value im = frames(1);
    real = real + node.MatMul(im, w.sines);
    imaginary = imaginary + node.MatMul(im, w.cosines);
  }
  return node.Concat({node.unsqueeze(real, {3}), node.unsqueeze(imaginary, {3})}, {attr::axis(3)});
}
