#include "core/prepare/clone.h"

#include <vector>

namespace onnxport {

namespace {

ir::Value* mapped(ir::Value* value, const ValueMap& map) {
  const auto found = map.find(value);
  return found == map.end() ? value : found->second;
}

void clone_block(const ir::Block& from, ir::Block& to, ValueMap& map) {
  for (ir::Value* parameter : from.parameters())
    map[parameter] = to.add_parameter(parameter->type(), parameter->name());
  for (const ir::Node* node : from) to.graph().append(to, clone(*node, map));
  std::vector<ir::Value*> results;
  for (size_t i = 0; i < from.result_count(); ++i) results.push_back(mapped(from.result(i), map));
  to.set_results(results);
}

}  // namespace

ir::Node* clone(const ir::Node& node, ValueMap& map) {
  ir::Graph& graph = node.graph();
  std::vector<ir::Value*> operands;
  for (size_t i = 0; i < node.operand_count(); ++i) operands.push_back(mapped(node.operand(i), map));
  ir::Node* copy = graph.create(node.op(), operands, node.schema());
  copy->set_provenance(node.provenance());
  copy->set_name(node.name());
  for (const ir::Attribute& a : node.attributes()) copy->set_attribute(a.name, a.value);
  for (const ir::Block* block : node.blocks()) clone_block(*block, *copy->add_block(), map);
  for (const ir::Value* output : node.outputs()) {
    ir::Value* value = copy->add_output(output->type());
    value->set_name(output->name());
    map[output] = value;
  }
  return copy;
}

}  // namespace onnxport
