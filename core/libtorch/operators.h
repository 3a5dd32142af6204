// Operators whose kernels may be absent: their schemas, registered with libtorch so that files using them load.
#pragma once

#include <string>
#include <string_view>

#include "core/ir/custom_schemas.h"

namespace onnxport {

// Loads a vendor's library of kernels (dlopen, never closed). Throws Error L212.
void load_kernels(const std::string& path);

// Registers a schema that libtorch does not know yet, with a kernel that refuses to run. Idempotent, from any
// thread. Throws Error M112, of that plugin, for a schema libtorch does not take.
void register_schema(const ir::CustomSchema& custom);
// Registered by register_schema and nothing else: it cannot be executed.
bool is_stub(std::string_view qualified_name);
// Any overload of "ns::name" is known to libtorch.
bool is_registered(const std::string& name);

}  // namespace onnxport
