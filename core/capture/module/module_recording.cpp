#include "core/capture/module/module_recording.h"

#include <ATen/core/ivalue_inl.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/libtorch/convert.h"
#include "core/libtorch/location.h"

namespace onnxport {
namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool gives_no_contents(std::string_view name) {
  return is_one_of(name, {"aten::empty", "aten::empty_like", "aten::empty_strided", "aten::new_empty",
                          "aten::new_empty_strided", "aten::empty_permuted"});
}

// Operators that write the whole of a tensor without reading it.
bool overwrites(const c10::FunctionSchema& schema) {
  return !schema.overload_name().empty() && schema.overload_name().find("out") != std::string::npos
             ? true
             : is_one_of(schema.name(),
                         {"aten::fill_", "aten::zero_", "aten::copy_", "aten::normal_", "aten::uniform_",
                          "aten::random_", "aten::bernoulli_", "aten::exponential_", "aten::set_"});
}

bool is_random(const c10::FunctionSchema& schema, const c10::IValue* arguments) {
  if (is_one_of(schema.name(),
                {"aten::rand", "aten::randn", "aten::randint", "aten::randperm", "aten::rand_like",
                 "aten::randn_like", "aten::randint_like", "aten::normal", "aten::normal_", "aten::uniform_",
                 "aten::random_", "aten::bernoulli", "aten::bernoulli_", "aten::multinomial",
                 "aten::exponential_", "aten::poisson"}))
    return true;
  // Dropout and its kin are in training mode only.
  if (schema.name().find("dropout") == std::string::npos && schema.name() != "aten::rrelu") return false;
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    if (is_one_of(schema.arguments()[i].name(), {"train", "training"}) && arguments[i].isBool())
      return arguments[i].toBool();
  }
  return false;
}

// How large the result is depends on what a tensor holds.
bool finds_elements(const c10::FunctionSchema& schema, const c10::IValue* arguments) {
  if (is_one_of(schema.name(),
                {"aten::nonzero", "aten::nonzero_numpy", "aten::argwhere", "aten::masked_select",
                 "aten::bincount", "aten::unique_dim", "aten::unique_consecutive",
                 "aten::unique_dim_consecutive", "aten::_unique", "aten::_unique2", "aten::where"}))
    return schema.name() != "aten::where" || schema.arguments().size() == 1;
  if (schema.name() == "aten::repeat_interleave")
    return schema.overload_name().starts_with("Tensor") || schema.overload_name() == "self_Tensor";
  if (schema.name() != "aten::index") return false;
  for (const c10::IValue& index : arguments[1].toListRef()) {
    if (index.isTensor() && index.toTensor().defined() &&
        (index.toTensor().scalar_type() == at::kBool || index.toTensor().scalar_type() == at::kByte))
      return true;
  }
  return false;
}

// Questions about what a tensor holds: the answer goes where no recording sees it.
bool reads_contents(std::string_view name) {
  return is_one_of(name, {"aten::item", "aten::_local_scalar_dense", "aten::is_nonzero", "aten::equal",
                          "aten::allclose", "aten::Int", "aten::Float", "aten::Bool", "aten::__contains__"});
}

}  // namespace

at::Tensor ModuleRecording::contents(size_t tensor) const {
  const auto found = contents_.find(tensor);
  return found == contents_.end() ? at::Tensor() : found->second;
}

ModuleRecording::Reached ModuleRecording::reached() const {
  return {!running_.empty() && !returned_, place_of_node(running_, "", sites_.find(frames_))};
}

bool ModuleRecording::is_filled_by_code(const RecordedCall& call) const {
  return call.results.size() == 1 && call.results[0].kind == RecordedItem::Kind::tensor &&
         gives_no_contents(call.schema->name()) && contents_.contains(call.results[0].tensor);
}

void ModuleRecording::look_at(const at::Tensor& tensor, Use use) {
  if (!tensor.defined()) return;
  const void* storage = tensor.has_storage() ? tensor.storage().unsafeGetStorageImpl() : nullptr;
  const auto blank = blank_.find(storage);
  if (blank != blank_.end() && use != Use::view) {
    if (use == Use::read) contents_.emplace(blank->second.number, blank->second.alias.clone());
    blank_.erase(blank);
  }
  if (knows(tensor) || number_as_twin(tensor)) return;
  if (state_.owner_of(tensor) == nullptr) contents_.emplace(number(tensor), tensor.detach().clone());
}

void ModuleRecording::before(RecordedCall& call, const c10::IValue* first) {
  call.frames = frames_of_here();
  const c10::FunctionSchema& schema = *call.schema;
  running_ = qualified_name(schema);
  frames_ = call.frames;
  returned_ = false;
  state_.before(call, first);
  if (is_random(schema, first)) random_ = qualified_name(schema);
  finds_ = finds_elements(schema, first);
  const bool of_sizes = gives_no_contents(schema.name());  // empty_like reads no contents
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    const c10::AliasInfo* alias = schema.arguments()[i].alias_info();
    Use use = Use::read;
    if (of_sizes || (alias != nullptr && !alias->isWrite())) use = Use::view;
    if (alias != nullptr && alias->isWrite() && overwrites(schema)) use = Use::overwrite;
    if (first[i].isTensor()) {
      look_at(first[i].toTensor(), use);
    } else if (first[i].isList()) {
      for (const c10::IValue& item : first[i].toListRef()) {
        if (item.isTensor()) look_at(item.toTensor(), use);
      }
    }
  }
}

void ModuleRecording::answered(const RecordedCall& call, c10::IValue& answer) {
  const c10::FunctionSchema& schema = *call.schema;
  returned_ = true;
  if (read_ || !reads_contents(schema.name())) return;
  const std::string name = qualified_name(schema);
  if (schema.name() == "aten::equal" && answer.isBool()) {
    // A tensor equals itself at any time; two tensors are taken for different ones, whatever the examples hold.
    if (call.arguments[0].tensor == call.arguments[1].tensor) return;
    answer = false;
    assumed_ = "forward asks whether two tensors are equal, which the graph takes for no";
    return;
  }
  read_ = Error(
      "P603",
      "forward reads what a tensor holds (" + name + "): what it does next would be the same for every input",
      place_of_node(name, {}, sites_.find(call.frames)),
      "compute with tensors (torch::where instead of if), or pass the number as an argument of forward");
}

void ModuleRecording::after(RecordedCall& call) {
  returned_ = true;
  if (finds_ && !call.results.empty()) {
    const RecordedItem& found = call.results[0];
    found_sizes_.push_back(found.items.empty() ? found.sizes : found.items[0].sizes);
  }
  if (!gives_no_contents(call.schema->name()) || call.results.size() != 1) return;
  const at::Tensor made = tensor(call.results[0].tensor);
  // An alias: nobody else may hold the tensor itself, see Recording::tensors_.
  if (made.defined() && made.has_storage())
    blank_[made.storage().unsafeGetStorageImpl()] = {call.results[0].tensor, made.detach()};
}

}  // namespace onnxport
