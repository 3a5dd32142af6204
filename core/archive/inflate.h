// The bytes of a record that a zip archive holds compressed.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace onnxport {

// nullopt when they are damaged, or more or fewer than `size`. No more memory is taken than that.
std::optional<std::string> inflate_record(std::span<const std::byte> compressed, size_t size);

}  // namespace onnxport
