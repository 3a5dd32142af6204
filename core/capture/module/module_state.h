// The tensors a live model owns: kept as they were before it ran.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "onnxport/callable.h"

namespace onnxport {

class ModuleState {
 public:
  explicit ModuleState(const std::vector<NamedTensor>& tensors);

  // Before a call is run: what it writes of the model's own is copied first.
  void before(const c10::FunctionSchema& schema, const c10::IValue* arguments);
  // Everything has its contents back. Throws Error P604 when the model gave a tensor other storage, or wrote a parameter.
  void restore();

  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  // The name of the tensor whose storage this one has; null: none of the model's.
  const NamedTensor* owner_of(const at::Tensor& tensor) const;

 private:
  void save(const at::Tensor& written);

  const std::vector<NamedTensor>& tensors_;
  std::unordered_map<const void*, size_t> by_storage_;
  std::vector<const void*> storages_;  // as they were
  std::map<size_t, at::Tensor> saved_;
};

}  // namespace onnxport
