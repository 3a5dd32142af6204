// A whole ONNX file, of any producer: read once, made into a graph as often as one is wanted.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/ir/graph.h"
#include "core/onnx/model_facts.h"
#include "core/onnx/tensor_reader.h"

namespace onnxport::onnx {

// The graph, and what the file says beside it. Constants that nodes make are initializers; local functions are graphs of their
// own, so that `graph->functions` is empty.
struct ModelForm {
  std::unique_ptr<ir::Graph> graph;
  ModelFacts facts;
};

class ModelFile {
 public:
  // Weights stay in the mapped file. `has_folder`: false for bytes in memory, which have no files beside them. Throws Error
  // I121, I122, I123.
  explicit ModelFile(const std::filesystem::path& file, bool has_folder = true);

  const std::filesystem::path& path() const { return path_; }
  int opset() const;  // of ai.onnx; 0: the file names none
  const pb::ModelProto& proto() const { return proto_; }

  // Throws Error I123, I124, I125.
  ModelForm read() const;
  // The body of a function for one call of it (GraphReader::read).
  LocalFunctionForm read_call(const pb::FunctionProto& function,
                              const std::vector<pb::AttributeProto>& given) const;
  // The files beside the model that its tensors name, whether they exist or not.
  std::vector<std::filesystem::path> data_files() const;

 private:
  std::filesystem::path path_;
  bool has_folder_;
  std::shared_ptr<const MappedFile> mapped_;
  pb::ModelProto proto_;  // without raw_data, see wire.h
};

}  // namespace onnxport::onnx
