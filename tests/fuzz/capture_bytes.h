// What the fuzz targets of the program capture share.
#pragma once

#include <string>
#include <string_view>

namespace onnxport::fuzz {

// Captures the bytes as a .pt2 file. They are captured, or refused with a coded error that says something and
// ends in a sound graph or none; anything else ends the process.
void capture_bytes(std::string_view bytes);

// The archive with the checksums its records have: a mutated record is read, not refused.
std::string with_checksums(std::string_view archive);

}  // namespace onnxport::fuzz
