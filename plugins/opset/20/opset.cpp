#include <cmath>

#include "grid_sampler.h"
#include "rules.h"
#include "table.h"

namespace {

using namespace onnxport;
using shared::sure;

// Gelu is new in 20. Written as runtimes know it, so that they fuse it.
Value gelu_to_19(Node& node) {
  const Value x = node.input(0);
  if (node.string("approximate", "none") == "tanh") {
    const Value inner = x + x * x * x * 0.044715;
    return (x * 0.5) * (node.Tanh(inner * std::sqrt(2.0 / M_PI)) + 1.0);
  }
  return x * (node.Erf(x / std::sqrt(2.0)) + 1.0) * 0.5;
}

// DFT: `axis` was an attribute with another default.
Value dft_to_19(Node& node) {
  const Value x = node.input(0);
  std::vector<int64_t> axis = {-2};
  if (node.input(2)) {
    const auto given = node.input(2).constant_ints();
    if (!given || given->size() != 1) node.fail("DFT needs a constant axis below opset 20");
    axis = *given;
  }
  Attrs attrs = node.attrs_except();
  attrs.emplace_back("axis", node.normalized(axis[0], x.rank()));
  return node.node("DFT", {x, node.input(1)}, attrs);
}

// GridSample: the interpolation modes were named after images, and volumes were not taken.
Value grid_sample_to_19(Node& node) {
  const Value x = node.input(0);
  if (x.rank() != 4) return shared::GridSampler(node).run();
  const std::string mode = node.string("mode", "linear");
  Attrs attrs = node.attrs_except({"mode"});
  attrs.emplace_back("mode", mode == "linear" ? "bilinear" : mode == "cubic" ? "bicubic" : mode);
  return node.node("GridSample", {x, node.input(1)}, attrs);
}

// 19 -> 20.
Value grid_sample_to_20(Node& node) {
  const std::string mode = node.string("mode", "bilinear");
  Attrs attrs = node.attrs_except({"mode"});
  attrs.emplace_back("mode", mode == "bilinear" ? "linear" : mode == "bicubic" ? "cubic" : mode);
  return node.node("GridSample", node.inputs(), attrs);
}

Value dft_to_20(Node& node) {
  const Value axis = node.constant(node.integer("axis", 1));
  return node.node("DFT", {node.input(0), node.input(1), axis}, node.attrs_except({"axis"}));
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"org.onnxport.opset.20", "0.1.0"}, {},
                             {opset_with({{"AffineGrid", affine_grid_to_19},
                                          {"Gelu", gelu_to_19},
                                          {"DFT", dft_to_19},
                                          {"GridSample", sure<grid_sample_to_19>}},
                                         {{"DFT", dft_to_20}, {"GridSample", grid_sample_to_20}})});
  return plugin.table();
}
