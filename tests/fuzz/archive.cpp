// A file of any bytes as a .pt2: the zip directory, the records, and what they hold.
#include <cstddef>
#include <cstdint>

#include "fuzz/capture_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  onnxport::fuzz::capture_bytes(onnxport::fuzz::with_checksums(bytes));
  return 0;
}
