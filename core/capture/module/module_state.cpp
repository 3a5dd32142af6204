#include "core/capture/module/module_state.h"

#include <ATen/core/ivalue_inl.h>
#include <c10/core/GradMode.h>

#include <string_view>

#include "core/libtorch/convert.h"
#include "core/libtorch/location.h"

namespace onnxport {
namespace {

const void* storage_of(const at::Tensor& tensor) {
  return tensor.defined() && tensor.has_storage() ? tensor.storage().unsafeGetStorageImpl() : nullptr;
}

// batch_norm and instance_norm write their running statistics, though their schemas do not say so.
bool updates_statistics(const c10::FunctionSchema& schema, const c10::IValue* arguments) {
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    const std::string& name = schema.arguments()[i].name();
    if ((name == "training" || name == "train" || name == "use_input_stats") && arguments[i].isBool())
      return arguments[i].toBool();
  }
  return false;
}

}  // namespace

ModuleState::ModuleState(const std::vector<NamedTensor>& tensors) : tensors_(tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    storages_.push_back(storage_of(tensors[i].tensor));
    if (storages_.back() != nullptr) by_storage_.try_emplace(storages_.back(), i);
  }
}

const NamedTensor* ModuleState::owner_of(const at::Tensor& tensor) const {
  const auto found = by_storage_.find(storage_of(tensor));
  return found == by_storage_.end() ? nullptr : &tensors_[found->second];
}

void ModuleState::before(const RecordedCall& call, const c10::IValue* arguments) {
  const c10::FunctionSchema& schema = *call.schema;
  const bool statistics = updates_statistics(schema, arguments);
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    const bool written = argument.alias_info() != nullptr && argument.alias_info()->isWrite();
    const bool statistic = statistics && std::string_view(argument.name()).starts_with("running_");
    if (!written && !statistic) continue;
    if (arguments[i].isTensor()) {
      save(arguments[i].toTensor(), call);
    } else if (arguments[i].isTensorList()) {
      for (const at::Tensor& each : arguments[i].toTensorVector()) save(each, call);
    }
  }
}

void ModuleState::save(const at::Tensor& written, const RecordedCall& call) {
  const void* storage = storage_of(written);
  if (storage == nullptr) return;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (storages_[i] == storage && !saved_.contains(i))
      saved_.emplace(i,
                     Saved{tensors_[i].tensor.detach().clone(), qualified_name(*call.schema), call.frames});
  }
}

Error ModuleState::refuse(const NamedTensor& own, const Saved* saved, CallSites& sites) const {
  const std::string hint =
      "if forward initialises itself, run the module once before exporting it; what changes from call to "
      "call "
      "is for a buffer (register_buffer)";
  if (saved == nullptr)
    return Error("P604", "forward gives '" + own.name + "' another storage (set_data)",
                 place_of_node("", own.name), hint);
  return Error("P604", "forward writes the parameter '" + own.name + "'",
               place_of_node(saved->op, "", sites.find(saved->frames)), hint);
}

std::optional<Error> ModuleState::restore(CallSites& sites) {
  const c10::AutoGradMode no_gradients(false);
  std::optional<Error> out;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const NamedTensor& own = tensors_[i];
    const bool moved = storage_of(own.tensor) != storages_[i];
    const auto saved = saved_.find(i);
    if (saved != saved_.end() && !moved) own.tensor.detach().copy_(saved->second.contents);
    if (out || !(moved || (saved != saved_.end() && own.is_parameter))) continue;
    out = refuse(own, moved ? nullptr : &saved->second, sites);
  }
  saved_.clear();
  return out;
}

}  // namespace onnxport
