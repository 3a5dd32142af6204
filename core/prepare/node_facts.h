// Small questions about nodes of the torch dialect.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/ir/graph.h"
#include "onnxport/errors.h"

namespace onnxport {

// "aten::add" of "aten::add.Tensor".
std::string_view operator_base_name(std::string_view op);

// What the value is when a prim::Constant defines it.
const ir::AttributeValue* constant_value(const ir::Value* value);
std::optional<int64_t> constant_int(const ir::Value* value);
std::optional<bool> constant_bool(const ir::Value* value);
// The items of a constant list of ints, or of a prim::ListConstruct of constant ints.
std::optional<std::vector<int64_t>> constant_ints(const ir::Value* value);

bool is_construct(const ir::Node& node);  // list, tuple or dict
// May hold or be a tensor or a container: everything but numbers, strings, dtypes and None.
bool has_storage(const ir::Value& value);

// New nodes of an edit: where they go, and whom they stand for.
class NodeMaker {
 public:
  // Before `before`; at the end of `block` when that is null.
  NodeMaker(ir::Block& block, ir::Node* before, const ir::Provenance* provenance)
      : block_(block), before_(before), provenance_(provenance) {}
  explicit NodeMaker(ir::Node& before) : NodeMaker(*before.parent(), &before, before.provenance()) {}

  ir::Node* node(std::string_view op, std::span<ir::Value* const> operands, const ir::Schema* schema,
                 size_t outputs, const ir::Type& type = {});
  // A node of the schema's operator, by the schema's text.
  ir::Value* call(std::string_view schema, std::span<ir::Value* const> operands, const ir::Type& type = {});
  ir::Value* constant(ir::AttributeValue value, const ir::Type& type);
  ir::Value* integer(int64_t value) { return constant(value, ir::Type::integer()); }
  ir::Value* ints(std::vector<int64_t> values) {
    return constant(std::move(values), ir::Type::list(ir::Type::integer()));
  }
  // A copy of `node` (without blocks) with other operands.
  ir::Node* replay(const ir::Node& node, std::span<ir::Value* const> operands);

 private:
  void place(ir::Node* node);

  ir::Block& block_;
  ir::Node* before_;
  const ir::Provenance* provenance_;
};

}  // namespace onnxport
