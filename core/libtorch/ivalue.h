// Between arguments and libtorch's IValues.
#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "core/argument/argument.h"

namespace onnxport {

// Throws Error V804 for what an argument has no kind for (quantized tensors, objects).
Argument from_ivalue(const c10::IValue& value);
// None for a value of a graph, which has no contents.
c10::IValue to_ivalue(const Argument& argument);
// nullptr for types that are not known.
c10::TypePtr to_torch_type(const ir::Type& type);
// The value as an argument of that type: lists get its element type, ints become floats where it wants them,
// devices and the like that are None become what the CPU has.
c10::IValue adapt(c10::IValue value, const c10::Type& type);
// A list of that element type.
c10::IValue make_list(const c10::TypePtr& element, std::vector<c10::IValue> items);

// Kernels take the number of an element type, layout or memory format as it is: empty when `value` is one for `argument`, or
// when that takes none of these; else what is wrong.
std::string enumerator_fault(const c10::Argument& argument, const c10::IValue& value);

}  // namespace onnxport
