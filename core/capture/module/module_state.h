// The tensors a live model owns: kept as they were before it ran.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/capture/module/call_site.h"
#include "core/libtorch/recorder.h"
#include "onnxport/callable.h"

namespace onnxport {

class ModuleState {
 public:
  explicit ModuleState(const std::vector<NamedTensor>& tensors);

  // Before a call is run: what it writes of the model's own is copied first.
  void before(const RecordedCall& call, const c10::IValue* arguments);
  // Everything has its contents back. Error P604 where the model gave a tensor other storage, or wrote a parameter.
  std::optional<Error> restore(CallSites& sites);

  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  // The name of the tensor whose storage this one has; null: none of the model's.
  const NamedTensor* owner_of(const at::Tensor& tensor) const;

 private:
  struct Saved {
    at::Tensor contents;
    std::string op;  // that wrote first
    std::vector<void*> frames;
  };
  void save(const at::Tensor& written, const RecordedCall& call);
  Error refuse(const NamedTensor& own, const Saved* saved, CallSites& sites) const;

  const std::vector<NamedTensor>& tensors_;
  std::unordered_map<const void*, size_t> by_storage_;
  std::vector<const void*> storages_;  // as they were
  std::map<size_t, Saved> saved_;
};

}  // namespace onnxport
