#include "core/capture/module/examples.h"

#include <ATen/core/ivalue_inl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/where.h>

namespace onnxport {
namespace {

// In words, for a message.
std::string kind_of(const c10::IValue& value) {
  if (value.isNone()) return "nothing (an empty optional)";
  if (value.isInt()) return "an integer";
  if (value.isDouble()) return "a floating-point number";
  const std::string tag = value.tagKind();
  return (tag.find_first_of("AEIOU") == 0 ? "an " : "a ") + tag;
}

std::string key_text(const c10::IValue& key) {
  if (key.isString()) return key.toStringRef();
  return key.isInt() ? std::to_string(key.toInt()) : key.tagKind();
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
    if (!value.toTensor().defined()) return {"an undefined tensor"};
    visit(value.toTensor(), name);
  } else if (value.isTuple()) {
    size_t i = 0;
    for (const c10::IValue& item : value.toTupleRef().elements())
      inner(item, name + "_" + std::to_string(i++));
  } else if (value.isList()) {
    size_t i = 0;
    for (const c10::IValue& item : value.toListRef()) inner(item, name + "_" + std::to_string(i++));
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      inner(entry.value(), name + "_" + key_text(entry.key()));
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

namespace {

at::Tensor other_values(const at::Tensor& example) {
  const at::Tensor given = example.contiguous().flatten();
  const int64_t count = given.numel();
  const at::Tensor position = at::arange(count, given.options().dtype(at::kLong).requires_grad(false));
  // Half of the elements, each twice: even how many there are of a kind is another number.
  at::Tensor out = given.index_select(0, position.sub(position.remainder(2)).add(1).remainder(count));
  const at::Tensor every_other = position.remainder(2).eq(0);
  if (given.is_floating_point() || given.is_complex()) {
    out = out.mul(0.75);
    if (out.equal(given)) out = at::full_like(given, 0.5);  // zeros
  } else if (given.scalar_type() == at::kBool) {
    if (out.equal(given)) out = given.logical_xor(every_other);
  } else {
    // Lengths, mostly, mean what the longest one says.
    const at::Tensor largest = given.argmax();
    out.index_fill_(0, largest, given.max());
    // One less, or for zeros one more.
    if (out.equal(given))
      out = at::where(every_other, given.sub(given.gt(0).to(given.scalar_type()).mul(2)).add(1), given);
  }
  return out.reshape(example.sizes());
}

at::Tensor few_values(const at::Tensor& example) {
  const at::Tensor given = example.contiguous().flatten();
  at::Tensor out = given.clone();
  // Zero may be no id; what the example begins with is one.
  const bool number = given.is_floating_point() || given.is_complex() || given.scalar_type() == at::kBool;
  out.slice(0, (given.numel() + 3) / 4).copy_(number ? given.new_zeros({}) : given[0]);
  return out.reshape(example.sizes());
}

at::Tensor flipped_values(const at::Tensor& example) {
  if (example.is_floating_point() || example.is_complex()) return example.neg();
  if (example.scalar_type() == at::kBool) return example.logical_not();
  return example.neg().add(example.max()).add(example.min());
}

// libtorch has few kernels for some element types.
at::Tensor changed(const at::Tensor& example, at::Tensor (*change)(const at::Tensor&)) {
  if (example.numel() == 0) return example.clone();
  try {
    return change(example);
  } catch (const c10::Error&) {
    return example.clone();
  }
}

}  // namespace

at::Tensor with_other_values(const at::Tensor& example) { return changed(example, other_values); }
at::Tensor with_few_values(const at::Tensor& example) { return changed(example, few_values); }
at::Tensor with_flipped_values(const at::Tensor& example) { return changed(example, flipped_values); }

at::Tensor rolled(const at::Tensor& example) {
  return example.numel() < 2 ? example.clone() : at::roll(example.contiguous(), {1});
}

}  // namespace onnxport
