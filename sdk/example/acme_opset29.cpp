// An opset of ai.onnx as somebody else may bring it, before onnxport or the ONNX library knows it: a made-up opset 29 has a new
// operator, Wobble, with its table, its body and its types. (The table holds what the example needs; a real one lists every
// operator: sdk/tools/generate_opset_table.cpp writes it from an ONNX library that knows the opset.)
#include "onnxport/plugin.hpp"

using namespace onnxport;

namespace {

constexpr uint64_t kAny = 0;
constexpr onnxport_param kOne[] = {{"X", ONNXPORT_PARAM_SINGLE, 0, kAny}};
constexpr onnxport_param kTwo[] = {{"A", ONNXPORT_PARAM_SINGLE, 0, kAny},
                                   {"B", ONNXPORT_PARAM_SINGLE, 0, kAny}};
constexpr onnxport_param kThree[] = {{"A", ONNXPORT_PARAM_SINGLE, 0, kAny},
                                     {"B", ONNXPORT_PARAM_SINGLE, 0, kAny},
                                     {"C", ONNXPORT_PARAM_OPTIONAL, 0, kAny}};
constexpr onnxport_attr_def kGemm[] = {
    {"alpha", ONNXPORT_ATTR_FLOAT, 0, 1, 0, 0, 1.0, nullptr, nullptr, nullptr, nullptr},
    {"beta", ONNXPORT_ATTR_FLOAT, 0, 1, 0, 0, 1.0, nullptr, nullptr, nullptr, nullptr},
    {"transA", ONNXPORT_ATTR_INT, 0, 1, 0, 0, 0, nullptr, nullptr, nullptr, nullptr},
    {"transB", ONNXPORT_ATTR_INT, 0, 1, 0, 0, 0, nullptr, nullptr, nullptr, nullptr}};

// By name. The last is new in 29: at the opsets before it, its body stands for it.
constexpr onnxport_op_def kOps[] = {
    {"Add", 14, 0, ONNXPORT_BODY_NONE, 2, 1, 0, kTwo, kOne, nullptr, nullptr, 0, 0},
    {"Gemm", 13, 0, ONNXPORT_BODY_NONE, 3, 1, 4, kThree, kOne, kGemm, nullptr, 0, 0},
    {"Mul", 14, 0, ONNXPORT_BODY_NONE, 2, 1, 0, kTwo, kOne, nullptr, nullptr, 0, 0},
    {"Sigmoid", 13, 0, ONNXPORT_BODY_NONE, 1, 1, 0, kOne, kOne, nullptr, nullptr, 0, 0},
    {"Wobble", 29, 0, ONNXPORT_BODY_TEXT, 1, 1, 0, kOne, kOne, nullptr,
     "(X) => (Y) { s = Sigmoid (X)  Y = Mul (X, s) }", 0, 0}};
constexpr uint32_t kCount = sizeof kOps / sizeof *kOps;

// acme::swish2(Tensor x) -> Tensor
Value swish2(Op& op) { return op.node("Wobble", {op["x"]}); }

void infer_wobble(Inferred& node) { node.set_like(0, node.input(0)); }

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"com.acme.opset29", "1.0.0"},
                             Contents{{Mapping("acme::swish2", swish2).opset(29, 0)},
                                      {{"", 29, 14, kOps, kCount, {}, {}}},
                                      {},
                                      {{"", "Wobble", infer_wobble}}});
  return plugin.table();
}
