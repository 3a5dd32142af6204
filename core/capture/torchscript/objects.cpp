// Objects of C++ classes that operators take: the parts of their state, as the class itself hands them out. What the parts
// mean is said by manifests (provides.classes).
#include <ATen/core/function.h>
#include <ATen/core/ivalue_inl.h>

#include <algorithm>

#include "core/capture/torchscript/importer.h"
#include "core/libtorch/convert.h"

namespace onnxport {
namespace {

// Of libtorch's own classes (quantized, rnn, …) nobody says what they are made of.
bool is_of_a_vendor(std::string_view name) {
  constexpr std::string_view kPrefix = "__torch__.torch.classes.";
  if (!name.starts_with(kPrefix)) return false;
  name.remove_prefix(kPrefix.size());
  static constexpr std::string_view kOwn[] = {"quantized", "rnn",    "xnnpack", "sparse",
                                              "dist_c10d", "mkldnn", "vulkan",  "metal"};
  const std::string_view space = name.substr(0, name.find('.'));
  return std::find(std::begin(kOwn), std::end(kOwn), space) == std::end(kOwn);
}

// What __getstate__ gives, as a tuple; None where it throws, or there is none.
c10::IValue state_of(const c10::IValue& object) {
  torch::jit::Function* get_state = object.toObject()->type()->findMethod("__getstate__");
  if (get_state == nullptr) return {};
  torch::jit::Stack stack{object};
  try {
    get_state->run(stack);
  } catch (const std::exception&) {
    return {};
  }
  return stack.at(0).isTuple() ? stack.at(0) : c10::IValue(c10::ivalue::Tuple::create({stack.at(0)}));
}

}  // namespace

ir::Value* Importer::object_operand(const Binding& object) {
  if (!object.object.isObject()) return nullptr;
  const auto name = object.object.toObject()->type()->name();
  if (!name || !is_of_a_vendor(name->qualifiedName())) return nullptr;
  const auto [state, fresh] = object_states_.try_emplace(object.object.toObject().get());
  if (fresh) state->second = state_of(object.object);
  return state->second.isNone() ? nullptr : constant(state->second, object.path);
}

}  // namespace onnxport
