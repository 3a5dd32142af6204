// Squeeze(Slice(sizes, [i], [i + 1])) -> Gather(sizes, i): how one size is read where Shape has no bounds yet (below 15).
#include "core/builder/graph_builder.h"
#include "core/passes/passes.h"
#include "core/passes/rewriting.h"

namespace onnxport {
namespace {

constexpr int kFirstWithBoundsAsInputs = 10;

// The one number that the input (the attribute below opset 10) of a Slice holds; nullopt: there is none, or several.
std::optional<int64_t> single_bound(const ir::Node& slice, int opset, size_t operand, std::string_view name) {
  std::optional<std::vector<int64_t>> numbers;
  if (opset >= kFirstWithBoundsAsInputs) {
    numbers = small_constant_ints(operand_or_null(slice, operand));
  } else if (const auto* given = slice.attribute_as<std::vector<int64_t>>(name)) {
    numbers = *given;
  }
  if (!numbers || numbers->size() != 1) return std::nullopt;
  return numbers->front();
}

// The place of the one element that the Slice takes of a list whose length is known.
std::optional<int64_t> single_element(const ir::Node& slice, int opset) {
  const ir::Type& of = slice.operand(0)->type();
  if (of.rank() != 1 || !ir::is_integral(of.dtype()) || !(*of.shape())[0].is_constant()) return std::nullopt;
  const int64_t length = (*of.shape())[0].value();
  auto start = single_bound(slice, opset, 1, "starts");
  auto end = single_bound(slice, opset, 2, "ends");
  if (!start || !end) return std::nullopt;
  if (const ir::Value* steps = operand_or_null(slice, 4)) {
    const auto step = small_constant_ints(steps);
    if (!step || *step != std::vector<int64_t>{1}) return std::nullopt;
  }
  if (*start < 0) *start += length;
  if (*end < 0) *end += length;
  *end = std::min(*end, length);
  if (*start < 0 || *end != *start + 1) return std::nullopt;
  return start;
}

}  // namespace

void gather_single_sizes(ir::Graph& graph, int opset) {
  GraphBuilder builder(graph, opset);
  std::vector<ir::Node*> squeezes;
  ir::for_each_node(graph.body(), [&](ir::Node* node) {
    if (is_op(node, "Squeeze") && producer_of(node->operand(0), "Slice") != nullptr) squeezes.push_back(node);
  });
  for (ir::Node* squeeze : squeezes) {
    const ir::Node& slice = *squeeze->operand(0)->producer();
    const std::optional<int64_t> place = single_element(slice, opset);
    if (!place || squeeze->output()->type().rank() != 0) continue;
    builder.insert_before(squeeze);
    builder.set_provenance(squeeze->provenance());
    replace(squeeze->output(), builder.emit1("Gather", {slice.operand(0), builder.constant(*place)},
                                             {builder.attribute("axis", int64_t{0})}));
  }
}

}  // namespace onnxport
