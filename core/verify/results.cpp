#include "core/verify/results.h"

#include <algorithm>
#include <complex>

namespace onnxport {
namespace {

// What the graph computed, as tensors in the order of the file's outputs.
void flatten(const Argument& value, std::vector<ir::Tensor>& out) {
  if (const auto* tensor = value.as<ir::Tensor>()) {
    out.push_back(*tensor);
  } else if (const auto* boolean = value.as<bool>()) {
    out.push_back(ir::Tensor::of<uint8_t>(ir::DType::boolean, {}, {static_cast<uint8_t>(*boolean ? 1 : 0)}));
  } else if (const auto* integer = value.as<int64_t>()) {
    out.push_back(ir::Tensor::scalar(*integer));
  } else if (const auto* real = value.as<double>()) {
    out.push_back(ir::Tensor::of<float>(ir::DType::f32, {}, {static_cast<float>(*real)}));
  } else if (const auto* number = value.as<std::complex<double>>()) {
    out.push_back(ir::Tensor::of<std::complex<float>>(ir::DType::c64, {}, {std::complex<float>(*number)}));
  }
  const bool dict = value.list() != nullptr && value.list()->form() == ArgumentList::Form::dict;
  for (size_t i = dict ? 1 : 0; i < value.items().size(); i += dict ? 2 : 1) flatten(value.items()[i], out);
}

// A list of numbers that the model returns as one is one 1-D tensor of the file.
bool is_number_list(const ir::Type& type) {
  return type.kind() == ir::Type::Kind::list && type.elements().at(0).is_scalar();
}

ir::Tensor number_list(const Argument& list, const ir::Type& element) {
  const std::vector<int64_t> dims = {static_cast<int64_t>(list.items().size())};
  std::vector<int64_t> ints;
  std::vector<uint8_t> flags;
  std::vector<float> reals;
  for (const Argument& item : list.items()) {
    ints.push_back(item.to_int().value_or(0));
    flags.push_back(ints.back() != 0 ? 1 : 0);
    reals.push_back(static_cast<float>(item.to_real().value_or(0)));
  }
  if (element.kind() == ir::Type::Kind::integer) return ir::Tensor::of<int64_t>(ir::DType::i64, dims, ints);
  if (element.kind() == ir::Type::Kind::boolean)
    return ir::Tensor::of<uint8_t>(ir::DType::boolean, dims, flags);
  return ir::Tensor::of<float>(ir::DType::f32, dims, reals);
}

}  // namespace

void append_result(const Argument& result, const ir::Type& type, std::vector<ir::Tensor>& out) {
  if (is_number_list(type)) return out.push_back(number_list(result, type.elements()[0]));
  flatten(result, out);
}

double known_quantization_step(const ir::Graph& captured, std::vector<const ir::Value*>& at_run_time) {
  double step = 0;
  for (const ir::Node* node : captured.body()) {
    const std::string_view op = node->op_text();
    if (!op.starts_with("aten::quantize_per_tensor") || node->operand_count() < 2) continue;
    const ir::Value* scale = node->operand(1);
    if (scale == nullptr) continue;
    const ir::Node* producer = scale->producer();
    if (scale->is_constant()) {
      if (const auto reals = scale->constant()->to_reals(); reals && !reals->empty())
        step = std::max(step, reals->front());
    } else if (producer != nullptr && producer->op() == "prim::Constant") {
      if (const auto* number = producer->attribute_as<double>("value")) step = std::max(step, *number);
    } else {
      at_run_time.push_back(scale);
    }
  }
  return step;
}

}  // namespace onnxport
