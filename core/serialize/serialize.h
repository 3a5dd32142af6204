// serialize: ONNX graph -> ModelProto bytes and external data, deterministic, written whole or not at all.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "core/ir/graph.h"
#include "core/onnx/model_facts.h"
#include "onnxport/options.h"

namespace onnxport {

struct SerializeOptions {
  int ir_version = 0;  // 0: what the plugin of the opset says (Graph::ir_version), else the newest
  Weights weights = Weights::automatic;
  uint64_t external_threshold = 1024;
  bool strip = false;
  bool keep_initializers_as_inputs = false;
  std::filesystem::path source_model;  // for --weights reference: the archive weights may point into
  // Of a model that was read from an ONNX file: what the file says beside the graph (it outlives the call). Weights::automatic
  // then keeps each weight where it is, in the model or in a file of its own: that one, where the output is beside it, else
  // a copy of it.
  const onnx::ModelFacts* facts = nullptr;
  bool keep_listed_inputs = false;       // initializers that the file lists among its inputs stay there
  std::function<void()> before_publish;  // may throw: then nothing appears under the final names
};

// Writes `file` (and `file`.data). Runs ONNX's full check first (S701). Throws Error S7xx; nothing is left behind.
void write_model(const ir::Graph& graph, const std::filesystem::path& file, const SerializeOptions& options);
// One piece after another, weights inline (S702 above 2 GiB).
void write_model(const ir::Graph& graph, const std::function<void(std::span<const std::byte>)>& sink,
                 const SerializeOptions& options);
// ONNX's full check (checker + strict inference) of a written file. Throws Error S701.
void check_model_file(const std::filesystem::path& file);

// A TensorProto file (input_0.pb …).
void write_tensor_file(const ir::Tensor& tensor, std::string_view name, const std::filesystem::path& file);

}  // namespace onnxport
