// What the results of an operator share memory with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/ir/graph.h"

namespace onnxport {

struct Aliasing {
  enum class Kind : uint8_t {
    fresh,   // memory of its own
    same,    // the operand itself
    view,    // other geometry over the operand's memory
    either,  // the operand's memory or a copy: depends on strides, dtype or device
  };
  Kind kind = Kind::fresh;
  size_t operand = 0;
};

// Of output `output`. In-place operators give `same` for what they return.
Aliasing aliasing_of(const ir::Node& node, size_t output = 0);

// The operand the node writes to, or -1.
int written_operand(const ir::Node& node);
// Whether it writes to a list or dict (append, _set_item, …) rather than to a tensor.
bool writes_container(const ir::Node& node);
// In-place operators that change the geometry, not the contents: transpose_, unsqueeze_, …
bool changes_geometry(const ir::Node& node);

// Surely row-major without gaps, so that reshape of it is a view.
bool is_contiguous(const ir::Value& value);

}  // namespace onnxport
