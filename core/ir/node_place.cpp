#include "core/ir/node_place.h"

namespace onnxport::ir {

Place place_of(const Node& node, const Provenance* from) {
  Place place;
  place.node = std::string(node.op_text());
  if (from != nullptr) {
    place.module_path = from->module_path;
    place.source = from->source;
  }
  return place;
}

}  // namespace onnxport::ir
