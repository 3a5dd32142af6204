#include "rules.h"
#include "shared.h"
#include "table.h"

using namespace onnxport;

// To the nearest integer, of two the even one.
Value round_to_10(Node& node) {
  const Value x = node.input(0);
  const Value below = node.Floor(x);
  const Value rest = x - below;
  const Value half = below * 0.5;
  const Value odd = node.less(node.like(x, 0.25), half - node.Floor(half));
  const Value up = node.less(node.like(x, 0.5), rest) | (~node.less(rest, node.like(x, 0.5)) & odd);
  return below + node.cast(up & node.less(node.like(x, 0.25), rest), x.dtype());
}

// Opset 7 has no Scan, which `accumulate` writes at 10.
Value sums_by_loop(Node& node, const Value& x, int64_t axis) {
  Values rest;
  std::vector<int64_t> to_front = {axis}, back;
  for (int64_t i = 0; i < x.rank(); ++i) {
    if (i != axis) rest.push_back(node.dim(x, i)), to_front.push_back(i);
    back.push_back(i < axis ? i + 1 : i == axis ? 0 : i);
  }
  const Value rows = node.permute(x, to_front);
  const Block body =
      node.block({{"i", DType::i64, 0}, {"on", DType::boolean, 0}, {"sum", x.dtype(), x.rank() - 1}},
                 [&](const Values& in) -> Values {
                   const Value next = in[2] + node.Gather(rows, in[0]);
                   return {node.Identity(in[1]), next, node.Identity(next)};
                 });
  const Value zeros = rest.empty() ? node.like(x, 0) : node.full(node.shape(rest), 0, x.dtype());
  const Values out = node.node("Loop", {node.dim(x, axis), {}, zeros}, {{"body", body}}, size_t{2});
  return node.permute(node.typed(out[1], x.dtype(), rows.sizes()), back);
}

// One element after the other; exclusive: each without its own; reverse: from the end.
Value cum_sum_to_10(Node& node) {
  const auto given = node.input(1).constant_ints();
  node.require(given && given->size() == 1, "its axis is known at run time only");
  const Value x = node.input(0);
  const int64_t axis = node.normalized(given->front(), x.rank());
  const Value size = node.dim(x, axis);
  const bool reverse = node.integer("reverse", 0) != 0;
  const auto turned = [&](const Value& v) {
    return reverse ? node.Gather(v, size - 1 - node.arange(size), {attr::axis(axis)}) : v;
  };
  const auto add = [](const Value& a, const Value& b) { return a + b; };
  Value sums = node.target_opset() < 8 ? sums_by_loop(node, turned(x), axis)
                                       : node.accumulate(turned(x), axis, 0.0, add);
  if (node.integer("exclusive", 0) != 0) {
    Values dims = node.dims(x, 0, x.rank());
    dims[static_cast<size_t>(axis)] = node.constant(1);
    sums = node.Concat({node.full(node.shape(dims), 0, x.dtype()), node.slice(sums, axis, 0, -1)},
                       {attr::axis(axis)});
  }
  return turned(sums);
}

// Axes could not count from the end before 11.
Values counted_from_front(Node& node) {
  Attrs attrs = node.attrs_except({"axis", "axes"});
  const Value x = node.input(0);
  bool changed = false;
  const auto counted = [&](int64_t axis, int64_t more) {
    if (axis >= 0) return axis;
    changed = true;
    if (!x.has_rank())
      node.fail("an axis counts from the end of a value whose rank is known at run time only");
    return axis + x.rank() + more;
  };
  if (node.has_attr("axis")) attrs.emplace_back("axis", counted(node.integer("axis", 0), 0));
  if (node.has_attr("axes")) {
    std::vector<int64_t> axes = node.integers("axes");
    const int64_t more = node.op_type() == "Unsqueeze" ? static_cast<int64_t>(axes.size()) : 0;
    for (int64_t& axis : axes) axis = counted(axis, more);
    std::sort(axes.begin(), axes.end());  // ONNX's own inference wants them in order
    attrs.emplace_back("axes", axes);
  }
  if (!changed) node.decline("no axis counts from the end");
  return node.node(node.op_type(), node.inputs(), attrs, node.output_count());
}

