// What an operator of another library writes, by its schema.
#pragma once

#include <vector>

#include "core/ir/graph.h"

namespace onnxport::ir {

struct CustomWrites {
  std::vector<size_t> arguments;  // written, in the order of the schema
  std::vector<int> returned;      // per return: the written argument that it is, or -1
  bool of_lists = false;          // one of them is a list of tensors
};

// Without a schema nothing is known to be written.
CustomWrites custom_writes(const Node& node);

// The schema of the same operator without writes: the returns that are no written argument, then one per
// written argument.
Schema functional_schema_of(const Schema& schema, const CustomWrites& writes);

}  // namespace onnxport::ir
