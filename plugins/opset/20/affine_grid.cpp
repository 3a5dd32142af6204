#include "rules.h"

using namespace onnxport;

namespace {

// Normalised positions of the `size` samples along one axis: -1 and 1 are the centres of the outermost
// samples, or their outer edges.
Value positions(Node& node, const Value& size, bool centres, DType dtype) {
  const Value index = node.cast(node.arange(size), dtype);
  if (!centres) return (index * 2.0 + 1.0) / node.cast(size, dtype) - 1.0;
  const Value gaps = node.Max({size - 1, node.constant(1)});
  return index * 2.0 / node.cast(gaps, dtype) - 1.0;
}

}  // namespace

// Every sample is theta times (x, y[, z], 1): a sum of one outer product per axis. (The official body takes
// ranges of one-element vectors, which runtimes refuse.)
Value affine_grid_to_19(Node& node) {
  const Value theta = node.input(0);
  const auto rows = theta.static_dim(1);
  node.require(rows && (*rows == 2 || *rows == 3), "theta must be known to be for images or volumes");
  std::vector<int64_t> spatial;
  for (int64_t a = 1; a <= *rows; ++a) spatial.push_back(a);

  const auto column = [&](int64_t k) {
    return node.unsqueeze(node.Gather(theta, node.constant(k), {attr::axis(2)}), spatial);
  };
  const bool centres = node.integer("align_corners", 0) != 0;
  Value grid = column(*rows);
  for (int64_t k = 0; k < *rows; ++k) {  // x runs along the last axis of `size`, y along the one before
    const Value size = node.Gather(node.input(1), node.constant(*rows + 1 - k));
    const std::vector<int64_t> behind(spatial.begin(), spatial.begin() + k + 1);
    grid = grid + node.unsqueeze(positions(node, size, centres, theta.dtype()), behind) * column(k);
  }
  return grid;
}
