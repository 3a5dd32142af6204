// Tensors of an ONNX file: in the message, in the mapped file, or in another file.
#pragma once

#include <filesystem>
#include <memory>

#include "core/archive/mapped_file.h"
#include "core/onnx/external_data.h"

namespace onnxport::onnx {

class TensorReader {
 public:
  // Of a message with its bytes in it.
  explicit TensorReader(std::filesystem::path file) : file_(std::move(file)), external_(file_) {}
  // Of a message without them (wire.h): `mapped` is the file.
  TensorReader(std::filesystem::path file, std::shared_ptr<const MappedFile> mapped, bool has_folder)
      : file_(std::move(file)),
        path_(std::make_shared<const std::string>(file_.string())),
        mapped_(std::move(mapped)),
        external_(file_, has_folder) {}

  const std::filesystem::path& file() const { return file_; }
  // Files beside the model that were read from.
  std::vector<std::filesystem::path> other_files() const { return external_.files(); }

  // Throws Error I12x, its place the file.
  ir::Tensor tensor(const pb::TensorProto& proto);
  // Whether the graph can hold its contents.
  static bool holds(const pb::TensorProto& proto);
  // The message with its bytes in it, for what the graph cannot hold.
  pb::TensorProto whole(const pb::TensorProto& proto) const;

 private:
  std::filesystem::path file_;
  std::shared_ptr<const std::string> path_;
  std::shared_ptr<const MappedFile> mapped_;  // null: the messages hold their bytes
  ExternalData external_;
};

}  // namespace onnxport::onnx
