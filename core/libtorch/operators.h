// Operators whose kernels may be absent: their schemas, registered with libtorch so that files using them
// load.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace onnxport {

// Loads a vendor's library of kernels (dlopen, never closed). Throws Error L212.
void load_kernels(const std::string& path);

// Registers each schema that libtorch does not know, with a kernel that refuses to run. Idempotent, from any
// thread. Throws Error M112 for a text libtorch cannot parse.
void register_schemas(std::span<const std::string> schemas);
// Registered by register_schemas and nothing else: it cannot be executed.
bool is_stub(std::string_view qualified_name);
// Any overload of "ns::name" is known to libtorch.
bool is_registered(const std::string& name);

}  // namespace onnxport
