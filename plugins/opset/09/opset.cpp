#include "rules.h"
#include "shared.h"
#include "table.h"

namespace {

using namespace onnxport;
using shared::sure;

Value acosh_to_8(Node& node) {
  const Value x = node.input(0);
  return node.Log(x + node.Sqrt(x * x - 1.0));
}

// Of the magnitude, so that the root and x are never of opposite signs.
Value asinh_to_8(Node& node) {
  const Value x = node.input(0), magnitude = node.Abs(x);
  return node.sign(x) * node.Log(magnitude + node.Sqrt(magnitude * magnitude + 1.0));
}

Value atanh_to_8(Node& node) {
  const Value x = node.input(0);
  return node.Log((1.0 + x) / (1.0 - x)) * 0.5;
}

Value cosh_to_8(Node& node) {
  const Value x = node.input(0);
  return (node.Exp(x) + node.Exp(-x)) * 0.5;
}

Value sinh_to_8(Node& node) {
  const Value x = node.input(0);
  return (node.Exp(x) - node.Exp(-x)) * 0.5;
}

Value sign_to_8(Node& node) { return node.sign(node.input(0)); }
Value where_to_8(Node& node) { return node.where(node.input(0), node.input(1), node.input(2)); }
Value less_to_8(Node& node) { return node.less(node.input(0), node.input(1)); }
Value greater_to_8(Node& node) { return node.less(node.input(1), node.input(0)); }

// Shrink is new in 9: towards 0 by the bias, and nothing within lambd of it.
Value shrink_to_8(Node& node) {
  const Value x = node.input(0);
  const double bias = node.real("bias", 0), lambd = node.real("lambd", 0.5);
  const Value inner = node.where(node.less(node.like(x, lambd), x), x - bias, node.like(x, 0));
  return node.where(node.less(x, node.like(x, -lambd)), x + bias, inner);
}

// Neither below infinity nor above minus infinity.
Value is_nan_to_8(Node& node) {
  const Value x = node.input(0);
  const double infinity = std::numeric_limits<double>::infinity();
  return ~(node.less(x, node.like(x, infinity)) | node.less(node.like(x, -infinity), x));
}

// ConstantOfShape is new in 9.
Value constant_of_shape_to_8(Node& node) {
  for (const Attr& a : node.attrs_except()) {
    const auto* tensor = std::get_if<Tensor>(&a.data());
    if (tensor == nullptr) continue;
    const Value one = node.constant(Tensor{tensor->dtype, {1}, tensor->data});
    if (node.current_opset() >= 8) return node.Expand(one, node.input(0));
  }
  return node.full(node.input(0), 0, DType::f32);
}

// EyeLike is new in 9: ones where row + k is the column.
Value eye_like_to_8(Node& node) {
  const Value x = node.input(0);
  const auto t = static_cast<DType>(node.integer("dtype", static_cast<int64_t>(x.dtype())));
  const Value rows = node.unsqueeze(node.arange(node.dim(x, 0)) + node.integer("k", 0), {1});
  return node.cast(node.equal(rows, node.arange(node.dim(x, 1))), t);
}

// OneHot is new in 9: the numbers up to the depth that are equal to the index.
Value one_hot_to_8(Node& node) {
  const Value index = node.cast(node.input(0), DType::i64);
  const Value depth = node.scalar(node.cast(node.input(1), DType::i64));
  const int64_t rank = index.rank() + 1;
  const int64_t axis = node.normalized(node.integer("axis", -1), rank);
  const Value places = node.unsqueeze_around(node.arange(depth), axis, rank);
  const Value from_front = shared::from_front(node, index, depth);
  const Value hits = node.equal(node.unsqueeze(from_front, {axis}), places);
  const Value values = node.input(2);
  return node.where(hits, node.scalar(node.slice(values, 0, 1, 2)), node.scalar(node.slice(values, 0, 0, 1)));
}

// Integers: products of every row with every column, added up.
Value mat_mul_to_8(Node& node) {
  const Value a = node.input(0), b = node.input(1);
  if (is_floating(a.dtype())) node.decline("of floats the same in both");
  if (a.dtype() == DType::i32 || a.dtype() == DType::u32) {
    return node.cast(node.MatMul(node.cast(a, DType::f64), node.cast(b, DType::f64)), a.dtype());
  }
  node.require(a.rank() >= 2 && b.rank() >= 2, "vectors of 64-bit integers are multiplied");
  const Value rows = node.unsqueeze(a, {a.rank()});         // (…, n, k, 1)
  const Value columns = node.unsqueeze(b, {b.rank() - 2});  // (…, 1, k, m)
  const int64_t rank = std::max(a.rank(), b.rank()) + 1;
  return node.reduce_sum(rows * columns, {rank - 2}, false);
}

// Flatten took floats only.
Value flatten_to_8(Node& node) {
  const Value x = node.input(0);
  if (is_floating(x.dtype())) node.decline("of floats the same in both");
  const int64_t given = node.integer("axis", 1);
  const int64_t axis = given < 0 ? given + x.rank() : given;
  Value rows = node.constant(1);
  for (int64_t a = 0; a < axis; ++a) rows = rows * node.dim(x, a);
  return node.reshape(x, {rows, node.constant(-1)});
}

// Upsample: scales were an attribute.
Value upsample_to_8(Node& node) {
  const auto scales = node.input(1).constant_reals();
  if (!scales) node.fail("the scales of Upsample must be constant below opset 9");
  Attrs attrs = node.attrs_except();
  attrs.emplace_back("scales", *scales);
  return node.node("Upsample", {node.input(0)}, attrs);
}

// 8 -> 9.
Value upsample_to_9(Node& node) {
  std::vector<float> scales;
  for (const double s : node.reals("scales")) scales.push_back(static_cast<float>(s));
  const Tensor tensor{
      DType::f32, {static_cast<int64_t>(scales.size())}, Builder::bytes_of(scales.data(), scales.size())};
  return node.node("Upsample", {node.input(0), node.constant(tensor)}, node.attrs_except({"scales"}));
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"org.onnxport.opset.9", "0.1.0"}, {},
                             {opset_with({{"Acosh", acosh_to_8},
                                          {"Asinh", asinh_to_8},
                                          {"Atanh", atanh_to_8},
                                          {"Compress", sure<compress_to_8>},
                                          {"ConstantOfShape", constant_of_shape_to_8},
                                          {"Cosh", cosh_to_8},
                                          {"Erf", erf_to_8},
                                          {"EyeLike", eye_like_to_8},
                                          {"Flatten", flatten_to_8},
                                          {"Greater", greater_to_8},
                                          {"IsNaN", is_nan_to_8},
                                          {"Less", less_to_8},
                                          {"MatMul", mat_mul_to_8},
                                          {"NonZero", sure<non_zero_to_8>},
                                          {"OneHot", one_hot_to_8},
                                          {"Scan", shared::sure_many<scan_to_8>},
                                          {"Scatter", scatter_to_8},
                                          {"Shrink", shrink_to_8},
                                          {"Sign", sign_to_8},
                                          {"Sinh", sinh_to_8},
                                          {"Upsample", upsample_to_8},
                                          {"Where", where_to_8}},
                                         {{"Upsample", upsample_to_9}})});
  return plugin.table();
}
