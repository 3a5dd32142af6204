// A pickle of any bytes, in an archive as torch.save writes it.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/archive/saved_tensors.h"
#include "unit/archive/zip_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  onnxport::testing::ZipBytes zip;
  zip.add("a/data.pkl", {reinterpret_cast<const char*>(data), size});
  for (const char* storage : {"a/data/0", "a/data/1"}) zip.add(storage, std::string(256, '\1'));
  zip.add("a/byteorder", "little");
  const std::string archive = zip.finish();
  std::string why;
  const auto value = onnxport::read_pickled_tensors(std::as_bytes(std::span(archive)), why);
  if (!value && why.empty()) {
    std::fputs("refused without a reason\n", stderr);
    std::abort();
  }
  return 0;
}
