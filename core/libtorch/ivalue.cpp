#include "core/libtorch/ivalue.h"

#include <ATen/core/class_type.h>
#include <ATen/core/function.h>
#include <ATen/core/ivalue_inl.h>

#include "core/libtorch/convert.h"
#include "core/libtorch/location.h"

namespace onnxport {
namespace {

Argument list_of(c10::ArrayRef<c10::IValue> items, ArgumentList::Form form) {
  std::vector<Argument> out;
  for (const c10::IValue& item : items) out.push_back(from_ivalue(item));
  return Argument::list_of(std::move(out), form);
}

Argument tensor_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  try {
    // A quantized result is a result of floats in the graph.
    return {from_torch(tensor.is_quantized() ? tensor.detach().dequantize() : tensor.detach())};
  } catch (const std::invalid_argument& e) {
    throw Error("V804", std::string("a value cannot be compared: ") + e.what(), {}, "");
  }
}

// The element type of a list when only its elements say.
c10::TypePtr element_type(const std::vector<c10::IValue>& items) {
  bool has_none = false;
  c10::TypePtr type;
  for (const c10::IValue& item : items) {
    if (item.isNone()) {
      has_none = true;
    } else if (!type) {
      type = item.isTensor() ? c10::TypePtr(c10::TensorType::get()) : item.type();
    }
  }
  if (!type) type = c10::TensorType::get();
  return has_none ? c10::TypePtr(c10::OptionalType::create(type)) : type;
}

}  // namespace

Argument from_ivalue(const c10::IValue& value) {
  using Form = ArgumentList::Form;
  if (value.isNone()) return {};
  if (value.isTensor()) return tensor_of(value.toTensor());
  if (value.isInt()) return {value.toInt()};
  if (value.isDouble()) return {value.toDouble()};
  if (value.isBool()) return {value.toBool()};
  if (value.isString()) return {value.toStringRef()};
  if (value.isDevice()) return {std::string("cpu")};
  if (value.isComplexDouble()) {
    const auto number = value.toComplexDouble();
    return {std::complex<double>(number.real(), number.imag())};
  }
  if (value.isList()) return list_of(value.toListRef(), Form::list);
  if (value.isTuple()) return list_of(value.toTupleRef().elements().vec(), Form::tuple);
  if (value.isGenericDict()) {
    std::vector<c10::IValue> items;
    for (const auto& entry : value.toGenericDict()) {
      items.push_back(entry.key());
      items.push_back(entry.value());
    }
    return list_of(items, Form::dict);
  }
  throw Error("V804", "a value of type " + value.type()->repr_str() + " cannot be compared", {}, "");
}

c10::IValue make_list(const c10::TypePtr& element, std::vector<c10::IValue> items) {
  c10::impl::GenericList list(element ? element : element_type(items));
  list.reserve(items.size());
  for (c10::IValue& item : items) list.push_back(std::move(item));
  return list;
}

c10::IValue to_ivalue(const Argument& argument) {
  struct Visitor {
    c10::IValue operator()(std::monostate) const { return {}; }
    c10::IValue operator()(int64_t v) const { return v; }
    c10::IValue operator()(double v) const { return v; }
    c10::IValue operator()(bool v) const { return v; }
    c10::IValue operator()(const std::string& v) const { return v; }
    c10::IValue operator()(ir::DType v) const {
      const auto type = to_scalar_type(v);
      return type ? c10::IValue(static_cast<int64_t>(*type)) : c10::IValue();
    }
    c10::IValue operator()(const std::complex<double>& v) const {
      return c10::complex<double>(v.real(), v.imag());
    }
    c10::IValue operator()(const ir::Tensor& v) const { return to_torch(v); }
    c10::IValue operator()(const GraphValue& /*unused*/) const { return {}; }
    c10::IValue operator()(const Unset& /*unused*/) const { return {}; }
    c10::IValue operator()(const ArgumentList& v) const {
      std::vector<c10::IValue> items;
      for (const Argument& item : v.items()) items.push_back(to_ivalue(item));
      if (v.form() == ArgumentList::Form::tuple) return c10::ivalue::Tuple::create(std::move(items));
      return make_list(nullptr, std::move(items));
    }
  };
  return std::visit(Visitor(), argument.content);
}

