#include "core/ir/node_location.h"

namespace onnxport::ir {

Location location_of(const Node& node, const Provenance* from) {
  Location place;
  place.node = std::string(node.op_text());
  if (from != nullptr) {
    place.module_path = from->module_path;
    place.source = from->source;
  }
  return place;
}

}  // namespace onnxport::ir
