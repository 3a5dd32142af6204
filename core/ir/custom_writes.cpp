#include "core/ir/custom_writes.h"

namespace onnxport::ir {

CustomWrites custom_writes(const Node& node) {
  CustomWrites out;
  if (node.schema() == nullptr) {
    out.returned.assign(node.output_count(), -1);
    return out;
  }
  const Schema& schema = *node.schema();
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    if (!schema.arguments[i].is_written) continue;
    out.arguments.push_back(i);
    out.of_lists = out.of_lists || schema.arguments[i].is_list();
  }
  for (size_t i = 0; i < node.output_count(); ++i) {
    int same = -1;
    for (const size_t k : out.arguments) {
      const bool aliases = i < schema.returns.size() && !schema.returns[i].alias_set.empty() &&
                           schema.returns[i].alias_set == schema.arguments[k].alias_set;
      if (aliases) same = static_cast<int>(k);
    }
    out.returned.push_back(same);
  }
  return out;
}

Schema functional_schema_of(const Schema& schema, const CustomWrites& writes) {
  Schema out = schema;
  out.returns.clear();
  for (SchemaArgument& argument : out.arguments) {
    argument.is_written = false;
    argument.alias_set.clear();
  }
  for (size_t i = 0; i < schema.returns.size(); ++i) {
    if (i < writes.returned.size() && writes.returned[i] >= 0) continue;
    out.returns.push_back(schema.returns[i]);
    out.returns.back().alias_set.clear();
    out.returns.back().is_written = false;
  }
  for (const size_t k : writes.arguments) {
    SchemaArgument contents;
    contents.name = schema.arguments[k].name;
    contents.type = "Tensor";
    out.returns.push_back(std::move(contents));
  }
  return out;
}

}  // namespace onnxport::ir
