#include "core/libtorch/runtime_value.h"

#include <ATen/core/ivalue_inl.h>

#include "core/libtorch/convert.h"
#include "core/libtorch/location.h"

namespace onnxport {
namespace {

RuntimeValue list_of(c10::ArrayRef<c10::IValue> items) {
  RuntimeValue out;
  out.kind = RuntimeValue::Kind::list;
  for (const c10::IValue& item : items) out.items.push_back(to_runtime(item));
  return out;
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

RuntimeValue to_runtime(const c10::IValue& value) {
  RuntimeValue out;
  using Kind = RuntimeValue::Kind;
  if (value.isNone()) return out;
  if (value.isTensor()) {
    if (!value.toTensor().defined()) return out;
    try {
      out.tensor = from_torch(value.toTensor().detach());
    } catch (const std::invalid_argument& e) {
      throw Error("V804", std::string("a value cannot be compared: ") + e.what(), {}, "");
    }
    out.kind = Kind::tensor;
  } else if (value.isInt()) {
    out.kind = Kind::integer;
    out.integer = value.toInt();
  } else if (value.isDouble()) {
    out.kind = Kind::real;
    out.real = value.toDouble();
  } else if (value.isBool()) {
    out.kind = Kind::boolean;
    out.integer = value.toBool() ? 1 : 0;
  } else if (value.isString()) {
    out.kind = Kind::string;
    out.string = value.toStringRef();
  } else if (value.isDevice()) {
    out.kind = Kind::string;
    out.string = "cpu";
  } else if (value.isList()) {
    return list_of(value.toListRef());
  } else if (value.isTuple()) {
    return list_of(value.toTupleRef().elements().vec());
  } else if (value.isGenericDict()) {
    std::vector<c10::IValue> items;
    for (const auto& entry : value.toGenericDict()) {
      items.push_back(entry.key());
      items.push_back(entry.value());
    }
    return list_of(items);
  } else {
    throw Error("V804", "a value of type " + value.type()->repr_str() + " cannot be compared", {}, "");
  }
  return out;
}

c10::IValue make_list(const c10::TypePtr& element, std::vector<c10::IValue> items) {
  c10::impl::GenericList list(element ? element : element_type(items));
  list.reserve(items.size());
  for (c10::IValue& item : items) list.push_back(std::move(item));
  return list;
}

c10::IValue to_ivalue(const RuntimeValue& value) {
  using Kind = RuntimeValue::Kind;
  switch (value.kind) {
    case Kind::none:
      return {};
    case Kind::tensor:
      return to_torch(value.tensor);
    case Kind::integer:
      return value.integer;
    case Kind::real:
      return value.real;
    case Kind::boolean:
      return value.integer != 0;
    case Kind::string:
      return value.string;
    case Kind::list:
      break;
  }
  std::vector<c10::IValue> items;
  for (const RuntimeValue& item : value.items) items.push_back(to_ivalue(item));
  return make_list(nullptr, std::move(items));
}

c10::IValue to_ivalue(const ir::AttributeValue& value) {
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
    c10::IValue operator()(const std::vector<int64_t>& v) const { return v; }
    c10::IValue operator()(const std::vector<double>& v) const { return v; }
    c10::IValue operator()(const std::vector<bool>& v) const {
      c10::List<bool> out;
      for (const bool item : v) out.push_back(item);
      return out;
    }
    c10::IValue operator()(const std::vector<std::string>& v) const {
      c10::List<std::string> out;
      for (const std::string& item : v) out.push_back(item);
      return out;
    }
    c10::IValue operator()(const ir::Tensor& v) const { return to_torch(v); }
    c10::IValue operator()(ir::Block* /*unused*/) const { return {}; }
    c10::IValue operator()(const std::complex<double>& v) const {
      return c10::complex<double>(v.real(), v.imag());
    }
  };
  return std::visit(Visitor(), value);
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
    default:
      return value;
  }
}

}  // namespace onnxport
