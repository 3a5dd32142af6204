#include "rules.h"
#include "shared.h"
#include "table.h"

namespace {

using namespace onnxport;
using shared::sure;
using shared::sure_many;

// MaxPool: `dilations` and `ceil_mode` came with 10; AveragePool's `ceil_mode` too.
Values pool_to_9(Node& node) {
  for (const int64_t d : node.integers("dilations")) {
    if (d != 1) node.fail("a dilated pool cannot be written below opset 10");
  }
  Attrs attrs = node.attrs_except({"dilations", "ceil_mode"});
  if (node.integer("ceil_mode", 0) != 0) {
    if (node.op_type() != "MaxPool")
      node.fail("an average pool with ceil_mode cannot be written below opset 10");
    attrs = with_ceiling_padded(node);
  }
  return node.node(node.op_type(), {node.input(0)}, attrs, node.output_count());
}

// IsInf is new in 10.
Value is_inf_to_9(Node& node) {
  const Value x = node.input(0);
  const Value largest = node.like(
      x, x.dtype() == DType::f64 ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max());
  const bool negative = node.integer("detect_negative", 1) != 0,
             positive = node.integer("detect_positive", 1) != 0;
  if (negative && positive) return node.less(largest, node.Abs(x));
  return positive ? node.less(largest, x) : node.less(largest, -x);
}

bool is_one(const Value& x) {
  const auto numbers = x.constant_ints();
  return numbers && numbers->size() == 1 && numbers->front() == 1;
}

// Mod is new in 10: what a division leaves, with the divisor's sign, or of floats (fmod) with the dividend's.
Value mod_to_9(Node& node) {
  const Value a = node.input(0), b = node.input(1);
  const bool fmod = node.integer("fmod", 0) != 0;
  if (!is_floating(a.dtype())) {
    if (a.dtype() == DType::u64) node.fail("64-bit unsigned integers have no remainder below opset 10");
    const DType t = a.dtype() == DType::i32 ? DType::i32 : DType::i64;
    Value x = node.cast(a, t), y = node.cast(b, t);
    if (is_one(a) && a.rank() <= b.rank()) {  // 1 / y * y: ONNX Runtime makes y / y of it, of integers too
      if (fmod) y = node.Abs(y);
      x = y + 1;
    }
    const Value rest = x - x / y * y;
    if (fmod) return node.cast(rest, a.dtype());
    const Value zero = node.like(x, 0);
    const Value other_sign = node.less(rest, zero) ^ node.less(y, zero);
    const Value wrong = ~node.equal(rest, zero) & other_sign;
    return node.cast(rest + node.cast(wrong, t) * y, a.dtype());
  }
  // As doubles, whose quotient and its product with the divisor are exact for quotients up to 2^29.
  if (a.dtype() == DType::f64) node.fail("doubles have no exact remainder below opset 10");
  const Value x = node.Abs(node.cast(a, DType::f64)), y = node.Abs(node.cast(b, DType::f64));
  const Value endless =
      node.less(node.like(y, std::numeric_limits<double>::max()), y);  // nothing is taken off
  const Value whole = node.where(endless, node.like(y, 0), node.Floor(x / y) * y);
  const Value rest = x - whole;
  const Value below = node.cast(node.less(rest, node.like(x, 0)), DType::f64);
  const Value added = node.where(endless, node.like(y, 0), below * y);
  const Value magnitude = node.cast(rest + added, a.dtype());
  return node.where(node.less(a, node.like(a, 0)), -magnitude, magnitude);
}

// Slice: bounds were constant attributes, and there were no steps.
Value slice_to_9(Node& node) {
  const Value x = node.input(0);
  const auto starts = node.input(1).constant_ints(), ends = node.input(2).constant_ints();
  const auto steps = node.input(4) ? node.input(4).constant_ints() : std::vector<int64_t>{};
  const auto count = starts ? static_cast<int64_t>(starts->size()) : node.static_size(node.input(1), 0);
  node.require(steps.has_value(), "its steps are known at run time only");
  const bool in_ones = std::all_of(steps->begin(), steps->end(), [](int64_t s) { return s == 1; });
  const std::vector<int64_t> axes =
      node.input(3) ? shared::axes_of(node, node.input(3), x.rank()) : shared::axes_up_to(count);
  if (starts && ends && in_ones)
    return node.node("Slice", {x}, {{"starts", *starts}, {"ends", *ends}, {"axes", axes}});
  Value out = x;
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto k = static_cast<int64_t>(i);
    const int64_t step = in_ones ? 1 : (*steps)[i];
    node.require(step > 0, "its steps go backwards");
    const Value size = node.dim(out, axes[i]);
    const auto bound = [&](const Value& list) {
      const Value at = node.cast(shared::element(node, list, k), DType::i64);
      const auto known = at.constant_ints();
      if (known && known->front() >= (int64_t{1} << 31) - 1) return size;
      const Value from_front = shared::from_front(node, at, size);
      if (known && known->front() == 0) return at;
      return node.maximum(node.minimum(from_front, size), node.constant(0));
    };
    const Value start = bound(node.input(1)), end = bound(node.input(2));
    const auto from = start.constant_ints();
    if (from && from->front() == 0 && step == 1 && end.constant_ints()) {
      out = node.slice(out, axes[i], 0, end.constant_ints()->front());
      continue;
    }
    out = node.Gather(out, node.arange(start, end, node.constant(step)), {attr::axis(axes[i])});
  }
  return out;
}

