// Between our words and libtorch's: element types, tensors, types and schemas.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>

#include <memory>
#include <optional>
#include <string>

#include "core/ir/schema.h"
#include "core/ir/tensor.h"
#include "core/ir/type.h"

namespace onnxport {

// undefined: ONNX has no such element type (quantized, bits, …).
ir::DType to_dtype(at::ScalarType type);
// nullopt: libtorch has no such element type.
std::optional<at::ScalarType> to_scalar_type(ir::DType dtype);

// Whether every element lies within the tensor's storage: of one that was read from a file nobody else looks.
bool fits_its_storage(const at::Tensor& tensor);
// A view of the same bytes; the result keeps them alive. The bytes must not be written unless they were copied.
at::Tensor to_torch(const ir::Tensor& tensor);
// A view of a dense copy-free tensor where it can be one, of a contiguous copy otherwise.
// Throws std::invalid_argument for what is no dense tensor of a known element type; the text says why.
ir::Tensor from_torch(const at::Tensor& tensor, std::optional<ir::FileRegion> file = std::nullopt);
// Why `tensor` cannot be held by ir::Tensor; empty when it can.
std::string unsupported_kind(const at::Tensor& tensor);

ir::Type from_torch(const c10::Type& type);
ir::Schema from_torch(const c10::FunctionSchema& schema);
// "aten::add.Tensor".
std::string qualified_name(const c10::FunctionSchema& schema);
// The schema argument takes a ScalarType: an int there is a dtype.
bool takes_dtype(const c10::Argument& argument);

}  // namespace onnxport
