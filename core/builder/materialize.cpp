#include "core/builder/materialize.h"

#include <algorithm>

namespace onnxport {
namespace {

using Kind = Argument::Kind;

bool all_of(std::span<const Argument> items, bool (*is)(const Argument&)) {
  return std::all_of(items.begin(), items.end(), is);
}

std::vector<int64_t> count_of(std::span<const Argument> items) {
  return {static_cast<int64_t>(items.size())};
}

ir::Value* list_of_values(std::span<const Argument> items, GraphBuilder& builder) {
  std::vector<ir::Value*> parts;
  for (const Argument& item : items) {
    ir::Value* v = item.value() != nullptr || item.to_int() ? materialize(item, builder) : nullptr;
    if (v == nullptr || !v->type().is_tensor() || v->type().rank() > 1 || v->type().rank() < 0 ||
        !(ir::is_integral(v->type().dtype()) || v->type().dtype() == ir::DType::boolean)) {
      return nullptr;
    }
    if (v->type().dtype() != ir::DType::i64) {
      v = builder.emit1("Cast", {v}, {builder.attribute("to", static_cast<int64_t>(ir::DType::i64))});
    }
    parts.push_back(v);
  }
  return builder.shape(parts);
}

ir::Value* materialize_list(std::span<const Argument> items, GraphBuilder& builder) {
  if (!items.empty() && all_of(items, [](const Argument& a) { return a.kind() == Kind::boolean; })) {
    std::vector<uint8_t> values;
    for (const Argument& a : items) values.push_back(*a.as<bool>() ? 1 : 0);
    return builder.constant(ir::Tensor::of<uint8_t>(ir::DType::boolean, count_of(items), values));
  }
  if (all_of(items, [](const Argument& a) { return a.to_int().has_value(); })) {
    std::vector<int64_t> values;
    for (const Argument& a : items) values.push_back(*a.to_int());
    return builder.constant(ir::Tensor::ints(values));
  }
  if (all_of(items, [](const Argument& a) { return a.to_real().has_value(); })) {
    std::vector<float> values;
    for (const Argument& a : items) values.push_back(static_cast<float>(*a.to_real()));
    return builder.constant(ir::Tensor::of<float>(ir::DType::f32, count_of(items), values));
  }
  return list_of_values(items, builder);
}

ir::Value* complex_constant(const std::complex<double>& number, GraphBuilder& builder) {
  ir::Value* v = builder.constant(ir::Tensor::of<float>(
      ir::DType::f32, {2}, {static_cast<float>(number.real()), static_cast<float>(number.imag())}));
  ir::Type type = v->type();
  type.set_stands_for_complex(true);
  v->set_type(std::move(type));
  return v;
}

}  // namespace

ir::Value* materialize(const Argument& argument, GraphBuilder& builder) {
  switch (argument.kind()) {
    case Kind::value:
      return argument.value();
    case Kind::integer:
      return builder.constant(*argument.as<int64_t>());
    case Kind::dtype:
      return builder.constant(static_cast<int64_t>(*argument.as<ir::DType>()));
    case Kind::boolean:
      return builder.constant(
          ir::Tensor::of<uint8_t>(ir::DType::boolean, {}, {static_cast<uint8_t>(*argument.as<bool>())}));
    case Kind::real:
      return builder.constant(
          ir::Tensor::of<float>(ir::DType::f32, {}, {static_cast<float>(*argument.as<double>())}));
    case Kind::complex_number:
      return complex_constant(*argument.as<std::complex<double>>(), builder);
    case Kind::tensor:
      return builder.constant(*argument.as<ir::Tensor>());
    case Kind::list:
      return materialize_list(argument.items(), builder);
    case Kind::none:
    case Kind::unset:
    case Kind::string:
      return nullptr;
  }
  return nullptr;
}

}  // namespace onnxport