namespace {

using shared::sure;

Value clip_to_10(Node& node) { return node.clip(node.input(0), node.input(1), node.input(2)); }

Value equal_to_10(Node& node) { return node.equal(node.input(0), node.input(1)); }

Value range_to_10(Node& node) { return node.arange(node.input(0), node.input(1), node.input(2)); }

Value gemm_to_10(Node& node) {
  if (node.input(2)) node.decline("with C the same in both");
  const Value zero = node.like(node.input(0), 0);
  return node.node("Gemm", {node.input(0), node.input(1), zero}, node.attrs_except());
}

// DepthToSpace: mode CRD came with 11.
Value depth_to_space_to_10(Node& node) {
  const Value x = node.input(0);
  const int64_t block = node.integer("blocksize", 1);
  if (node.string("mode", "DCR") == "DCR") return node.node("DepthToSpace", {x}, {{"blocksize", block}});
  const Value rows = node.dim(x, 2), columns = node.dim(x, 3), one = node.constant(block);
  const Value parts = node.reshape(x, {node.dim(x, 0), node.constant(-1), one, one, rows, columns});
  const Value turned = node.permute(parts, {0, 1, 4, 2, 5, 3});
  return node.reshape(turned, {node.dim(x, 0), node.constant(-1), rows * block, columns * block});
}

// Gather took no negative indices.
Value gather_to_10(Node& node) {
  const Value data = node.input(0);
  const auto index = node.input(1).constant_ints();
  const int64_t given = node.integer("axis", 0);
  const bool negative = index && std::any_of(index->begin(), index->end(), [](int64_t i) { return i < 0; });
  if (!negative && given >= 0) node.decline("what counts from the front is the same in both");
  const int64_t axis = node.normalized(given, data.rank());
  const Value from_front =
      negative ? shared::from_front(node, node.input(1), node.dim(data, axis)) : node.input(1);
  return node.Gather(data, from_front, {attr::axis(axis)});
}

// Slice: steps could not go backwards.
Value slice_to_10(Node& node) {
  const Value x = node.input(0);
  const auto steps = node.input(4) ? node.input(4).constant_ints() : std::vector<int64_t>{1};
  const bool backwards = !steps || std::any_of(steps->begin(), steps->end(), [](int64_t s) { return s < 0; });
  const auto axes = node.input(3) ? node.input(3).constant_ints() : std::vector<int64_t>{0};
  const bool from_end = !axes || std::any_of(axes->begin(), axes->end(), [](int64_t a) { return a < 0; });
  if (!backwards && !from_end) node.decline("forwards the same in both");
  node.require(steps.has_value(), "its steps are known at run time only");
  const std::vector<int64_t> places = shared::axes_of(node, node.input(3), x.rank());
  if (!backwards)
    return node.node("Slice", {x, node.input(1), node.input(2), node.ints(places), node.input(4)});
  Value out = x;
  for (size_t i = 0; i < places.size() && i < steps->size(); ++i) {
    const auto k = static_cast<int64_t>(i);
    Value start = node.cast(shared::element(node, node.input(1), k), DType::i64);
    Value end = node.cast(shared::element(node, node.input(2), k), DType::i64);
    if ((*steps)[i] > 0) {
      out = node.slice(out, places[i], start, end, (*steps)[i]);
      continue;
    }
    // The indices themselves: bounds count from the end, and stop at the ends.
    const Value size = node.dim(out, places[i]);
    start = node.minimum(shared::from_front(node, start, size), size - 1);
    const auto known = end.constant_ints();
    const bool to_start = known && known->front() < -(int64_t{1} << 31);
    end = to_start ? node.constant(-1) : node.maximum(shared::from_front(node, end, size), node.constant(-1));
    out = node.Gather(out, node.arange(start, end, node.constant((*steps)[i])), {attr::axis(places[i])});
  }
  return out;
}

// BitShift is new in 11: powers of two.
Value bit_shift_to_10(Node& node) {
  const Value x = node.input(0);
  if (x.dtype() == DType::u64) node.fail("64-bit unsigned integers cannot be shifted below opset 11");
  const Value power =
      node.cast(node.Pow(node.constant(2.0, DType::f64), node.cast(node.input(1), DType::f64)), DType::i64);
  const Value wide = node.cast(x, DType::i64);
  return node.cast(node.string("direction", "LEFT") == "LEFT" ? wide * power : wide / power, x.dtype());
}

// ---- 10 -> 11 ----

Value clip_to_11(Node& node) {
  const Value x = node.input(0);
  const auto bound = [&](const char* name) {
    return node.has_attr(name) ? node.constant(node.real(name, 0), x.dtype()) : Value();
  };
  return node.node("Clip", {x, bound("min"), bound("max")});
}

Value pad_to_11(Node& node) {
  const Value x = node.input(0);
  const bool filled = node.string("mode", "constant") == "constant" && node.has_attr("value");
  const Value fill = filled ? node.constant(node.real("value", 0), x.dtype()) : Value();
  return node.node("Pad", {x, node.ints(node.integers("pads")), fill}, node.attrs_except({"pads", "value"}));
}

Value resize_to_11(Node& node) {
  Attrs attrs = node.attrs_except();
  attrs.emplace_back("coordinate_transformation_mode", "asymmetric");
  attrs.emplace_back("nearest_mode", "floor");
  return node.node("Resize", {node.input(0), node.constant(Tensor{DType::f32, {0}, {}}), node.input(1)},
                   attrs);
}

Value scatter_to_11(Node& node) { return node.node("ScatterElements", node.inputs(), node.attrs_except()); }

// Lists are new in 11, and nothing before stands for one.
Values no_sequence(Node& node) {
  node.fail(
      Words{"lists of tensors (Sequence values) came with opset 11",
            "write the model without lists whose length is known at run time only: cat or stack the tensors "
            "in the model, or "
            "give each list a fixed length",
            {}});
}

Rules down() {
  Rules out = {{"BitShift", bit_shift_to_10},
               {"Clip", sure<clip_to_10>},
               {"CumSum", cum_sum_to_10},
               {"DepthToSpace", depth_to_space_to_10},
               {"Equal", equal_to_10},
               {"Gather", gather_to_10},
               {"GatherElements", gather_elements_to_10},
               {"GatherND", gather_nd_to_10},
               {"Gemm", gemm_to_10},
               {"Pad", sure<pad_to_10>},
               {"Range", range_to_10},
               {"Resize", sure<resize_to_10>},
               {"Round", round_to_10},
               {"ScatterElements", scatter_elements_to_10},
               {"ScatterND", scatter_nd_to_10},
               {"Slice", slice_to_10},
               {"TopK", shared::sure_many<top_k_to_10>}};
  for (const char* op :
       {"ArgMax",     "ArgMin",       "Compress",        "Concat",    "Flatten",    "Hardmax",
        "LogSoftmax", "Softmax",      "Split",           "Squeeze",   "Unsqueeze",  "ReduceL1",
        "ReduceL2",   "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
        "ReduceProd", "ReduceSum",    "ReduceSumSquare"})
    out.emplace_back(op, counted_from_front);
  for (const char* op : {"ConcatFromSequence", "SequenceAt", "SequenceConstruct", "SequenceEmpty",
                         "SequenceErase", "SequenceInsert", "SequenceLength", "SplitToSequence"})
    out.emplace_back(op, no_sequence);
  return out;
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(
      host, {"org.onnxport.opset.11", "0.1.0"}, {},
      {opset_with(
          down(),
          {{"Clip", clip_to_11}, {"Pad", pad_to_11}, {"Resize", resize_to_11}, {"Scatter", scatter_to_11}})});
  return plugin.table();
}
