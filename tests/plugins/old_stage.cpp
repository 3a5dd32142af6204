// A pass at a stage that there is not.
#include "onnxport/plugin.hpp"

using namespace onnxport;

namespace {

Value to_abs(Node& node) { return node.Abs(node.input(0)); }

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"com.test.passes", "1.0.0"}, {}, {},
                             {{"old-stage", "legalize", {{"Neg", to_abs}}}});
  return plugin.table();
}
