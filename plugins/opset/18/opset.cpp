#include "rules.h"
#include "scatter.h"
#include "table.h"

namespace {

using namespace onnxport;
using shared::sure;
using shared::sure_many;

// Mish is new in 18: x * tanh(softplus(x)).
Value mish_to_17(Node& node) {
  const Value x = node.input(0);
  return x * node.Tanh(node.Softplus(x));
}

// Reductions but ReduceSum: `axes` was an attribute. Without axes, noop_with_empty_axes reduces nothing.
Value reduce_to_17(Node& node) {
  const Value x = node.input(0);
  const auto axes = node.input(1) ? node.input(1).constant_ints() : std::vector<int64_t>{};
  if (!axes) node.fail("the axes of a reduction must be constant below opset 18");
  if (axes->empty() && node.integer("noop_with_empty_axes", 0) != 0) {
    const std::string op(node.op_type());
    if (op == "ReduceSumSquare") return x * x;
    if (op == "ReduceLogSum") return node.Log(x);
    return op == "ReduceL1" || op == "ReduceL2" ? node.Abs(x) : node.Identity(x);
  }
  Attrs attrs = node.attrs_except({"noop_with_empty_axes"});
  if (!axes->empty()) attrs.emplace_back("axes", *axes);
  return node.node(node.op_type(), {x}, attrs);
}

// Pad: `axes` came with 18.
Value pad_to_17(Node& node) {
  if (!node.input(3)) node.decline("without axes the same in both");
  const Value x = node.input(0);
  const std::vector<int64_t> axes = shared::axes_of(node, node.input(3), x.rank());
  Values pads(static_cast<size_t>(2 * x.rank()), node.constant(0));
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto at = static_cast<size_t>(axes[i]);
    pads[at] = shared::element(node, node.input(1), static_cast<int64_t>(i));
    pads[at + static_cast<size_t>(x.rank())] =
        shared::element(node, node.input(1), static_cast<int64_t>(i + axes.size()));
  }
  return node.node("Pad", {x, node.shape(pads), node.input(2)}, node.attrs_except());
}

// Split: `num_outputs` came with 18. Its pieces are of one size, but for the last, which may be smaller.
Values split_to_17(Node& node) {
  const Value x = node.input(0);
  const int64_t axis = node.normalized(node.integer("axis", 0), x.rank());
  const auto count = static_cast<int64_t>(node.output_count());
  if (node.input(1)) return node.node("Split", {x, node.input(1)}, {{"axis", axis}}, node.output_count());
  const auto size = x.static_dim(axis);
  if (size && *size % count == 0) return node.node("Split", {x}, {{"axis", axis}}, node.output_count());
  const Value whole = node.dim(x, axis);
  const Value piece = (whole + (count - 1)) / count;
  Values sizes(static_cast<size_t>(count - 1), piece);
  sizes.push_back(whole - piece * (count - 1));
  return node.node("Split", {x, node.shape(sizes)}, {{"axis", axis}}, node.output_count());
}

