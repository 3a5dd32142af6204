// Values that are known while importing: numbers become constant nodes, tensors initializers.
#include <ATen/core/ivalue_inl.h>

#include "core/capture/torchscript/importer.h"
#include "core/libtorch/convert.h"

namespace onnxport {
namespace {

// nullopt: the value is no single constant.
std::optional<ir::AttributeValue> as_attribute(const c10::IValue& v) {
  if (v.isNone()) return ir::AttributeValue{};
  if (v.isInt()) return v.toInt();
  if (v.isDouble()) return v.toDouble();
  if (v.isBool()) return v.toBool();
  if (v.isString()) return v.toStringRef();
  if (v.isComplexDouble()) {
    const auto number = v.toComplexDouble();
    return std::complex<double>(number.real(), number.imag());
  }
  if (v.isDevice())
    return std::string("cpu");  // everything runs where ONNX runs; where the file was made is past
  if (v.isGenerator() || v.isStream()) return ir::AttributeValue{};
  if (v.isIntList()) return v.toIntVector();
  if (v.isDoubleList()) return v.toDoubleVector();
  if (v.isBoolList()) {
    std::vector<bool> out;
    for (const bool item : v.toBoolList()) out.push_back(item);
    return out;
  }
  return std::nullopt;
}

// What tells two views of one storage from each other; empty when there is nothing to share.
std::string view_key(const at::Tensor& tensor) {
  if (tensor.nbytes() == 0) return {};
  std::string key = std::to_string(reinterpret_cast<uintptr_t>(tensor.const_data_ptr())) + '/' +
                    std::to_string(static_cast<int>(tensor.scalar_type()));
  for (const int64_t size : tensor.sizes()) key += ',' + std::to_string(size);
  for (const int64_t stride : tensor.strides()) key += ';' + std::to_string(stride);
  return key;
}

}  // namespace

ir::Value* Importer::initializer(const at::Tensor& tensor, const std::string& name) {
  if (tensor.defined() && tensor.is_quantized()) return quantized_constant(tensor, name);
  if (std::string why = unsupported_kind(tensor); !why.empty())
    throw Error("T540", "the tensor is " + why, {},
                "convert it to a dense tensor of an element type ONNX has before saving");
  const std::string key = view_key(tensor);
  if (!key.empty()) {
    if (const auto found = initializers_.find(key); found != initializers_.end()) return found->second;
  }
  std::optional<ir::FileRegion> region;
  if (tensor.is_contiguous() && !tensor.is_conj() && !tensor.is_neg() && tensor.nbytes() > 0)
    region = archive_.file().region(tensor.const_data_ptr(), tensor.nbytes(), may_have_changed_);
  ir::Value* value = graph_.add_initializer(name, from_torch(tensor, std::move(region)));
  if (!key.empty()) initializers_.emplace(key, value);
  return value;
}

ir::Value* Importer::constant(const c10::IValue& value, const std::string& name) {
  if (value.isTensor()) return initializer(value.toTensor(), name);
  if (value.isEnum()) return constant(value.toEnumHolder()->value(), name);
  if (auto attribute = as_attribute(value)) {
    ir::Type type = value.isDevice() ? ir::Type::string()
                    : value.isNone() ? ir::Type::none()
                                     : from_torch(*value.type());
    ir::Node* node = emit("prim::Constant", {}, std::move(type));
    node->set_attribute(graph_.intern("value"), std::move(*attribute));
    return node->output();
  }
  std::vector<ir::Value*> items;
  const auto add = [&](const c10::IValue& item, const std::string& suffix) {
    const std::string path = name.empty() ? suffix : name + '.' + suffix;
    items.push_back(item.isList() || item.isGenericDict() ? held_container(item, path)
                                                          : constant(item, path));
  };
  const char* op = nullptr;
  if (value.isList()) {
    op = "prim::ListConstruct";
    size_t i = 0;
    for (const c10::IValue& item : value.toListRef()) add(item, std::to_string(i++));
  } else if (value.isTuple()) {
    op = "prim::TupleConstruct";
    size_t i = 0;
    for (const c10::IValue& item : value.toTupleRef().elements()) add(item, std::to_string(i++));
  } else if (value.isGenericDict()) {
    op = "prim::DictConstruct";
    for (const auto& entry : value.toGenericDict()) {
      add(entry.key(), "key");
      add(entry.value(), entry.key().isString() ? entry.key().toStringRef() : "value");
    }
  } else {
    throw Error("T540", "a value of type " + value.type()->repr_str() + " cannot be held by an ONNX graph",
                {}, "keep tensors, numbers, strings, and lists, tuples or dicts of those in the module");
  }
  return emit(op, items, from_torch(*value.type()))->output();
}

}  // namespace onnxport