c10::TypePtr to_torch_type(const ir::Type& type) {
  using Kind = ir::Type::Kind;
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the analyzer does not follow the shared owner
  const auto element = [&](size_t i) -> c10::TypePtr { return to_torch_type(type.elements().at(i)); };
  switch (type.kind()) {
    case Kind::tensor:
      return c10::TensorType::get();
    case Kind::integer:
    case Kind::dtype:
      return c10::IntType::get();
    case Kind::real:
      return c10::FloatType::get();
    case Kind::boolean:
      return c10::BoolType::get();
    case Kind::string:
      return c10::StringType::get();
    case Kind::list: {
      const c10::TypePtr inner = element(0);
      return inner ? c10::TypePtr(c10::ListType::create(inner)) : nullptr;
    }
    case Kind::optional: {
      const c10::TypePtr inner = element(0);
      return inner ? c10::TypePtr(c10::OptionalType::create(inner)) : nullptr;
    }
    case Kind::tuple: {
      std::vector<c10::TypePtr> all;
      for (size_t i = 0; i < type.elements().size(); ++i) all.push_back(element(i));
      return std::find(all.begin(), all.end(), nullptr) == all.end()
                 ? c10::TypePtr(c10::TupleType::create(all))
                 : nullptr;
    }
    default:
      return nullptr;
  }
}

namespace {

// An object of a C++ class from its parts, by what its class registered to read its state.
c10::IValue object_of(const c10::Type& type, const c10::IValue& parts) {
  const auto cls = std::const_pointer_cast<c10::ClassType>(type.expect<c10::ClassType>());
  torch::jit::Function* set_state = cls->findMethod("__setstate__");
  if (set_state == nullptr) return parts;
  const c10::TypePtr wanted = set_state->getSchema().arguments().at(1).type();
  std::vector<c10::IValue> items = parts.toTupleRef().elements().vec();
  const bool single = wanted->kind() != c10::TypeKind::TupleType;
  for (size_t i = 0; i < items.size(); ++i) {
    const c10::TypePtr element = single ? wanted : wanted->containedTypes().at(i);
    items[i] = adapt(std::move(items[i]), *element);
  }
  c10::IValue object(c10::ivalue::Object::create(c10::StrongTypePtr(nullptr, cls), cls->numAttributes()));
  torch::jit::Stack stack{object,
                          single ? items.at(0) : c10::IValue(c10::ivalue::Tuple::create(std::move(items)))};
  set_state->run(stack);
  return object;
}

}  // namespace

c10::IValue adapt(c10::IValue value, const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::OptionalType:
      return value.isNone() ? value : adapt(std::move(value), *type.containedType(0));
    case c10::TypeKind::FloatType:
      return value.isInt() ? c10::IValue(static_cast<double>(value.toInt())) : value;
    case c10::TypeKind::DeviceObjType:
      return value.isDevice() ? value : c10::IValue(c10::Device(c10::kCPU));
    case c10::TypeKind::ListType: {
      if (!value.isList()) return value;
      const c10::TypePtr element = type.containedType(0);
      if (element->kind() == c10::TypeKind::AnyType || element->kind() == c10::TypeKind::VarType)
        return value;
      const auto list = value.toList();
      if (*list.elementType() == *element) return value;  // the same list: what is written to it must be seen
      std::vector<c10::IValue> items;
      for (const c10::IValue& item : value.toListRef()) items.push_back(adapt(item, *element));
      return make_list(element, std::move(items));
    }
    case c10::TypeKind::ClassType:
      return value.isTuple() ? object_of(type, value) : value;
    default:
      return value;
  }
}

std::string enumerator_fault(const c10::Argument& argument, const c10::IValue& value) {
  c10::TypePtr type = argument.real_type();
  if (type->kind() == c10::TypeKind::OptionalType) type = type->containedType(0);
  const std::string name = type->str();
  const int64_t count = name == "ScalarType"     ? static_cast<int64_t>(at::ScalarType::NumOptions)
                        : name == "Layout"       ? static_cast<int64_t>(at::Layout::NumOptions)
                        : name == "MemoryFormat" ? static_cast<int64_t>(at::MemoryFormat::NumOptions)
                                                 : 0;
  if (count == 0 || value.isNone() || (value.isInt() && value.toInt() >= 0 && value.toInt() < count))
    return "";
  return "its argument '" + argument.name() + "' is no " + name;
}

}  // namespace onnxport
