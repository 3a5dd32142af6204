// Bytes as a hostile plugin: a mapping, a rule or an inference that calls the host's tables in any order with anything. The
// host never crashes; what it refuses has a code; and of an attempt that is not done nothing stays in the graph.
#include "core/host/context.h"
#include "core/host/host.h"
#include "core/ir/pivot.h"
#include "core/passes/pass_rule.h"
#include "core/passes/passes.h"
#include "fuzz/abi_calls.h"
#include "fuzz/refusals.h"
#include "fuzz/sample_graph.h"

namespace onnxport::fuzz {
namespace {

constexpr const char* kPlugin = "com.test.plugin";
int32_t call(onnxport_context* context, const void* user) {
  return make_calls(context, *static_cast<Choices*>(const_cast<void*>(user)));
}

// Of a plugin's own words there may be no code; everything else has one.
void check_cause(Diagnostic cause) {
  if (cause.message.empty()) stop("a failure that says nothing");
  if (cause.code.empty()) cause.code = "T503";
  check_refusal(cause, "");
}

// As it prints when constants that nobody reads are gone: those of a failed call are left to the pass that does that.
std::string text_of(ir::Graph& graph) {
  remove_dead_code(graph);
  return ir::print(graph);
}

void as_mapping(Choices& choices) {
  const auto graph = sample_graph();
  GraphBuilder builder(*graph, kPivotOpset);
  const auto values = graph->body().parameters();
  ir::Graph torch(ir::Graph::Dialect::torch);
  ir::Node* node = torch.create("test::op");
  static const ir::Schema schema = ir::parse_schema(
      "test::op(Tensor x, float scale=2, int[] sizes=[1], Tensor[] more=[], str word=\"w\", ScalarType? "
      "k=None, "
      "Tensor? body=None, int axis=1) -> (Tensor, Tensor[])");
  torch.body().add_result(node->add_output(ir::Type::tensor(ir::DType::f32, std::nullopt)));
  torch.body().add_result(node->add_output(ir::Type::list(ir::Type::tensor())));
  torch.append(torch.body(), node);
  const Argument x = Argument::of(values[0]);
  const std::vector<Argument> arguments = {
      x,
      Argument{2.5},
      Argument::list_of({Argument{int64_t{3}}, Argument::of(values[1], true)}),
      Argument::list_of({x, Argument{}, Argument::of(values[2])}),
      Argument{std::string("word")},
      Argument{ir::DType::f16},
      Argument{},
      Argument{int64_t{-1}}};
  const onnxport_mapping mapping{to_abi("test::op"), 0, 0, 0, 0, call, &choices};
  Candidate candidate;
  candidate.plugin_id = kPlugin;
  candidate.plugin_version = "1.0.0";
  candidate.mapping = &mapping;
  Call torch_call;
  torch_call.schema = &schema;
  torch_call.name = "test::op";
  torch_call.arguments = arguments;
  torch_call.outputs = node->outputs();
  torch_call.target_opset = 20;
  const std::string before = ir::print(*graph);
  const Outcome out = run_mapping(candidate, torch_call, builder, one_plugin());
  if (out.status == Outcome::Status::failed) check_cause(out.cause);
  if (out.status != Outcome::Status::done && text_of(*graph) != before)
    stop("a mapping that is not done changed the graph:\n" + before + ir::print(*graph));
  if (builder.open_blocks() != 0) stop("a block is left open");
  check_graph(*graph);
}

void as_rule(Choices& choices) {
  const auto graph = sample_graph();
  const std::vector<ir::Node*> nodes = nodes_of(*graph);
  GraphBuilder builder(*graph, kPivotOpset);
  static const ManifestPass pass = [] {
    ManifestPass made;
    made.name = "fuzz";
    return made;
  }();
  static const std::map<std::string, int, std::less<>> domains = {{"com.test", 3}};
  const PassEntry entry{kPlugin, "1.0.0", &pass, &domains, false};
  const onnxport_rule rule{to_abi(""), to_abi("Add"), call, &choices};
  const auto made = make_library_rule(rule);
  std::vector<Diagnostic> notes;
  BlockOrder order;
  RewriteContext context{builder, order, one_plugin(), entry, notes, 20};
  ir::Node* root = nodes[choices.below(nodes.size())];
  const std::string before = ir::print(*graph);
  bool done = false;
  try {
    done = made->apply(*root, context);
  } catch (const Error& e) {
    check_cause(e.diagnostics().front());
    if (e.diagnostics().front().code == "T506")
      return check_graph(*graph);  // what it emitted is read by nothing
  }
  if (!done && text_of(*graph) != before)
    stop("a rule that is not done changed the graph:\n" + before + ir::print(*graph));
  check_graph(*graph);
}

// What an inference answers is given to the values of a node.
class Answer : public OperatorInference {
 public:
  explicit Answer(Choices& choices) : choices_(choices) {}
  std::optional<Result> infer(const onnx::NodeView& node, GraphBuilder& builder) const override {
    onnxport_context context(builder, builder.opset());
    context.view = &node;
    context.registry = &one_plugin();
    context.plugin_id = kPlugin;
    context.types.assign(node.outputs, ir::Type::tensor());
    context.elements.resize(node.outputs);
    call(&context, &choices_);
    if (context.failed) {
      if (context.cause.message.empty()) context.cause.message = "no reason";  // as the host does
      throw Error(context.cause);
    }
    return Result{std::move(context.types), std::move(context.elements)};
  }

 private:
  Choices& choices_;
};

void as_inference(Choices& choices) {
  const auto graph = sample_graph();
  GraphBuilder builder(*graph, kPivotOpset);
  const Answer answer(choices);
  builder.set_operator_inference(&answer);
  const auto values = graph->body().parameters();
  std::vector<ir::Value*> inputs = {values[0], nullptr, builder.constant(ir::Tensor::ints({2, 3}))};
  std::vector<ir::Attribute> attributes;
  attributes.push_back(builder.attribute("axis", int64_t{1}));
  attributes.push_back(builder.attribute("name", std::string("word")));
  const std::string before = ir::print(*graph);
  try {
    builder.emit("com.test", "Thing", inputs, std::move(attributes), 3);
  } catch (const Error& e) {
    check_cause(e.diagnostics().front());
    if (ir::print(*graph) != before)
      stop("an inference that failed changed the graph:\n" + before + ir::print(*graph));
  }
  check_graph(*graph);
}

}  // namespace
}  // namespace onnxport::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace onnxport::fuzz;
  Choices choices({data, size});
  switch (choices.below(3)) {
    case 0:
      as_mapping(choices);
      break;
    case 1:
      as_rule(choices);
      break;
    default:
      as_inference(choices);
  }
  return 0;
}
