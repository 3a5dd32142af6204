#include "rules.h"
#include "scatter.h"
#include "table.h"

namespace {

using namespace onnxport;
using shared::sure;

// ScatterElements, ScatterND: `reduction` came with 16.
Value scatter_elements_to_15(Node& node) {
  if (node.string("reduction", "none") == "none") node.decline("without a reduction the same in both");
  return shared::scatter_elements_in_turn(node);
}

Value scatter_nd_to_15(Node& node) {
  if (node.string("reduction", "none") == "none") node.decline("without a reduction the same in both");
  return shared::scatter_nd_in_turn(node);
}

// RoiAlign: what 16 calls output_half_pixel was the only way.
Value roi_align_to_15(Node& node) {
  if (node.string("coordinate_transformation_mode", "half_pixel") != "output_half_pixel")
    node.fail("RoiAlign with coordinate_transformation_mode 'half_pixel' cannot be written below opset 16");
  return node.node("RoiAlign", node.inputs(), node.attrs_except({"coordinate_transformation_mode"}));
}

// 15 -> 16.
Value roi_align_to_16(Node& node) {
  Attrs attrs = node.attrs_except();
  attrs.emplace_back("coordinate_transformation_mode", "output_half_pixel");
  return node.node("RoiAlign", node.inputs(), attrs);
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"org.onnxport.opset.16", "0.1.0"}, {},
                             {opset_with({{"GridSample", sure<grid_sample_to_15>},
                                          {"RoiAlign", roi_align_to_15},
                                          {"ScatterElements", scatter_elements_to_15},
                                          {"ScatterND", scatter_nd_to_15}},
                                         {{"RoiAlign", roi_align_to_16}})});
  return plugin.table();
}
