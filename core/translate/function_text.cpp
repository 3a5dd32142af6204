#include "core/translate/function_text.h"

#include <algorithm>
#include <functional>
#include <unordered_map>

#include "core/builder/function.h"
#include "core/legalize/legalize.h"
#include "core/onnx/functions.h"
#include "core/onnx/schemas.h"

namespace onnxport {
namespace {

// Local functions came with IR version 8, which opset 15's release wrote first.
constexpr int kFirstOpsetWithFunctions = 15;

// What ONNX's parser takes. Its errors count lines of the text, so the header stays on the first one.
pb::FunctionProto parse(const FunctionCall& call, const std::string& text) {
  std::string header = "<domain: \"" + call.domain +
                       "\", opset_import: [\"\": " + std::to_string(call.opset) + "]> function_body ";
  if (!call.attributes.empty()) {
    header += '<';
    for (const ir::Attribute& a : call.attributes)
      header += (header.back() == '<' ? "" : ", ") + std::string(a.name.text());
    header += "> ";
  }
  return onnx::parse_function(header + text);
}

// What the reader of model files says of a part of the text is a mistake of the text: there is no file.
template <typename Body>
auto of_text(Body body) {
  try {
    return body();
  } catch (const Error& e) {
    Diagnostic why = e.diagnostics().front();
    if (why.code.empty() || why.code.front() != 'I') throw;
    why.code = "T512";
    why.hint = "correct the text of the function";
    throw Error(std::move(why));
  }
}

// Whether every operator of the nodes means the same at both opsets.
template <typename Nodes>
bool same_operators(const Nodes& nodes, int a, int b) {
  return a == b || std::all_of(nodes.begin(), nodes.end(), [&](const pb::NodeProto& node) {
           const auto* at_a = onnx::find_schema(node.op_type(), node.domain(), a);
           const auto* at_b = onnx::find_schema(node.op_type(), node.domain(), b);
           if (at_a != nullptr && at_b != nullptr && at_a->SinceVersion() != at_b->SinceVersion())
             return false;
           if ((at_a == nullptr) != (at_b == nullptr)) return false;
           return std::all_of(node.attribute().begin(), node.attribute().end(),
                              [&](const pb::AttributeProto& attribute) {
                                return same_operators(attribute.g().node(), a, b);
                              });
         });
}

// Emits the nodes of a block of another graph.
class GraphCloner {
 public:
  GraphCloner(GraphBuilder& builder, std::unordered_map<const ir::Value*, ir::Value*> known)
      : builder_(builder), known_(std::move(known)) {}

  ir::Value* operator[](const ir::Value* value) {
    if (value == nullptr) return nullptr;
    ir::Value*& here = known_[value];
    if (here == nullptr && value->is_constant()) here = builder_.constant(*value->constant());
    return here;
  }

  void nodes_of(const ir::Block& block) {
    for (const ir::Node* node : block) {
      std::vector<ir::Value*> inputs;
      for (size_t i = 0; i < node->operand_count(); ++i) inputs.push_back((*this)[node->operand(i)]);
      std::vector<ir::Attribute> attributes;
      for (const ir::Attribute& a : node->attributes()) {
        auto* const* inner = std::get_if<ir::Block*>(&a.value);
        attributes.push_back(builder_.attribute(
            a.name.text(), inner == nullptr ? a.value : ir::AttributeValue(this->block(**inner))));
      }
      const auto [domain, op_type] = onnx::split_op(node->op_text());
      const auto made = builder_.emit(domain, op_type, inputs, std::move(attributes), node->output_count());
      for (size_t i = 0; i < made.size(); ++i) known_[node->output(i)] = made[i];
    }
  }

 private:
  ir::Block* block(const ir::Block& source) {
    std::vector<std::pair<std::string, ir::Type>> parameters;
    for (const ir::Value* p : source.parameters()) parameters.emplace_back(p->name().text(), p->type());
    const ir::Block* made = builder_.begin_block(parameters);
    for (size_t i = 0; i < parameters.size(); ++i) known_[source.parameters()[i]] = made->parameters()[i];
    nodes_of(source);
    std::vector<ir::Value*> results;
    for (size_t i = 0; i < source.result_count(); ++i) results.push_back((*this)[source.result(i)]);
    return builder_.end_block(results);
  }

