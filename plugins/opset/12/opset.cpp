#include "rules.h"
#include "shared.h"
#include "table.h"

namespace {

using namespace onnxport;
using shared::sure;

// ArgMax, ArgMin: of several, the last could not be asked for before 12; it is the first from behind.
Value arg_to_11(Node& node) {
  const Attrs attrs = node.attrs_except({"select_last_index"});
  const Value x = node.input(0);
  if (node.integer("select_last_index", 0) == 0) return node.node(node.op_type(), {x}, attrs);
  const int64_t axis = node.normalized(node.integer("axis", 0), x.rank());
  const Value reversed = node.slice(x, axis, -1, std::numeric_limits<int64_t>::min(), -1);
  return node.dim(x, axis) - 1 - node.node(node.op_type(), {reversed}, attrs);
}

// Clip took floats only.
Value clip_to_11(Node& node) {
  if (is_floating(node.input(0).dtype())) node.decline("of floats the same in both");
  return node.clip(node.input(0), node.input(1), node.input(2));
}

// Max and Min took floats only.
Value extremum_to_11(Node& node) {
  Value out = node.input(0);
  if (is_floating(out.dtype())) node.decline("of floats the same in both");
  for (size_t i = 1; i < node.input_count(); ++i)
    out = node.op_type() == "Max" ? node.maximum(out, node.input(i)) : node.minimum(out, node.input(i));
  return out;
}

// Pow took two floats of one type. A small whole power of integers is a product.
Value pow_to_11(Node& node) {
  const Value x = node.input(0), y = node.input(1);
  if (is_floating(x.dtype())) return node.Pow(x, node.cast(y, x.dtype()));
  const auto powers = y.constant_ints();
  if (powers && powers->size() == 1 && powers->front() >= 1 && powers->front() <= 8) {
    Value out = x;
    for (int64_t i = 1; i < powers->front(); ++i) out = out * x;
    return out;
  }
  const Value power = node.Pow(node.cast(x, DType::f64), node.cast(y, DType::f64));
  return node.cast(node.Round(power), x.dtype());
}

// Dropout: ratio was an attribute, and whether it trains was not told.
Values dropout_to_11(Node& node) {
  const Value training = node.input(2);
  const auto on = training ? training.constant_ints() : std::vector<int64_t>{0};
  if (!on || on->front() != 0) node.fail("Dropout that drops anything cannot be written below opset 12");
  Values outputs = {node.Identity(node.input(0))};
  if (node.output_count() > 1) outputs.push_back(node.full_like(node.input(0), 1, DType::boolean));
  return outputs;
}

// GatherND: axes that indices and data have in common (batch_dims) become part of the indices.
Value gather_nd_to_11(Node& node) {
  const Value index = node.input(1);
  const int64_t batch = node.integer("batch_dims", 0);
  if (batch == 0) return node.node("GatherND", {node.input(0), index});
  Values dims = node.dims(index, 0, index.rank() - 1);
  dims.push_back(node.constant(1));
  const Value shape = node.shape(dims);
  Values parts;
  for (int64_t axis = 0; axis < batch; ++axis) {
    const Value places = node.unsqueeze_around(node.arange(node.dim(index, axis)), axis, index.rank());
    parts.push_back(node.Expand(places, shape));
  }
  parts.push_back(index);
  return node.node("GatherND", {node.input(0), node.Concat(parts, {attr::axis(index.rank() - 1)})});
}

// Constant: numbers had to be tensors.
Value constant_to_11(Node& node) {
  if (node.has_attr("value_int")) return node.constant(node.integer("value_int", 0));
  if (node.has_attr("value_ints")) return node.ints(node.integers("value_ints"));
  if (node.has_attr("value_float")) return node.constant(node.real("value_float", 0), DType::f32);
  if (!node.has_attr("value_floats")) node.decline("a tensor is the same in both");
  std::vector<float> numbers;
  for (const double number : node.reals("value_floats")) numbers.push_back(static_cast<float>(number));
  return node.constant(Tensor{
      DType::f32, {static_cast<int64_t>(numbers.size())}, Builder::bytes_of(numbers.data(), numbers.size())});
}

// 11 -> 12.
Values dropout_to_12(Node& node) {
  const Value ratio = node.constant(node.real("ratio", 0.5), DType::f32);
  return node.node("Dropout", {node.input(0), ratio}, {}, node.output_count());
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"org.onnxport.opset.12", "0.1.0"}, {},
                             {opset_with({{"ArgMax", arg_to_11},
                                          {"ArgMin", arg_to_11},
                                          {"Clip", clip_to_11},
                                          {"Constant", constant_to_11},
                                          {"Dropout", dropout_to_11},
                                          {"Einsum", einsum_to_11},
                                          {"GatherND", sure<gather_nd_to_11>},
                                          {"Max", extremum_to_11},
                                          {"Min", extremum_to_11},
                                          {"Pow", pow_to_11}},
                                         {{"Dropout", dropout_to_12}})});
  return plugin.table();
}