// Resize: `axes`, `antialias` and `keep_aspect_ratio_policy` came with 18.
Value resize_to_17(Node& node) {
  if (node.string("keep_aspect_ratio_policy", "stretch") != "stretch")
    node.fail("Resize that keeps the aspect ratio cannot be written below opset 18");
  if (node.integer("antialias", 0) != 0 && node.string("mode", "nearest") != "nearest")
    return antialiased_to_17(node);
  Attrs attrs = node.attrs_except({"antialias", "axes", "keep_aspect_ratio_policy"});
  const Value x = node.input(0);
  if (!node.has_attr("axes")) return node.node("Resize", node.inputs(), attrs);
  std::vector<int64_t> axes;
  for (const int64_t axis : node.integers("axes")) axes.push_back(node.normalized(axis, x.rank()));
  const auto rank = static_cast<size_t>(x.rank());
  Values all = {x, {}, {}, {}};
  if (node.input(1)) {  // roi: starts, then ends
    const auto roi = node.input(1).constant_reals();
    node.require(roi && roi->size() == 2 * axes.size(), "its region must be constant");
    std::vector<double> whole(2 * rank, 0.0);
    std::fill(whole.begin() + static_cast<std::ptrdiff_t>(rank), whole.end(), 1.0);
    for (size_t i = 0; i < axes.size(); ++i) {
      whole[static_cast<size_t>(axes[i])] = (*roi)[i];
      whole[static_cast<size_t>(axes[i]) + rank] = (*roi)[i + axes.size()];
    }
    Values parts;
    for (const double number : whole)
      parts.push_back(node.constant(Builder::tensor(number, node.input(1).dtype(), {1})));
    all[1] = node.Concat(parts, {attr::axis(0)});
  }
  if (node.input(3)) {
    Values sizes = node.dims(x, 0, x.rank());
    for (size_t i = 0; i < axes.size(); ++i)
      sizes[static_cast<size_t>(axes[i])] = shared::element(node, node.input(3), static_cast<int64_t>(i));
    all[3] = node.shape(sizes);
  } else {
    Values scales(rank, node.constant(Builder::tensor(1.0, DType::f32, {1})));
    for (size_t i = 0; i < axes.size(); ++i) {
      scales[static_cast<size_t>(axes[i])] =
          node.slice(node.input(2), 0, static_cast<int64_t>(i), static_cast<int64_t>(i) + 1);
    }
    all[2] = node.Concat(scales, {attr::axis(0)});
  }
  return node.node("Resize", all, attrs);
}

// LpPool: `dilations` and `ceil_mode` came with 18.
Value lp_pool_to_17(Node& node) {
  for (const int64_t d : node.integers("dilations")) {
    if (d != 1) node.fail("a dilated LpPool cannot be written below opset 18");
  }
  if (node.integer("ceil_mode", 0) != 0) node.fail("LpPool with ceil_mode cannot be written below opset 18");
  return node.node("LpPool", {node.input(0)}, node.attrs_except({"dilations", "ceil_mode"}));
}

// ScatterElements, ScatterND: the reductions max and min came with 18.
bool is_new_reduction(Node& node) {
  const std::string reduction = node.string("reduction", "none");
  return reduction == "max" || reduction == "min";
}

Value scatter_elements_to_17(Node& node) {
  if (!is_new_reduction(node)) node.decline("with that reduction the same in both");
  return shared::scatter_elements_in_turn(node);
}

Value scatter_nd_to_17(Node& node) {
  if (!is_new_reduction(node)) node.decline("with that reduction the same in both");
  return shared::scatter_nd_in_turn(node);
}

// 17 -> 18: a Split without sizes says how many pieces there are.
Values split_to_18(Node& node) {
  if (node.input(1)) node.decline("with sizes the same in both");
  Attrs attrs = node.attrs_except();
  attrs.emplace_back("num_outputs", static_cast<int64_t>(node.output_count()));
  return node.node("Split", {node.input(0)}, attrs, node.output_count());
}

Rules down() {
  Rules out = {{"BitwiseAnd", bitwise_to_17},
               {"BitwiseOr", bitwise_to_17},
               {"BitwiseXor", bitwise_to_17},
               {"BitwiseNot", bitwise_not_to_17},
               {"Col2Im", sure<col2im_to_17>},
               {"LpPool", lp_pool_to_17},
               {"Mish", mish_to_17},
               {"Pad", pad_to_17},
               {"Resize", sure<resize_to_17>},
               {"ScatterElements", scatter_elements_to_17},
               {"ScatterND", scatter_nd_to_17},
               {"Split", sure_many<split_to_17>}};
  for (const char* op : {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
                         "ReduceMin", "ReduceProd", "ReduceSumSquare"})
    out.emplace_back(op, reduce_to_17);
  return out;
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"org.onnxport.opset.18", "0.1.0"}, {},
                             {opset_with(down(), {{"Split", split_to_18}})});
  return plugin.table();
}