  GraphBuilder& builder_;
  std::unordered_map<const ir::Value*, ir::Value*> known_;
};

// Emits the body in a graph of its own at the text's opset, walks it to the builder's, and moves it over.
std::vector<ir::Value*> emit_brought_up(const FunctionCall& call, const pb::FunctionProto& function,
                                        GraphBuilder& builder, Registry& registry) {
  ir::Graph graph(ir::Graph::Dialect::onnx);
  graph.opsets = builder.graph().opsets;
  graph.opsets[""] = call.opset;
  graph.symbols = builder.graph().symbols;
  std::unordered_map<const ir::Value*, ir::Value*> outside;
  std::vector<ir::Value*> inputs;
  for (ir::Value* v : call.inputs) {
    ir::Value* inside = nullptr;
    if (v != nullptr && v->is_constant())
      inside = graph.add_initializer(v->name().text(), *v->constant());
    else if (v != nullptr)
      inside = graph.add_input(v->name().text(), v->type());
    if (inside != nullptr) outside[inside] = v;
    inputs.push_back(inside);
  }
  std::vector<ir::Attribute> attributes;
  {
    GraphBuilder there(graph, call.opset);
    for (const ir::Attribute& a : call.attributes)
      attributes.push_back(there.attribute(a.name.text(), a.value));
    graph.body().set_results(emit_function(function, there, inputs, attributes));
  }
  std::vector<Diagnostic> notes;
  legalize(graph, builder.opset(), registry, notes);
  GraphCloner transplant(builder, std::move(outside));
  transplant.nodes_of(graph.body());
  std::vector<ir::Value*> out;
  for (size_t i = 0; i < graph.body().result_count(); ++i) out.push_back(transplant[graph.body().result(i)]);
  return out;
}

// One node that calls the function, and the function in the model.
std::vector<ir::Value*> emit_kept(const FunctionCall& call, pb::FunctionProto function,
                                  const std::vector<ir::Type>& types, GraphBuilder& builder) {
  ir::Graph& graph = builder.graph();
  function.set_domain(call.domain);
  function.set_name(call.name);
  function.mutable_opset_import(0)->set_version(call.target_opset);
  const bool there =
      std::any_of(graph.functions.begin(), graph.functions.end(),
                  [&](const ir::LocalFunction& f) { return f.domain == call.domain && f.name == call.name; });
  if (!there) graph.functions.push_back({call.domain, call.name, function.SerializeAsString()});
  graph.opsets.try_emplace(call.domain, 1);
  auto made = builder.emit(call.domain, call.name, call.inputs, call.attributes, types.size());
  for (size_t i = 0; i < made.size(); ++i) made[i]->set_type(types[i]);
  return made;
}

}  // namespace

std::vector<ir::Value*> emit_function(const FunctionCall& call, const std::string& text,
                                      GraphBuilder& builder, Registry& registry,
                                      std::vector<std::string>& notes) {
  const pb::FunctionProto function = parse(call, text);
  const GraphBuilder::Mark mark = builder.mark();
  const auto inlined = [&] {
    return same_operators(function.node(), call.opset, builder.opset())
               ? emit_function(function, builder, call.inputs, call.attributes)
               : emit_brought_up(call, function, builder, registry);
  };
  std::vector<ir::Value*> out = of_text(inlined);
  if (!call.keep) return out;
  if (call.target_opset < kFirstOpsetWithFunctions ||
      !same_operators(function.node(), call.opset, call.target_opset)) {
    notes.push_back("the function " + call.name + " is inlined: its text, written for opset " +
                    std::to_string(call.opset) + ", would mean something else in a model of opset " +
                    std::to_string(call.target_opset));
    return out;
  }
  std::vector<ir::Type> types;
  for (const ir::Value* v : out) types.push_back(v == nullptr ? ir::Type::tensor() : v->type());
  builder.rollback(mark);
  return emit_kept(call, function, types, builder);
}

}  // namespace onnxport
