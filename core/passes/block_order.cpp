#include "core/passes/block_order.h"

#include <limits>

namespace onnxport {

uint64_t BlockOrder::number_of(const ir::Node& node) {
  if (numbered_.insert(node.parent()).second) {
    uint64_t next = 0;
    for (const ir::Node* n : *node.parent()) numbers_[n] = next++;
  }
  const ir::Node* after = &node;
  auto known = numbers_.find(after);
  while (known == numbers_.end()) {
    after = after->next();
    if (after == nullptr) break;
    known = numbers_.find(after);
  }
  const uint64_t number = after == nullptr ? std::numeric_limits<uint64_t>::max() : known->second;
  for (const ir::Node* n = &node; n != after; n = n->next()) numbers_[n] = number;
  return number;
}

bool BlockOrder::is_before(const ir::Node& a, const ir::Node& b) {
  if (&a == &b) return false;
  const uint64_t x = number_of(a), y = number_of(b);
  if (x != y) return x < y;
  // Added at one place: few.
  for (const ir::Node* n = a.next(); n != nullptr && number_of(*n) == x; n = n->next()) {
    if (n == &b) return true;
  }
  return false;
}

}  // namespace onnxport
