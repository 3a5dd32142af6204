#include "shared.h"
#include "table.h"

namespace {

using namespace onnxport;
using shared::sure;

Value expand_to_7(Node& node) { return node.expand(node.input(0), node.input(1)); }

// Max, Min, Sum and Mean took values of one shape.
Value broadcasting_to_7(Node& node) {
  Value out = node.input(0);
  const std::string op(node.op_type());
  for (size_t i = 1; i < node.input_count(); ++i) {
    const Value x = node.input(i);
    out = op == "Max" ? node.maximum(out, x) : op == "Min" ? node.minimum(out, x) : out + x;
  }
  return op == "Mean" ? out / static_cast<double>(node.input_count()) : out;
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"org.onnxport.opset.8", "0.1.0"}, {},
                             {opset_with({{"Expand", sure<expand_to_7>},
                                          {"Max", sure<broadcasting_to_7>},
                                          {"Mean", sure<broadcasting_to_7>},
                                          {"Min", sure<broadcasting_to_7>},
                                          {"Sum", sure<broadcasting_to_7>}})});
  return plugin.table();
}
