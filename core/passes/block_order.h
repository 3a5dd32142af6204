// Which of two nodes of one block comes first, while rewrites add and remove nodes.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "core/ir/graph.h"

namespace onnxport {

// A block is numbered when it is first asked about; a node that was added since is placed by its neighbours.
class BlockOrder {
 public:
  // Both in one block.
  bool is_before(const ir::Node& a, const ir::Node& b);

 private:
  uint64_t number_of(const ir::Node& node);

  std::unordered_set<const ir::Block*> numbered_;
  std::unordered_map<const ir::Node*, uint64_t> numbers_;
};

}  // namespace onnxport
