// Between the door's values and libtorch's.
#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "core/torch_interface/torch_interface.h"

namespace onnxport {

// Throws Error V804 for what the door has no kind for (quantized tensors, objects).
RuntimeValue to_runtime(const c10::IValue& value);
c10::IValue to_ivalue(const RuntimeValue& value);
c10::IValue to_ivalue(const ir::AttributeValue& value);
// nullptr for types that are not known.
c10::TypePtr to_torch_type(const ir::Type& type);
// The value as an argument of that type: lists get its element type, ints become floats where it wants them,
// devices and the like that are None become what the CPU has.
c10::IValue adapt(c10::IValue value, const c10::Type& type);
// A list of that element type.
c10::IValue make_list(const c10::TypePtr& element, std::vector<c10::IValue> items);

}  // namespace onnxport
