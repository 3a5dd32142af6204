// The JSON records of a program, mutated value by value, in an archive that is whole: "program NUL weights
// NUL constants".
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/capture_bytes.h"
#include "fuzz/json_mutator.h"
#include "unit/archive/zip_bytes.h"

namespace {

// What torch.export.save names the tensors of a program: as many, and as large, as the seeds have.
onnxport::testing::ZipBytes tensors() {
  onnxport::testing::ZipBytes out;
  for (int i = 0; i < 8; ++i) {
    out.add("p/data/weights/weight_" + std::to_string(i), std::string(2560, '\1'));
    out.add("p/data/constants/tensor_" + std::to_string(i), std::string(256, '\0'));
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const onnxport::testing::ZipBytes with_tensors = tensors();
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  onnxport::testing::ZipBytes archive = with_tensors;
  for (const char* name : {"p/models/model.json", "p/data/weights/model_weights_config.json",
                           "p/data/constants/model_constants_config.json"}) {
    const size_t end = std::min(rest.find('\0'), rest.size());
    archive.add(name, rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  onnxport::fuzz::capture_bytes(archive.finish());
  return 0;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  // One in eight stays below JSON: broken texts, broken UTF-8.
  if (seed % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::string out = onnxport::fuzz::mutate_json({reinterpret_cast<const char*>(data), size}, seed);
  if (out.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::copy(out.begin(), out.end(), data);
  return out.size();
}
