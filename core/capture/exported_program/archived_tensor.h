// Tensors as they lie in a record of the archive: a storage, and how it is viewed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/archive/saved_tensors.h"
#include "core/capture/exported_program/program_archive.h"
#include "core/ir/tensor.h"

namespace onnxport {

struct ArchivedTensor {
  std::string record;
  ir::DType dtype = ir::DType::undefined;
  std::vector<int64_t> sizes, strides;  // in elements
  int64_t offset = 0;                   // of the first element in the storage
  // Where the storage lies in the record, which holds more than that when it is an archive itself.
  uint64_t storage_at = 0, storage_size = 0;

  // A tensor of the archive that `record` is.
  static ArchivedTensor of(const SavedTensor& saved, std::string record);
};

// A dense tensor is a view of the file, of any alignment; one with other strides (transposed, expanded) is
// copied. `copied` counts the bytes of expanded ones, so that a small file does not get the memory of the
// machine. nullopt, with `why` ("has impossible sizes"), when it lies outside its storage. Throws Error I102
// when the record is missing or compressed.
std::optional<ir::Tensor> read_tensor(const ProgramArchive& archive, const ArchivedTensor& tensor,
                                      uint64_t& copied, std::string& why);

}  // namespace onnxport
