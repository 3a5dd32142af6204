// The two readings of the evaluator, and the operators that make arrays out of attributes and sizes.
#include "core/evaluate/evaluate.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "core/evaluate/elements.h"
#include "core/evaluate/rules.h"

namespace onnxport {

namespace {

using Dims = std::vector<int64_t>;

Evaluated constant(const Evaluation& e) {
  if (e.attributes().size() != 1) return std::nullopt;
  const ir::AttributeValue& value = e.attributes()[0].value;
  if (const auto* tensor = std::get_if<ir::Tensor>(&value)) return one(*tensor);
  if (const auto* number = std::get_if<int64_t>(&value)) return one(ir::Tensor::scalar(*number));
  if (const auto* numbers = std::get_if<std::vector<int64_t>>(&value)) return one(ir::Tensor::ints(*numbers));
  if (const auto* real = std::get_if<double>(&value)) return one(from_reals(ir::DType::f32, {}, {*real}));
  if (const auto* reals = std::get_if<std::vector<double>>(&value)) {
    return one(from_reals(ir::DType::f32, {static_cast<int64_t>(reals->size())}, *reals));
  }
  return std::nullopt;
}

Evaluated constant_of_shape(const Evaluation& e) {
  const auto dims = e.ints(0);
  if (!dims) return std::nullopt;
  ir::Tensor fill = ir::Tensor::of<float>(ir::DType::f32, {}, {0.0F});
  if (const ir::AttributeValue* value = e.attribute("value")) {
    const auto* tensor = std::get_if<ir::Tensor>(value);
    if (tensor == nullptr || tensor->count() != 1) return std::nullopt;
    fill = *tensor;
  }
  if (!e.fits(*dims, fill.dtype())) return std::nullopt;
  return one(pick(Array(fill), *dims, Dims(dims->size(), 0), 0));
}

// f16 and bf16 are not among Range's types.
Evaluated range(const Evaluation& e) {
  const ir::Tensor* parts[] = {e.numbers(0), e.numbers(1), e.numbers(2)};
  for (const ir::Tensor* part : parts) {
    if (part == nullptr || part->count() != 1 || part->dtype() != parts[0]->dtype()) return std::nullopt;
  }
  const ir::DType dtype = parts[0]->dtype();
  const uint64_t most = e.max_bytes / std::max<size_t>(1, ir::size_of(dtype));
  if (dtype == ir::DType::f32 || dtype == ir::DType::f64) {
    const double start = (*parts[0]->to_reals())[0], limit = (*parts[1]->to_reals())[0],
                 step = (*parts[2]->to_reals())[0];
    const double count = std::max(0.0, std::ceil((limit - start) / step));
    if (!(count <= static_cast<double>(most))) return std::nullopt;
    std::vector<double> values(static_cast<size_t>(count));
    for (size_t i = 0; i < values.size(); ++i) values[i] = start + static_cast<double>(i) * step;
    return one(from_reals(dtype, {static_cast<int64_t>(values.size())}, values));
  }
  if (!is_exact_integer(dtype) || dtype == ir::DType::boolean) return std::nullopt;
  const int64_t start = (*parts[0]->to_ints())[0], limit = (*parts[1]->to_ints())[0],
                step = (*parts[2]->to_ints())[0];
  if (step == 0) return std::nullopt;
  std::vector<int64_t> values;
  for (int64_t v = start; step > 0 ? v < limit : v > limit;) {
    if (values.size() >= most) return std::nullopt;
    values.push_back(v);
    if (__builtin_add_overflow(v, step, &v)) break;
  }
  return one(from_ints(dtype, {static_cast<int64_t>(values.size())}, values));
}

// The shape of the first operand, whose elements need not be known.
std::optional<ir::Shape> shape_of_operand(const Evaluation& e) {
  if (!e.is_given(0)) return std::nullopt;
  if (const Array* x = e.input(0)) return ir::Shape(x->dims().begin(), x->dims().end());
  if (e.operands[0].shape == nullptr) return std::nullopt;
  return *e.operands[0].shape;
}

Evaluated shape_of(const Evaluation& e) {
  const auto shape = shape_of_operand(e);
  if (!shape) return std::nullopt;
  const auto rank = static_cast<int64_t>(shape->size());
  const auto clamp = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = clamp(e.integer("start", 0)), end = std::max(start, clamp(e.integer("end", rank)));
  return one(Array::of_sizes(ir::DType::i64, {end - start}, {shape->begin() + start, shape->begin() + end}));
}

Evaluated size_of_array(const Evaluation& e) {
  const auto shape = shape_of_operand(e);
  if (!shape) return std::nullopt;
  ir::Dim product = 1;
  for (const ir::Dim& dim : *shape) product = product * dim;
  return one(Array::of_sizes(ir::DType::i64, {}, {product}));
}

}  // namespace

bool makes_views(std::string_view op_type) {
  static const std::unordered_set<std::string_view> ops = {"Flatten", "Identity", "Reshape",   "Shape",
                                                           "Size",    "Squeeze",  "Transpose", "Unsqueeze"};
  return ops.contains(op_type);
}

const RuleTable& source_rules() {
  static const RuleTable rules = {
      {"Constant", constant},  {"ConstantOfShape", constant_of_shape}, {"Range", range}, {"Shape", shape_of},
      {"Size", size_of_array},
  };
  return rules;
}

Evaluated one(Array array) {
  std::vector<Array> out;
  out.push_back(std::move(array));
  return out;
}

Evaluated one(std::optional<ir::Tensor> tensor) {
  if (!tensor) return std::nullopt;
  return one(Array(std::move(*tensor)));
}

// ---- what a rule is given ----

const Array* Evaluation::input(size_t i) const {
  return is_given(i) && operands[i].elements ? &*operands[i].elements : nullptr;
}

const ir::Tensor* Evaluation::numbers(size_t i) const {
  const Array* array = input(i);
  return array == nullptr || array->is_symbolic() ? nullptr : &array->numbers();
}

std::optional<std::vector<int64_t>> Evaluation::ints(size_t i, std::string_view attribute_name) const {
  if (!attribute_name.empty()) {
    if (auto given = integers(attribute_name)) return given;
  }
  const Array* array = input(i);
  if (array == nullptr || (array->dtype() != ir::DType::i64 && array->dtype() != ir::DType::i32))
    return std::nullopt;
  return array->to_ints();
}

std::optional<std::vector<int64_t>> Evaluation::inferred_dims(size_t output) const {
  if (output >= types.size() || !types[output].is_tensor() || !types[output].shape()) return std::nullopt;
  std::vector<int64_t> out;
  for (const ir::Dim& dim : *types[output].shape()) {
    if (!dim.is_constant() || dim.value() < 0) return std::nullopt;
    out.push_back(dim.value());
  }
  return out;
}

bool Evaluation::fits(const std::vector<int64_t>& dims, ir::DType dtype) const {
  return ir::size_of(dtype) > 0 && count_within(dims, ir::size_of(dtype), max_bytes).has_value();
}

// ---- the two readings ----

namespace {

EvaluationRule find_rule(std::string_view op_type) {
  for (const auto table :
       {source_rules, elementwise_rules, movement_rules, indexing_rules, reduction_rules}) {
    if (const auto found = table().find(op_type); found != table().end()) return found->second;
  }
  return nullptr;
}

}  // namespace

std::optional<std::vector<ir::Tensor>> evaluate_constant(std::string_view op_type,
                                                         std::span<const ir::Tensor* const> inputs,
                                                         const std::vector<ir::Attribute>& attributes,
                                                         int opset, size_t outputs, uint64_t max_bytes) {
  const EvaluationRule rule = find_rule(op_type);
  if (rule == nullptr) return std::nullopt;
  // The rules read bytes in order; those that only look at elements in another way take strides as well.
  const bool as_view = makes_views(op_type);
  std::vector<SizeOperand> operands(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] == nullptr) continue;
    operands[i] = {true, Array(as_view ? *inputs[i] : inputs[i]->contiguous())};
  }
  const Evaluated made = rule(
      Evaluation{ir::AttributeReader(attributes), op_type, operands, opset, outputs, max_bytes, {}, nullptr});
  if (!made || made->size() != outputs) return std::nullopt;
  std::vector<ir::Tensor> out;
  for (const Array& array : *made) {
    const ir::Tensor& tensor = array.numbers();
    // What is only looked at in another way (Reshape of a weight) costs nothing, however large.
    const bool is_view = !inputs.empty() && inputs[0] != nullptr && tensor.shares_memory(*inputs[0]);
    if (!is_view && tensor.byte_size() > max_bytes) return std::nullopt;
    out.push_back(tensor);
  }
  return out;
}

std::optional<std::vector<Array>> evaluate_sizes(std::string_view op_type,
                                                 std::span<const SizeOperand> operands,
                                                 std::span<const ir::Attribute> attributes, int opset,
                                                 std::span<const ir::Type> types,
                                                 const ir::DimComparison& order, size_t most) {
  const EvaluationRule rule = find_rule(op_type);
  if (rule == nullptr) return std::nullopt;
  Evaluated made = rule(Evaluation{ir::AttributeReader(attributes), op_type, operands, opset, types.size(),
                                   most * sizeof(int64_t), types, &order});
  if (!made || made->size() != types.size()) return std::nullopt;
  for (const Array& array : *made) {
    if (array.count() > static_cast<int64_t>(most)) return std::nullopt;
  }
  return made;
}

}  // namespace onnxport
