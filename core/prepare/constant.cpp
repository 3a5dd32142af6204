#include "core/prepare/constant.h"

namespace onnxport {

namespace {

template <typename T>
Constant list_of(const std::vector<T>& items) {
  ConstantList out;
  for (size_t i = 0; i < items.size(); ++i) out.items.push_back({static_cast<T>(items[i])});
  return {std::move(out)};
}

template <typename T>
std::optional<ir::AttributeValue> items_as(const ConstantList& list) {
  std::vector<T> out;
  for (const Constant& item : list.items) {
    const T* value = item.as<T>();
    if (value == nullptr) return std::nullopt;
    out.push_back(*value);
  }
  return out;
}

}  // namespace

std::optional<Constant> to_constant(const ir::AttributeValue& attribute) {
  struct Convert {
    std::optional<Constant> operator()(std::monostate) const { return Constant{}; }
    std::optional<Constant> operator()(int64_t v) const { return Constant{v}; }
    std::optional<Constant> operator()(double v) const { return Constant{v}; }
    std::optional<Constant> operator()(bool v) const { return Constant{v}; }
    std::optional<Constant> operator()(const std::string& v) const { return Constant{v}; }
    std::optional<Constant> operator()(ir::DType v) const { return Constant{v}; }
    std::optional<Constant> operator()(const std::complex<double>& v) const { return Constant{v}; }
    std::optional<Constant> operator()(const std::vector<int64_t>& v) const { return list_of(v); }
    std::optional<Constant> operator()(const std::vector<double>& v) const { return list_of(v); }
    std::optional<Constant> operator()(const std::vector<bool>& v) const { return list_of(v); }
    std::optional<Constant> operator()(const std::vector<std::string>& v) const { return list_of(v); }
    std::optional<Constant> operator()(const ir::Tensor&) const { return std::nullopt; }
    std::optional<Constant> operator()(ir::Block*) const { return std::nullopt; }
  };
  return std::visit(Convert(), attribute);
}

std::optional<ir::AttributeValue> to_attribute(const Constant& constant) {
  struct Convert {
    std::optional<ir::AttributeValue> operator()(std::monostate) const { return ir::AttributeValue(); }
    std::optional<ir::AttributeValue> operator()(int64_t v) const { return v; }
    std::optional<ir::AttributeValue> operator()(double v) const { return v; }
    std::optional<ir::AttributeValue> operator()(bool v) const { return v; }
    std::optional<ir::AttributeValue> operator()(const std::string& v) const { return v; }
    std::optional<ir::AttributeValue> operator()(ir::DType v) const { return v; }
    std::optional<ir::AttributeValue> operator()(const std::complex<double>& v) const { return v; }
    std::optional<ir::AttributeValue> operator()(const ConstantDict&) const { return std::nullopt; }
    std::optional<ir::AttributeValue> operator()(const ConstantList& v) const {
      if (v.tuple) return std::nullopt;
      if (v.items.empty() || v.items[0].as<int64_t>() != nullptr) return items_as<int64_t>(v);
      if (v.items[0].as<double>() != nullptr) return items_as<double>(v);
      if (v.items[0].as<bool>() != nullptr) return items_as<bool>(v);
      if (v.items[0].as<std::string>() != nullptr) return items_as<std::string>(v);
      return std::nullopt;
    }
  };
  return std::visit(Convert(), constant.value);
}

int64_t torch_scalar_type(ir::DType dtype) {
  using ir::DType;
  switch (dtype) {
    case DType::u8:
      return 0;
    case DType::i8:
      return 1;
    case DType::i16:
      return 2;
    case DType::i32:
      return 3;
    case DType::i64:
      return 4;
    case DType::f16:
      return 5;
    case DType::f32:
      return 6;
    case DType::f64:
      return 7;
    case DType::c64:
      return 9;
    case DType::c128:
      return 10;
    case DType::boolean:
      return 11;
    case DType::bf16:
      return 15;
    case DType::f8e5m2:
      return 23;
    case DType::f8e4m3fn:
      return 24;
    case DType::f8e5m2fnuz:
      return 25;
    case DType::f8e4m3fnuz:
      return 26;
    case DType::u16:
      return 27;
    case DType::u32:
      return 28;
    case DType::u64:
      return 29;
    default:
      return -1;
  }
}

ir::DType dtype_of_torch(int64_t scalar_type) {
  for (auto number = static_cast<int>(ir::DType::f32); number <= static_cast<int>(ir::DType::f8e5m2fnuz);
       ++number) {
    const auto dtype = static_cast<ir::DType>(number);
    if (scalar_type >= 0 && torch_scalar_type(dtype) == scalar_type) return dtype;
  }
  return ir::DType::undefined;
}

}  // namespace onnxport
