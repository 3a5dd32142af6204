// evaluate_constant, and the operators that make constants out of attributes and sizes.
#include <algorithm>
#include <cmath>
#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "core/evaluate/elements.h"
#include "core/evaluate/evaluate.h"

namespace onnxport {

namespace {

using Dims = std::vector<int64_t>;

Evaluated one(std::optional<ir::Tensor> tensor) {
  if (!tensor) return std::nullopt;
  return std::vector<ir::Tensor>{std::move(*tensor)};
}

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
  if (!count_within(*dims, ir::size_of(fill.dtype()), e.max_bytes)) return std::nullopt;
  return one(pick(fill, *dims, Dims(dims->size(), 0), 0));
}

// f16 and bf16 are not among Range's types.
Evaluated range(const Evaluation& e) {
  const ir::Tensor* parts[] = {e.input(0), e.input(1), e.input(2)};
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

Evaluated shape_of(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  if (x == nullptr) return std::nullopt;
  const auto rank = static_cast<int64_t>(x->dims().size());
  const auto clamp = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = clamp(e.integer("start", 0)), end = std::max(start, clamp(e.integer("end", rank)));
  return one(ir::Tensor::ints(Dims(x->dims().begin() + start, x->dims().begin() + end)));
}

Evaluated size_of_tensor(const Evaluation& e) {
  if (e.input(0) == nullptr) return std::nullopt;
  return one(ir::Tensor::scalar(e.input(0)->count()));
}

}  // namespace

bool makes_views(std::string_view op_type) {
  static const std::unordered_set<std::string_view> ops = {
      "Flatten", "Identity", "Reshape", "Shape", "Size", "Squeeze", "Transpose", "Unsqueeze"};
  return ops.contains(op_type);
}

EvaluationRule find_source(std::string_view op_type) {
  static const std::unordered_map<std::string_view, EvaluationRule> rules = {
      {"Constant", constant},   {"ConstantOfShape", constant_of_shape}, {"Range", range}, {"Shape", shape_of},
      {"Size", size_of_tensor},
  };
  const auto found = rules.find(op_type);
  return found == rules.end() ? nullptr : found->second;
}

std::optional<std::vector<ir::Tensor>> evaluate_constant(std::string_view op_type,
                                                         std::span<const ir::Tensor* const> inputs,
                                                         const std::vector<ir::Attribute>& attributes,
                                                         int opset, size_t outputs, uint64_t max_bytes) {
  EvaluationRule rule = nullptr;
  for (const auto find : {find_source, find_elementwise, find_movement, find_indexing, find_reduction}) {
    if ((rule = find(op_type)) != nullptr) break;
  }
  if (rule == nullptr) return std::nullopt;
  // The rules read bytes in order; those that only look at elements in another way take strides as well.
  std::vector<const ir::Tensor*> read(inputs.begin(), inputs.end());
  std::deque<ir::Tensor> dense;
  for (const ir::Tensor*& input : read) {
    if (input == nullptr || input->is_contiguous() || makes_views(op_type)) continue;
    input = &dense.emplace_back(input->contiguous());
  }
  Evaluated out = rule(Evaluation{ir::AttributeReader(attributes), op_type, read, opset, outputs, max_bytes});
  if (!out || out->size() != outputs) return std::nullopt;
  for (const ir::Tensor& tensor : *out) {
    // What is only looked at in another way (Reshape of a weight) costs nothing, however large.
    const bool is_view = !inputs.empty() && inputs[0] != nullptr && tensor.shares_memory(*inputs[0]);
    if (!is_view && tensor.byte_size() > max_bytes) return std::nullopt;
  }
  return out;
}

}  // namespace onnxport
