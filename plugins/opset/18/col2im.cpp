#include "rules.h"
#include "shared.h"

using namespace onnxport;

// Col2Im adds up blocks of an image: what a transposed convolution does whose kernels hold a single one each.
Value col2im_to_17(Node& node) {
  const Value x = node.input(0);  // (batch, channels * block, places)
  const auto block = node.input(2).constant_ints();
  if (!block) node.fail("the sizes of the blocks must be constant below opset 18");
  const auto axes = static_cast<int64_t>(block->size());
  int64_t elements = 1;
  for (const int64_t size : *block) elements *= size;
  const auto rows = x.static_dim(1);
  if (!rows || *rows % elements != 0) node.fail("the number of channels must be known below opset 18");
  const int64_t channels = *rows / elements;
  const auto listed = [&](const char* name, int64_t otherwise, size_t count) {
    return node.integers(name, std::vector<int64_t>(count, otherwise));
  };
  const std::vector<int64_t> strides = listed("strides", 1, block->size());
  const std::vector<int64_t> dilations = listed("dilations", 1, block->size());
  const std::vector<int64_t> pads = listed("pads", 0, 2 * block->size());

  // How often a block fits, and how much of the image is behind the last one.
  Values dims = {node.dim(x, 0), node.constant(*rows)};
  Values behind;
  for (size_t i = 0; i < block->size(); ++i) {
    const int64_t reach = dilations[i] * ((*block)[i] - 1) + 1;
    const int64_t around = pads[i] + pads[i + block->size()];
    const Value room = shared::element(node, node.input(1), static_cast<int64_t>(i)) + (around - reach);
    const Value steps = room / strides[i];
    dims.push_back(steps + 1);
    behind.push_back(room - steps * strides[i]);
  }

  Tensor kernels = Builder::tensor(0, x.dtype(), {elements, 1, elements});
  const Tensor one = Builder::tensor(1, x.dtype(), {});
  for (int64_t i = 0; i < elements; ++i) {
    std::copy(one.data.begin(), one.data.end(),
              kernels.data.begin() + i * (elements + 1) * static_cast<int64_t>(one.data.size()));
  }
  std::vector<int64_t> kernel_dims = {elements, 1};
  kernel_dims.insert(kernel_dims.end(), block->begin(), block->end());
  kernels.dims = kernel_dims;
  // One group per channel, all with the same kernels; pads are taken off afterwards.
  Value images = node.reshape(x, dims);
  Values groups(static_cast<size_t>(channels), node.constant(kernels));
  const Value weights = channels == 1 ? groups[0] : node.Concat(groups, {attr::axis(0)});
  Value sums = node.node(
      "ConvTranspose", {images, weights},
      {{"group", channels}, {"kernel_shape", *block}, {"strides", strides}, {"dilations", dilations}});
  Values after(static_cast<size_t>(2 * (axes + 2)), node.constant(0));
  bool exact = true;
  for (size_t i = 0; i < behind.size(); ++i) {
    const auto rest = behind[i].constant_ints();
    exact = exact && rest && rest->front() == 0;
    after[after.size() - behind.size() + i] = behind[i];
  }
  if (!exact) sums = node.Pad(sums, node.shape(after));
  for (size_t i = 0; i < block->size(); ++i) {
    const int64_t end = pads[i + block->size()];
    if (pads[i] == 0 && end == 0) continue;
    sums = node.slice(sums, static_cast<int64_t>(i) + 2, pads[i], end == 0 ? to_end : -end);
  }
  return sums;
}
