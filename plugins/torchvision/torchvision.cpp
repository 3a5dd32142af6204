// The operators of torchvision.ops on boxes and regions, written against ONNX opset 23.
#include <limits>

#include "onnxport/plugin.hpp"

namespace onnxport::torchvision {
namespace {

// torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor
// ONNX finds (batch, class, box) triples in falling order of score; there is one batch of one class here.
Value nms(Op& op) {
  Value boxes = op.unsqueeze(op.cast(op["dets"], DType::f32), {0});
  Value scores = op.unsqueeze(op.cast(op["scores"], DType::f32), {0, 1});
  Value all = op.constant(std::numeric_limits<int64_t>::max());
  Value kept = op.NonMaxSuppression(boxes, scores, all, op.as("iou_threshold", DType::f32));
  return op.Gather(kept, op.constant(2), {attr::axis(1)});
}

// A region is (image, x1, y1, x2, y2).
Value image_of(Op& op, const Value& rois) {
  return op.cast(op.Gather(rois, op.constant(0), {attr::axis(1)}), DType::i64);
}

// torchvision::roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width,
//     int sampling_ratio, bool aligned) -> Tensor
Value roi_align(Op& op) {
  Value input = op["input"], rois = op.as("rois", input.dtype());
  return op.RoiAlign(
      input, op.slice(rois, 1, 1, 5), image_of(op, rois),
      {attr::coordinate_transformation_mode(op.boolean("aligned") ? "half_pixel" : "output_half_pixel"),
       attr::output_height(op.integer("pooled_height")), attr::output_width(op.integer("pooled_width")),
       attr::sampling_ratio(std::max<int64_t>(op.integer("sampling_ratio"), 0)),
       attr::spatial_scale(op.real("spatial_scale"))});
}

// torchvision::roi_pool(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height,
//     SymInt pooled_width) -> (Tensor, Tensor)
Values roi_pool(Op& op) {
  op.require(!op.is_used(1), "the places of the greatest elements");
  return {op.MaxRoiPool(op["input"], op["rois"],
                        {attr::pooled_shape({op.integer("pooled_height"), op.integer("pooled_width")}),
                         attr::spatial_scale(op.real("spatial_scale"))}),
          {}};
}

// torchvision::deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, SymInt stride_h,
//     SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, SymInt dilation_w, SymInt groups,
//     SymInt offset_groups, bool use_mask) -> Tensor
Value deform_conv2d(Op& op) {
  const int64_t top = op.integer("pad_h"), left = op.integer("pad_w");
  const Value mask = op.boolean("use_mask") ? op["mask"] : Value();
  return op.DeformConv(
      op["input"], op["weight"], op["offset"], op["bias"], mask,
      {attr::strides({op.integer("stride_h"), op.integer("stride_w")}), attr::pads({top, left, top, left}),
       attr::dilations({op.integer("dilation_h"), op.integer("dilation_w")}),
       attr::group(op.integer("groups")), attr::offset_group(op.integer("offset_groups"))});
}

}  // namespace
}  // namespace onnxport::torchvision

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  using namespace onnxport::torchvision;
  static const onnxport::Plugin plugin(host, {"org.onnxport.torchvision", "0.1.0"},
                                       {{"torchvision::nms", nms},
                                        {"torchvision::roi_align", roi_align},
                                        {"torchvision::roi_pool", roi_pool},
                                        {"torchvision::deform_conv2d", deform_conv2d}});
  return plugin.table();
}
