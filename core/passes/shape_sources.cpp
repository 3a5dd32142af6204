// A size that the graph's inputs have is read of them: the graph then asks nothing of values in its middle,
// and two captures of one model ask alike.
#include <algorithm>

#include "core/builder/graph_builder.h"
#include "core/passes/passes.h"
#include "core/passes/rewriting.h"

namespace onnxport {
namespace {

// Consecutive axes of a graph input.
struct Axes {
  ir::Value* input = nullptr;
  int64_t start = 0;
  int64_t end = 0;

  bool is_whole() const { return start == 0 && end == input->type().rank(); }
};

// What a Shape node reads: the axes of its operand, with negative and missing bounds made plain.
std::optional<Axes> axes_read_by(const ir::Node& shape) {
  ir::Value* of = operand_or_null(shape, 0);
  if (of == nullptr || !of->type().is_tensor() || of->type().rank() < 0) return std::nullopt;
  const int64_t rank = of->type().rank();
  const auto bound = [&](std::string_view name, int64_t otherwise) {
    const int64_t given = integer_attribute(shape, name, otherwise);
    return std::clamp<int64_t>(given < 0 ? given + rank : given, 0, rank);
  };
  return Axes{of, bound("start", 0), bound("end", rank)};
}

// The first axes of an input that have these sizes for certain.
std::optional<Axes> find_axes(const ir::Graph& graph, std::span<const ir::Dim> dims) {
  for (ir::Value* input : graph.body().parameters()) {
    if (!input->type().is_tensor() || !input->type().shape()) continue;
    const ir::Shape& shape = *input->type().shape();
    const auto found = std::search(shape.begin(), shape.end(), dims.begin(), dims.end());
    if (found == shape.end()) continue;
    const int64_t start = found - shape.begin();
    return Axes{input, start, start + static_cast<int64_t>(dims.size())};
  }
  return std::nullopt;
}

ir::Value* emit_shape(const Axes& axes, GraphBuilder& builder) {
  if (axes.is_whole()) return builder.emit1("Shape", {axes.input});
  return builder.emit1("Shape", {axes.input},
                       {builder.attribute("start", axes.start), builder.attribute("end", axes.end)});
}

void read_from_input(ir::Node& shape, GraphBuilder& builder) {
  const std::optional<Axes> own = axes_read_by(shape);
  if (!own || own->start >= own->end) return;
  const ir::Shape& dims = *own->input->type().shape();
  const std::span<const ir::Dim> read(dims.data() + own->start, static_cast<size_t>(own->end - own->start));
  for (const ir::Dim& dim : read) {
    if (dim.is_unknown() || dim.is_anonymous()) return;
  }
  const std::optional<Axes> found = find_axes(builder.graph(), read);
  if (!found || (found->input == own->input && found->start == own->start)) return;
  builder.insert_before(&shape);
  builder.set_provenance(shape.provenance());
  replace(shape.output(), emit_shape(*found, builder));
}

// Concat(Shape(x)[0:1], Shape(x)[1:2], …) -> Concat(Shape(x)[0:2], …)
void join_axes(ir::Node& concat, GraphBuilder& builder) {
  std::vector<ir::Value*> parts;
  std::optional<Axes> last;
  builder.insert_before(&concat);
  builder.set_provenance(concat.provenance());
  for (size_t i = 0; i < concat.operand_count(); ++i) {
    ir::Value* operand = concat.operand(i);
    const ir::Node* shape = producer_of(operand, "Shape");
    std::optional<Axes> own = shape == nullptr ? std::nullopt : axes_read_by(*shape);
    if (own && last && own->input == last->input && own->start == last->end) {
      own->start = last->start;
      operand = emit_shape(*own, builder);
      parts.pop_back();
    }
    parts.push_back(operand);
    last = own;
  }
  if (parts.size() == concat.operand_count()) return;
  ir::Value* joined = parts.size() == 1
                          ? parts.front()
                          : builder.emit("", "Concat", parts, {builder.attribute("axis", int64_t{0})}, 1)[0];
  replace(concat.output(), joined);
}

}  // namespace

void read_dims_of_inputs(ir::Graph& graph, int opset) {
  GraphBuilder builder(graph, opset);
  std::vector<ir::Node*> shapes;
  std::vector<ir::Node*> concats;
  ir::for_each_node(graph.body(), [&](ir::Node* node) {
    if (is_op(node, "Shape")) shapes.push_back(node);
    if (is_op(node, "Concat") && node->output()->type().dtype() == ir::DType::i64) concats.push_back(node);
  });
  for (ir::Node* shape : shapes) read_from_input(*shape, builder);
  for (ir::Node* concat : concats) join_axes(*concat, builder);
}

}  // namespace onnxport
