// The tensors of a .pt2: weights, buffers and constants as views of the mapped file.
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "core/capture/exported_program/archived_tensor.h"
#include "core/capture/exported_program/json.h"
#include "core/capture/exported_program/program_archive.h"
#include "core/ir/type.h"
#include "core/torch_interface/torch_interface.h"

namespace onnxport {

// torch.export's number of an element type; undefined for what ONNX has no element type for.
ir::DType dtype_of_program(int64_t number);

class ProgramWeights {
 public:
  // Reads the records data/weights/*_config.json and data/constants/*_config.json; of older archives the
  // pickles of state dict and constants. `check`: see check(); `given`: tensors that are in memory, not in the archive, or
  // null. Throws Error I102, I116, I117 (a pickle that is not read), I118.
  explicit ProgramWeights(const ProgramArchive& archive, bool check = true,
                          std::shared_ptr<const WeightsByName> given = nullptr);

  // By state_dict name, or by the name of a lifted constant. A dense tensor is a view of the file, of any
  // alignment; one with other strides (transposed, expanded) is copied. Throws Error I117 for what is
  // missing, no plain tensor or lies outside its record.
  ir::Tensor tensor(const std::string& name) const;
  // Compares the checksums of all records whose tensors were asked for with the archive's: small ones at once
  // (Error I118), large ones in a thread of its own, whose result is to be waited for. Not valid when nothing
  // is left to wait for.
  std::shared_future<void> check() const;
  // What tells two names of one storage apart from two tensors: equal for tied weights.
  std::string identity(const std::string& name) const;

 private:
  struct Entry {
    ArchivedTensor tensor;
    std::string place;
    std::string unreadable;  // why it is no tensor
  };
  void read_config(const std::string& folder, const std::string& record);
  Entry config_entry(const Json& value, const std::string& folder) const;
  void read_state(const std::string& record);
  static void view_saved(const SavedValue& value, Entry& entry);
  const Entry& entry(const std::string& name) const;
  Error damaged(const Entry& entry, const std::string& name, const std::string& why) const;

  const ir::Tensor* given(const std::string& name) const;

  const ProgramArchive& archive_;
  bool check_;
  std::shared_ptr<const WeightsByName> given_;
  mutable std::set<std::string> read_;  // records of tensors that were asked for
  mutable uint64_t copied_ = 0;         // bytes of tensors that are larger than their storages
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace onnxport
