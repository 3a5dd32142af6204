// Where the bytes of initializers go: into the model, into a file beside it, or nowhere (they stay in the archive).
#pragma once

#include <string>
#include <vector>

#include "core/ir/graph.h"
#include "core/onnx/convert.h"
#include "core/serialize/names.h"
#include "core/serialize/output_file.h"
#include "core/serialize/serialize.h"

namespace onnxport {

// One initializer: its TensorProto but for inline bytes.
struct StoredTensor {
  const ir::Value* value = nullptr;
  std::string message;
  bool is_inline = true;
  uint64_t offset = 0;  // in the data file
};

struct StoragePlan {
  std::vector<StoredTensor> tensors;      // in the graph's order
  std::vector<const StoredTensor*> data;  // entries of the data file, by offset
};

// Every used initializer. `model` names the model's file (its data file is called after it); without one
// everything is inline. Throws Error S706 where --weights reference cannot be honoured.
StoragePlan plan_storage(const ir::Graph& graph, const Names& names, const SerializeOptions& options,
                         const std::filesystem::path* model);

// The model's bytes: `model` with its graph, completed by the initializers. Throws Error S702 above 2 GiB
// before anything is written.
void write_messages(const pb::ModelProto& model, const StoragePlan& plan, ByteSink& sink);
void write_data(const StoragePlan& plan, OutputFile& file);

}  // namespace onnxport
