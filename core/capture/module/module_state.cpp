#include "core/capture/module/module_state.h"

#include <ATen/core/ivalue_inl.h>
#include <c10/core/GradMode.h>

#include <string_view>

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

void ModuleState::before(const c10::FunctionSchema& schema, const c10::IValue* arguments) {
  const bool statistics = updates_statistics(schema, arguments);
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    const bool written = argument.alias_info() != nullptr && argument.alias_info()->isWrite();
    const bool statistic = statistics && std::string_view(argument.name()).starts_with("running_");
    if (!written && !statistic) continue;
    if (arguments[i].isTensor()) {
      save(arguments[i].toTensor());
    } else if (arguments[i].isTensorList()) {
      for (const at::Tensor& each : arguments[i].toTensorVector()) save(each);
    }
  }
}

void ModuleState::save(const at::Tensor& written) {
  const void* storage = storage_of(written);
  if (storage == nullptr) return;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (storages_[i] == storage && !saved_.contains(i))
      saved_.emplace(i, tensors_[i].tensor.detach().clone());
  }
}

void ModuleState::restore() {
  const c10::AutoGradMode no_gradients(false);
  const NamedTensor* initialised = nullptr;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const NamedTensor& own = tensors_[i];
    const bool moved = storage_of(own.tensor) != storages_[i];
    const auto saved = saved_.find(i);
    if (saved != saved_.end() && !moved) own.tensor.detach().copy_(saved->second);
    if (moved || (saved != saved_.end() && own.is_parameter)) initialised = &own;
  }
  saved_.clear();
  if (initialised == nullptr) return;
  throw Error("P604", "forward initialises or writes '" + initialised->name + "'",
              place_of_node("", initialised->name),
              "run the model once before exporting it, or keep in a buffer what changes from call to call");
}

}  // namespace onnxport
