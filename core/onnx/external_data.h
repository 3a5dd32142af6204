// Tensors whose bytes lie in other files than the model's.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/archive/mapped_file.h"
#include "core/ir/tensor.h"
#include "core/onnx/proto.h"

namespace onnxport::onnx {

// Throws Error I121.
std::shared_ptr<const MappedFile> map_file(const std::filesystem::path& file);

// Of one model: each file is mapped once.
class ExternalData {
 public:
  // `has_folder`: false for a model in memory, beside which nothing lies.
  explicit ExternalData(std::filesystem::path model, bool has_folder = true)
      : model_(std::move(model)), has_folder_(has_folder) {}

  // Views the mapped file. Throws Error I124: no file, one outside the model's folder (also behind a symbolic link), bytes that
  // do not fit.
  ir::Tensor tensor(const pb::TensorProto& proto);
  // The files that tensors were read from.
  std::vector<std::filesystem::path> files() const;

 private:
  struct File {
    std::shared_ptr<const MappedFile> mapped;
    std::shared_ptr<const std::string> path;
  };
  const File& open(const pb::TensorProto& proto, const std::string& location);
  [[noreturn]] void refuse(const pb::TensorProto& proto, const std::string& why) const;

  std::filesystem::path model_;
  bool has_folder_;
  std::map<std::string, File> files_;  // by what the tensors call them
};

}  // namespace onnxport::onnx
