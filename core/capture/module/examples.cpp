#include "core/capture/module/examples.h"

#include <ATen/core/ivalue_inl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/roll.h>

namespace onnxport {
namespace {

std::string kind_of(const c10::IValue& value) {
  const std::string tag = value.tagKind();
  return (tag.find_first_of("AEIOU") == 0 ? "an " : "a ") + tag;
}

}  // namespace

std::vector<std::string> for_each_tensor(
    const c10::IValue& value, const std::string& name,
    const std::function<void(const at::Tensor&, const std::string&)>& visit) {
  std::vector<std::string> rest;
  const auto inner = [&](const c10::IValue& item, const std::string& own) {
    for (std::string& text : for_each_tensor(item, own, visit)) rest.push_back(std::move(text));
  };
  if (value.isTensor()) {
    if (value.toTensor().defined()) visit(value.toTensor(), name);
  } else if (value.isTuple()) {
    size_t i = 0;
    for (const c10::IValue& item : value.toTupleRef().elements())
      inner(item, name + "_" + std::to_string(i++));
  } else if (value.isList()) {
    size_t i = 0;
    for (const c10::IValue& item : value.toListRef()) inner(item, name + "_" + std::to_string(i++));
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      const c10::IValue& key = entry.key();
      inner(entry.value(), name + "_" + (key.isString() ? key.toStringRef() : kind_of(key)));
    }
  } else {
    rest.push_back(kind_of(value));
  }
  return rest;
}

c10::IValue with_tensors(const c10::IValue& value,
                         const std::function<at::Tensor(const at::Tensor&)>& replace) {
  if (value.isTensor()) return value.toTensor().defined() ? c10::IValue(replace(value.toTensor())) : value;
  if (value.isTuple()) {
    std::vector<c10::IValue> items;
    for (const c10::IValue& item : value.toTupleRef().elements())
      items.push_back(with_tensors(item, replace));
    return c10::ivalue::Tuple::create(std::move(items));
  }
  if (value.isList()) {
    const auto list = value.toList();
    c10::impl::GenericList out(list.elementType());
    for (const c10::IValue& item : value.toListRef()) out.push_back(with_tensors(item, replace));
    return out;
  }
  if (value.isGenericDict()) {
    const auto dict = value.toGenericDict();
    c10::impl::GenericDict out(dict.keyType(), dict.valueType());
    for (const auto& entry : dict) out.insert(entry.key(), with_tensors(entry.value(), replace));
    return out;
  }
  return value;
}

at::Tensor resized(const at::Tensor& example, const std::vector<int64_t>& sizes) {
  at::Tensor out = example;
  for (int64_t axis = 0; axis < example.dim(); ++axis) {
    const int64_t own = example.size(axis);
    const int64_t wanted = sizes[static_cast<size_t>(axis)];
    if (own == wanted || own == 0) continue;
    const at::Tensor at =
        at::arange(wanted, at::TensorOptions().dtype(at::kLong).device(example.device())).remainder(own);
    out = out.index_select(axis, at);
  }
  return out.contiguous();
}

at::Tensor rolled(const at::Tensor& example) {
  return example.numel() < 2 ? example.clone() : at::roll(example.contiguous(), {1});
}

}  // namespace onnxport
