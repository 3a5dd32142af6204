// Shape data: what is known of the integers that shapes are computed with, symbolic dims included. ONNX's own
// inference, which knows integers and plain symbols only, does not follow their arithmetic; the evaluator does.
#include <algorithm>

#include "core/builder/node_inputs.h"
#include "core/evaluate/evaluate.h"

namespace onnxport {

namespace {

using ir::Dim;
using ShapeData = std::vector<Dim>;
using Result = std::optional<ShapeData>;

bool holds_sizes(const ir::Type& type) {
  if (!type.is_tensor() || type.rank() < 0 || type.rank() > 1) return false;
  return type.dtype() == ir::DType::i64 || type.dtype() == ir::DType::i32 ||
         type.dtype() == ir::DType::boolean;
}

// Shape data of the right length for the type, with something in them; else nothing.
Result checked(const Array& array, const ir::Type& type) {
  if (!holds_sizes(type) || array.dims().size() != static_cast<size_t>(type.rank())) return std::nullopt;
  Result shape_data = array.to_sizes();
  if (!shape_data || shape_data->size() > kMostShapeData) return std::nullopt;
  if (type.rank() == 1) {
    const Dim& length = (*type.shape())[0];
    if (length.is_constant() && length.value() != static_cast<int64_t>(shape_data->size()))
      return std::nullopt;
  }
  const int64_t limit = type.dtype() == ir::DType::i32 ? INT32_MAX : INT64_MAX;
  for (Dim& dim : *shape_data) {
    if (dim.is_constant() && (dim.value() > limit || dim.value() < -limit - 1)) dim = Dim();
  }
  const bool anything = shape_data->empty() || std::any_of(shape_data->begin(), shape_data->end(),
                                                           [](const Dim& d) { return !d.is_unknown(); });
  return anything ? shape_data : std::nullopt;
}

// Elements that are there, though not known: they keep their place among those that are.
std::optional<Array> open_elements(const ir::Type& type) {
  if (!holds_sizes(type)) return std::nullopt;
  if (type.rank() == 0) return Array(type.dtype(), {}, ShapeData(1));
  const Dim& length = (*type.shape())[0];
  if (!length.is_constant() || length.value() < 0 || length.value() > static_cast<int64_t>(kMostShapeData))
    return std::nullopt;
  return Array(type.dtype(), {length.value()}, ShapeData(static_cast<size_t>(length.value())));
}

// What was stated of a value may not fit what is inferred of it.
bool fits(const ShapeData& sizes, const ir::Type& type) {
  return holds_sizes(type) && (type.rank() == 1 || sizes.size() == 1);
}

// `known` is set where anything of the elements is.
SizeOperand operand_of(const NodeInputs& inputs, size_t i, bool& known) {
  const ir::Value* value = inputs.input(i);
  if (value == nullptr) return {};
  SizeOperand out{true, std::nullopt, inputs.shape(i)};
  if (value->is_constant()) {
    if (value->constant()->count() > static_cast<int64_t>(kMostShapeData)) return out;
    out.elements.emplace(value->constant()->contiguous());
    known = known || holds_sizes(value->type());
  } else if (const ShapeData* sizes = inputs.shape_data(i); sizes != nullptr && fits(*sizes, value->type())) {
    std::vector<int64_t> dims;
    if (value->type().rank() == 1) dims.push_back(static_cast<int64_t>(sizes->size()));
    out.elements.emplace(Array::of_sizes(value->type().dtype(), std::move(dims), *sizes));
    known = true;
  } else {
    out.elements = open_elements(value->type());
  }
  return out;
}

}  // namespace

std::vector<std::optional<std::vector<ir::Dim>>> propagate_shape_data(const NodeInputs& known,
                                                                      const std::vector<ir::Type>& outputs) {
  std::vector<Result> out(outputs.size());
  if (!known.node().domain.empty() || outputs.empty() || !holds_sizes(outputs[0])) return out;
  const std::string_view op = known.node().op_type;
  bool anything = op == "Shape" || op == "Size";
  std::vector<SizeOperand> operands;
  for (size_t i = 0; i < known.node().inputs.size(); ++i) operands.push_back(operand_of(known, i, anything));
  if (!anything) return out;
  const auto made =
      evaluate_sizes(op, operands, known.attributes(), known.opset(), outputs, known.order(), kMostShapeData);
  if (!made) return out;
  for (size_t i = 0; i < outputs.size(); ++i) out[i] = checked((*made)[i], outputs[i]);
  return out;
}

}  // namespace onnxport
