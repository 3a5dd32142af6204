// Attribute values and tensor elements of the graph's text form.
#pragma once

#include "core/ir/graph.h"
#include "core/ir/scanner.h"

namespace onnxport::ir {

// "{1.0, 2.0}" for a tensor of that (fully known) type.
Tensor parse_elements(Scanner& scanner, const Type& type);
// Anything but a block reference.
AttributeValue parse_attribute_value(Scanner& scanner);

}  // namespace onnxport::ir