// TopK: the count was an attribute.
Values top_k_to_9(Node& node) {
  const auto count = node.input(1).constant_ints();
  node.require(count && count->size() == 1, "its count is known at run time only");
  const Value x = node.input(0);
  const int64_t axis = node.normalized(node.integer("axis", -1), x.rank());
  return node.node("TopK", {x}, {{"axis", axis}, {"k", count->front()}}, 2);
}

// Resize was called Upsample.
Value resize_to_9(Node& node) {
  const auto scales = node.input(1).constant_reals();
  if (!scales || std::any_of(scales->begin(), scales->end(), [](double s) { return s < 1; }))
    node.fail("Resize that may make its input smaller cannot be written below opset 10");
  return node.node("Upsample", node.inputs(), node.attrs_except());
}

Value rounded(Node& node, const Value& x) {
  const Value below = node.Floor(x);
  const Value rest = x - below, half = below * 0.5;
  const Value odd = node.less(node.like(x, 0.25), half - node.Floor(half));
  const Value middle = node.like(x, 0.5);
  const Value up = node.less(middle, rest) | (~node.less(rest, middle) & odd);
  return below + node.cast(up, x.dtype());
}

// QuantizeLinear, DequantizeLinear are new in 10.
Value quantize_to_9(Node& node) {
  const Value zero = node.input(2);
  const bool is_signed = zero && zero.dtype() == DType::i8;
  Value steps = rounded(node, node.cast(node.input(0), DType::f32) / node.input(1));
  if (zero) steps = steps + node.cast(zero, DType::f32);
  const Value low = node.constant(is_signed ? -128.0 : 0.0, DType::f32);
  const Value kept = node.clip(steps, low, node.constant(is_signed ? 127.0 : 255.0, DType::f32));
  return node.cast(kept, is_signed ? DType::i8 : DType::u8);
}

Value dequantize_to_9(Node& node) {
  Value steps = node.cast(node.input(0), DType::f32);
  if (node.input(2)) steps = steps - node.cast(node.input(2), DType::f32);
  return steps * node.input(1);
}

// The boxes that are kept are known one after the other, and so is how many there are.
Value non_max_suppression_to_9(Node& node) {
  node.fail(Words{"NonMaxSuppression came with opset 10",
                  "leave the suppression out of the model, and do it on its outputs",
                  {}});
}

// ---- 9 -> 10 ----

Value slice_to_10(Node& node) {
  const auto axes = node.has_attr("axes") ? node.ints(node.integers("axes")) : Value();
  return node.node(
      "Slice", {node.input(0), node.ints(node.integers("starts")), node.ints(node.integers("ends")), axes});
}

Values top_k_to_10(Node& node) {
  return node.node("TopK", {node.input(0), node.ints({node.integer("k", 1)})}, node.attrs_except({"k"}), 2);
}

Value upsample_to_10(Node& node) { return node.node("Resize", node.inputs(), node.attrs_except()); }

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(
      host, {"org.onnxport.opset.10", "0.1.0"}, {},
      {opset_with({{"AveragePool", pool_to_9},
                   {"DequantizeLinear", dequantize_to_9},
                   {"IsInf", is_inf_to_9},
                   {"MaxPool", sure_many<pool_to_9>},
                   {"Mod", mod_to_9},
                   {"NonMaxSuppression", non_max_suppression_to_9},
                   {"QuantizeLinear", quantize_to_9},
                   {"ReverseSequence", sure<reverse_sequence_to_9>},
                   {"Resize", resize_to_9},
                   {"Slice", sure<slice_to_9>},
                   {"TopK", sure_many<top_k_to_9>}},
                  {{"Slice", slice_to_10}, {"TopK", top_k_to_10}, {"Upsample", upsample_to_10}})});
  return plugin.table();
}
