// The inside of an builder: inference, what is known of values, what can be had again, and the log that undoes it.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/builder/graph_builder.h"
#include "core/builder/node_inputs.h"

namespace onnxport {

struct GraphBuilder::State {
  explicit State(GraphBuilder& owner);

  // ---- shape data ----
  // Of a value made by someone else they are found by walking to where it comes from.
  const std::vector<ir::Dim>* shape_data(const ir::Value* value, int depth = 0);
  void set_shape_data(const ir::Value* value, std::vector<ir::Dim> dims);

  // ---- values to be had again ----
  // A constant of shape data that is all numbers, or a value in scope that is known to hold the same.
  ir::Value* find(const std::vector<ir::Dim>& dims, const ir::Type& type);
  void offer(ir::Value* value, const std::vector<ir::Dim>& dims);
  bool is_in_scope(const ir::Value* value, uint64_t position) const;

  ir::Value* constant(const ir::Tensor& tensor);

  // ---- undoing ----
  struct Entry {
    enum class Kind : uint8_t { shape_data, offer, constant, block } kind;
    std::string key;                             // offer, constant
    const ir::Value* value = nullptr;            // shape data, constant
    ir::Block* block = nullptr;                  // block
    std::optional<std::vector<ir::Dim>> before;  // shape data
  };
  void undo(const Entry& entry);

  struct Offer {
    ir::Value* value;
    uint64_t position;  // where the builder stood
  };

  GraphBuilder& builder;
  onnx::Inference inference;
  NodeInputs::ShapeDataOf shape_data_of;
  // nullopt: looked for, not found.
  std::unordered_map<const ir::Value*, std::optional<std::vector<ir::Dim>>> known;
  std::unordered_map<std::string, std::vector<Offer>> offers;
  std::unordered_map<std::string, ir::Value*> constants;
  std::vector<Entry> log;
  uint64_t position = 0;  // counts moves of the insertion point to before a node; 0: at the end of a block
  uint64_t last_position = 0;
};

}  // namespace onnxport
