#include "resample.h"
#include "table.h"

namespace {

using namespace onnxport;

// AveragePool: `dilations` came with 19.
Value average_pool_to_18(Node& node) {
  for (int64_t d : node.integers("dilations")) {
    if (d != 1) node.fail("a dilated AveragePool cannot be written below opset 19");
  }
  return node.node("AveragePool", {node.input(0)}, node.attrs_except({"dilations"}));
}

bool is_short_float(DType t) {
  return t == DType::f8e4m3fn || t == DType::f8e4m3fnuz || t == DType::f8e5m2 || t == DType::f8e5m2fnuz;
}

// Cast, CastLike: `saturate` came with 19 and means something for 8-bit floats only, which 18 does not have.
Value cast_to_18(Node& node) {
  if (is_short_float(node.input(0).dtype()) || is_short_float(node.output(0).dtype())) {
    node.fail(Words{"8-bit floats came with opset 19", "keep such tensors in float16 or float32", {}});
  }
  return node.node(node.op_type(), node.inputs(), node.attrs_except({"saturate"}));
}

// One axis of Pad with mode "wrap": the elements at (-before .. size + after) modulo size.
Value wrap_axis(Node& node, const Value& x, int64_t axis, int64_t before, int64_t after) {
  const Value size = node.dim(x, axis);
  const Value positions = node.arange(node.constant(-before), size + after, node.constant(1));
  return node.Gather(x, node.Mod(positions, size), {attr::axis(axis)});
}

// Pad: mode "wrap" came with 19.
Value pad_to_18(Node& node) {
  if (node.string("mode", "constant") != "wrap") node.decline("only the mode 'wrap' is new");
  Value x = node.input(0);
  const auto pads = node.input(1).constant_ints();
  if (!pads) node.fail("Pad with mode 'wrap' needs constant pads below opset 19");
  std::vector<int64_t> axes;
  if (node.input(3)) {
    const auto given = node.input(3).constant_ints();
    if (!given) node.fail("Pad with mode 'wrap' needs constant axes below opset 19");
    for (int64_t a : *given) axes.push_back(node.normalized(a, x.rank()));
  } else {
    for (int64_t a = 0; a < x.rank(); ++a) axes.push_back(a);
  }
  node.require(pads->size() == 2 * axes.size(), "two pads per axis are expected");
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t before = (*pads)[i];
    const int64_t after = (*pads)[i + axes.size()];
    if (before != 0 || after != 0) x = wrap_axis(node, x, axes[i], before, after);
  }
  return x;
}

// Resize: coordinate_transformation_mode "half_pixel_symmetric" came with 19.
Value resize_to_18(Node& node) {
  if (node.string("coordinate_transformation_mode", "half_pixel") != "half_pixel_symmetric")
    node.decline("the same in both");
  const bool filtered = node.integer("antialias", 0) != 0 && node.string("mode", "nearest") != "nearest";
  if (filtered || node.string("keep_aspect_ratio_policy", "stretch") != "stretch") {
    node.fail(
        "Resize with coordinate_transformation_mode 'half_pixel_symmetric' and antialias or an aspect ratio "
        "that is kept "
        "cannot be written below opset 19");
  }
  try {
    return shared::Resampler(node).run();
  } catch (const Declined& reason) {  // taken along, the node would be invalid
    node.fail(reason.what());
  }
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"org.onnxport.opset.19", "0.1.0"}, {},
                             {opset_with({{"AveragePool", average_pool_to_18},
                                          {"Cast", cast_to_18},
                                          {"CastLike", cast_to_18},
                                          {"Pad", pad_to_18},
                                          {"Resize", resize_to_18}})});
  return plugin.table();
}
