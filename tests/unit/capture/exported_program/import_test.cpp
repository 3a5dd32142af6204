// Programs written by hand: what every kind of argument becomes, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <complex>

#include "unit/capture/exported_program/programs.h"
#include "unit/capture/schemas_of.h"

namespace onnxport::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string refused(const ProgramText& program) {
  return error_of([&] { capture(program); });
}

// A program of one custom operator that takes the argument, and the value it becomes.
class OneArgument {
 public:
  explicit OneArgument(const std::string& argument) : captured_(capture(program(argument))) {
    for (const ir::Node* n : captured_.graph->body()) {
      if (n->op() == "acme::f") value_ = n->operand(1);
    }
    EXPECT_NE(value_, nullptr);
  }
  static ProgramText program(const std::string& argument) {
    ProgramText out;
    out.inputs = {"x"};
    out.nodes = {node("torch.ops.aten.sym_size.int",
                      {named("self", tensor("x")), named("dim", R"({"as_int": 0})")}, {"n"}),
                 node("torch.ops.acme.f.default", {named("a", tensor("x")), named("b", argument)})};
    const std::string made = R"({"as_tensor": {"name": "n"}})";
    out.nodes[0].replace(out.nodes[0].find(made), made.size(), R"({"as_sym_int": {"as_name": "n"}})");
    return out;
  }

  const ir::Value* value() const { return value_; }
  std::string_view op() const { return value_->producer() == nullptr ? "" : value_->producer()->op_text(); }
  template <typename T>
  T constant() const {
    const ir::AttributeValue held = constant_of(value_);
    const T* found = std::get_if<T>(&held);
    EXPECT_NE(found, nullptr) << "a constant of another kind";
    return found == nullptr ? T() : *found;
  }

 private:
  Captured captured_;
  const ir::Value* value_ = nullptr;
};

TEST(ProgramArguments, Scalars) {
  EXPECT_EQ(OneArgument(R"({"as_int": -9223372036854775808})").constant<int64_t>(), INT64_MIN);
  EXPECT_EQ(OneArgument(R"({"as_float": 0.25})").constant<double>(), 0.25);
  EXPECT_EQ(OneArgument(R"({"as_float": 2})").constant<double>(), 2.0);
  EXPECT_EQ(OneArgument(R"({"as_float": "-Infinity"})").constant<double>(), -HUGE_VAL);
  EXPECT_EQ(OneArgument(R"({"as_bool": true})").constant<bool>(), true);
  EXPECT_EQ(OneArgument(R"({"as_string": "none"})").constant<std::string>(), "none");
  EXPECT_TRUE(
      std::holds_alternative<std::monostate>(constant_of(OneArgument(R"({"as_none": true})").value())));
  EXPECT_EQ(OneArgument(R"({"as_complex": {"real": 1, "imag": -2.5}})").constant<std::complex<double>>(),
            std::complex<double>(1, -2.5));
  EXPECT_EQ(OneArgument(R"({"as_scalar_type": 7})").constant<ir::DType>(), ir::DType::f32);
  EXPECT_EQ(OneArgument(R"({"as_device": {"type": "cuda", "index": 1}})").constant<std::string>(), "cpu");
  EXPECT_EQ(OneArgument(R"({"as_layout": 7})").constant<int64_t>(), 0);
  EXPECT_EQ(OneArgument(R"({"as_memory_format": 2})").constant<int64_t>(), 2);
}

TEST(ProgramArguments, Lists) {
  using Ints = std::vector<int64_t>;
  EXPECT_EQ(OneArgument(R"({"as_ints": [1, -2]})").constant<Ints>(), (Ints{1, -2}));
  EXPECT_EQ(OneArgument(R"({"as_ints": []})").constant<Ints>(), Ints{});
  EXPECT_EQ(OneArgument(R"({"as_floats": [1, 0.5]})").constant<std::vector<double>>(),
            (std::vector<double>{1, 0.5}));
  EXPECT_EQ(OneArgument(R"({"as_bools": [true, false]})").constant<std::vector<bool>>(),
            (std::vector<bool>{true, false}));
  EXPECT_EQ(OneArgument(R"({"as_strings": ["a", "b"]})").constant<std::vector<std::string>>(),
            (std::vector<std::string>{"a", "b"}));
  const OneArgument tensors(R"({"as_tensors": [{"name": "x"}, {"name": "x"}]})");
  EXPECT_EQ(tensors.op(), "prim::ListConstruct");
  EXPECT_EQ(tensors.value()->producer()->operand_count(), 2u);
  const OneArgument optional(R"({"as_optional_tensors": [{"as_none": true}, {"as_tensor": {"name": "x"}}]})");
  EXPECT_EQ(optional.value()->producer()->operand(0)->type().kind(), ir::Type::Kind::none);
  EXPECT_EQ(optional.value()->producer()->operand(1)->name(), "x");
  const OneArgument sizes(R"({"as_sym_ints": [{"as_name": "n"}, {"as_int": 4}]})");
  EXPECT_EQ(sizes.value()->producer()->operand(0)->producer()->op(), "aten::size.int");
  EXPECT_EQ(std::get<int64_t>(constant_of(sizes.value()->producer()->operand(1))), 4);
}

TEST(ProgramArguments, Symbols) {
  EXPECT_EQ(OneArgument(R"({"as_sym_int": {"as_name": "n"}})").op(), "aten::size.int");
  EXPECT_EQ(OneArgument(R"({"as_sym_int": {"as_int": 3}})").constant<int64_t>(), 3);
  EXPECT_EQ(OneArgument(R"({"as_sym_float": {"as_float": 3}})").constant<double>(), 3.0);
  EXPECT_EQ(OneArgument(R"({"as_sym_bool": {"as_bool": false}})").constant<bool>(), false);
}

TEST(ProgramArguments, WhatIsRefused) {
  const auto said = [](const std::string& argument) { return refused(OneArgument::program(argument)); };
  const std::string at = ":models/model.json:.graph_module.graph.nodes[1].inputs[1].arg";
  EXPECT_THAT(said(R"({"as_tensor": {"name": "y"}})"),
              AllOf(HasSubstr(at + ".as_tensor.name: error I116"), HasSubstr("'y'")));
  EXPECT_THAT(said(R"({"as_int": 18446744073709551615})"), HasSubstr(at + ".as_int: error I116"));
  EXPECT_THAT(said(R"({"as_ints": [1, 0.5]})"), HasSubstr(at + ".as_ints[1]: error I116"));
  EXPECT_THAT(said(R"({"as_memory_format": 9})"), HasSubstr("is no memory format"));
  EXPECT_THAT(said(R"({"as_sym_int": {"as_tensor": 1}})"), HasSubstr("is no number"));
  EXPECT_THAT(said(R"({"as_int": 1, "as_float": 1})"), HasSubstr("one tag and has 2"));
  EXPECT_THAT(said("{}"), HasSubstr("one tag and has 0"));
  EXPECT_THAT(said("3"), HasSubstr(at + ": error I116"));
  EXPECT_THAT(said(R"({"as_scalar_type": 15})"), AllOf(HasSubstr("T541"), HasSubstr("element type")));
  EXPECT_THAT(said(R"({"as_custom_obj": {"name": "o"}})"),
              AllOf(HasSubstr("T541"), HasSubstr("as_custom_obj")));
  EXPECT_THAT(said(R"({"as_something_new": 1})"), AllOf(HasSubstr("T541"), HasSubstr("as_something_new")));
}

ProgramText add(const std::string& other) {
  ProgramText out;
  out.inputs = {"x"};
  out.nodes = {node("torch.ops.aten.add.Tensor", {named("self", tensor("x")), named("other", other)})};
  return out;
}

TEST(ProgramImport, DefaultsAreFilledIn) {
  const Captured captured = capture(add(tensor("x")));
  EXPECT_THAT(operators(*captured.graph), ElementsAre("aten::add.Tensor"));
  const ir::Node* made = captured.graph->body().last();
  ASSERT_EQ(made->operand_count(), 3u);
  EXPECT_EQ(std::get<int64_t>(constant_of(made->argument("alpha"))), 1);
  EXPECT_EQ(captured.graph->body().parameters()[0]->type().text(), "f32[s0,2]");
  EXPECT_THAT(captured.graph->input_names, ElementsAre("x"));
  EXPECT_THAT(captured.graph->output_names, ElementsAre("output_0"));
}

TEST(ProgramImport, NumbersTakeTheOverloadForNumbers) {
  EXPECT_THAT(operators(*capture(add(R"({"as_float": 0.5})")).graph), ElementsAre("aten::add.Scalar"));
}

TEST(ProgramImport, ArgumentsMustFitTheSchema) {
  ProgramText program = add(tensor("x"));
  program.nodes = {
      node("torch.ops.aten.add.Tensor", {named("self", tensor("x")), named("nonsense", tensor("x"))})};
  EXPECT_THAT(refused(program),
              AllOf(HasSubstr("I116"), HasSubstr("nodes[0]"), HasSubstr("'nonsense' that it does not take")));
  program.nodes = {node("torch.ops.aten.add.Tensor", {named("self", tensor("x"))})};
  EXPECT_THAT(refused(program), AllOf(HasSubstr("I116"), HasSubstr("lacks the argument 'other'")));
  program.nodes = {node("torch.ops.aten.relu.default", {named("self", tensor("x"))}, {"out", "more"})};
  EXPECT_THAT(refused(program), AllOf(HasSubstr("I116"), HasSubstr("has 2 results where aten::relu has 1")));
}

TEST(ProgramImport, UnknownOperatorsAreLeftToPlugins) {
  const Captured captured = capture(OneArgument::program(R"({"as_int": 1})"));
  EXPECT_EQ(captured.graph->body().last()->op(), "acme::f");
  EXPECT_THAT(captured.graph->body().last()->schema()->text(), HasSubstr("acme::f(Tensor a, Any b)"));
}

TEST(ProgramImport, CallsOfAnUnknownOperatorMayDiffer) {
  ProgramText program;
  program.inputs = {"x"};
  program.nodes = {node("torch.ops.acme.f.default", {named("a", tensor("x"))}, {"y"}),
                   node("torch.ops.acme.f.default", {named("a", tensor("y")), named("bias", tensor("x"))})};
  const Captured captured = capture(program);
  EXPECT_THAT(captured.graph->body().first()->schema()->text(), HasSubstr("acme::f(Tensor a)"));
  EXPECT_THAT(captured.graph->body().last()->schema()->text(), HasSubstr("acme::f(Tensor a, Tensor bias)"));
}

TEST(ProgramImport, EveryUnsupportedNodeIsReported) {
  ProgramText program = add(tensor("y"));
  program.nodes = {
      node("torch.ops.higher_order.flex_attention", {named("", tensor("x"))}, {"y"}),
      node("numpy.sum", {named("", tensor("x"))}, {"z"}),
      node("torch.ops.aten.add.Tensor", {named("self", tensor("y")), named("other", tensor("z"))})};
  EXPECT_THAT(refused(program),
              AllOf(HasSubstr("flex_attention"), HasSubstr("numpy.sum"), Not(HasSubstr("I116"))));
}

TEST(ProgramImport, UnknownFieldsAreIgnored) {
  ProgramText program = add(tensor("x"));
  program.extra = R"("written_by_the_future": {"a": [1, 2]})";
  program.values = R"("x2": {"dtype": 7, "sizes": [], "brand_new": true})";
  EXPECT_THAT(operators(*capture(program).graph), ElementsAre("aten::add.Tensor"));
}

TEST(ProgramImport, SchemaVersions) {
  ProgramText program = add(tensor("x"));
  program.version = R"({"major": 8, "minor": 999})";
  EXPECT_THAT(operators(*capture(program).graph), ElementsAre("aten::add.Tensor"));
  program.version = R"({"major": 9, "minor": 0})";
  EXPECT_THAT(refused(program),
              AllOf(HasSubstr("I115"), HasSubstr("version 9"), HasSubstr("newer onnxport")));
  program.version = R"({"major": -1, "minor": 0})";
  EXPECT_THAT(refused(program), HasSubstr("I115"));
  program.version = R"({"minor": 0})";
  EXPECT_THAT(refused(program), AllOf(HasSubstr("I116"), HasSubstr(".schema_version: ")));
}

TEST(ProgramImport, SizesThatAreNone) {
  const auto with_size = [](const std::string& size) {
    ProgramText program = add(tensor("x"));
    std::string text = program.text();
    const std::string own = R"({"as_int": 2})";
    text.replace(text.find(own), own.size(), size);
    return error_of([&] { capture(Records{{"models/model.json", text}}); });
  };
  EXPECT_THAT(with_size(R"({"as_int": -1})"), AllOf(HasSubstr("I116"), HasSubstr("is a negative size")));
  EXPECT_THAT(with_size(R"({"as_expr": {"expr_str": "2*("}})"),
              AllOf(HasSubstr("I116"), HasSubstr("no size expression: '2*('")));
  EXPECT_THAT(with_size(R"({"as_float": 2})"), HasSubstr("is no size"));
  EXPECT_THAT(with_size("2"), HasSubstr("I116"));
}

TEST(ProgramImport, ResultsThatFitNothing) {
  ProgramText program = add(tensor("x"));
  program.outputs = "[]";
  EXPECT_THAT(refused(program), AllOf(HasSubstr("I116"), HasSubstr("has no result in the graph")));
  program.outputs = R"([{"as_none": true}])";
  EXPECT_THAT(refused(program), HasSubstr("T544"));
  program = add(tensor("x"));
  program.nodes.push_back(program.nodes[0]);  // the name is made twice: the last one counts
  EXPECT_EQ(operators(*capture(program).graph).size(), 2u);
}

// while_loop(cond, body, [x], []) whose condition holds another one, and so on.
std::string nested_condition(int depth) {
  const std::string result = depth == 0 ? node("torch.ops.aten.any.default", {named("self", tensor("x"))})
                                        : nested_condition(depth - 1);
  const std::string head = R"({"inputs": [)" + tensor("x") + R"(], "tensor_values": {}, "nodes": [)";
  const std::string tail = R"(], "outputs": [)" + tensor("out") + "]}";
  const auto graph = [&](const std::string& inner) {
    return R"({"as_graph": {"name": "g", "graph": )" + head + inner + tail + "}}";
  };
  const std::string carried = R"({"as_tensors": [{"name": "x"}]})";
  return node("torch.ops.higher_order.while_loop",
              {named("", graph(result)),
               named("", graph(node("torch.ops.aten.relu.default", {named("self", tensor("x"))}))),
               named("", carried), named("", R"({"as_tensors": []})")});
}

TEST(ProgramImport, LoopsWithinConditionsAreBounded) {
  ProgramText program = add(tensor("x"));
  program.nodes = {nested_condition(2)};
  EXPECT_THAT(operators(*capture(program).graph), Not(ElementsAre()));
  program.nodes = {nested_condition(60)};  // each is read twice: 2^60 graphs
  EXPECT_THAT(refused(program), AllOf(HasSubstr("I116"), HasSubstr("conditions of loops")));
}

// The results are there all the same (capture() checks the graph).
TEST(ProgramImport, ResultsThatAreLeftOut) {
  for (const char* target : {"_operator.le", "torch.sym_max", "torch.sym_not", "torch.ops.aten.add.Tensor"}) {
    ProgramText program;
    program.inputs = {"x"};
    std::vector<std::string> inputs = {named("a", R"({"as_int": 3})"), named("b", R"({"as_int": 4})")};
    if (std::string_view(target) == "torch.sym_not") inputs = {named("a", R"({"as_bool": true})")};
    if (std::string_view(target).starts_with("torch.ops."))
      inputs = {named("self", tensor("x")), named("other", tensor("x"))};
    program.nodes = {node(target, inputs, {}),
                     node("torch.ops.aten.relu.default", {named("self", tensor("x"))})};
    EXPECT_THAT(operators(*capture(program).graph), ::testing::Contains(std::string("aten::relu"))) << target;
  }
}

TEST(ProgramImport, FunctionalizedWritesThatSayTooLittle) {
  CaptureOptions options;
  options.schemas = schemas_of({"acme::shift_(Tensor(a!) x, float by) -> ()"});
  const auto said = [&](const std::string& target, const std::vector<std::string>& facts) {
    ProgramText program;
    program.inputs = {"x"};
    std::vector<std::string> inputs = {named("", R"({"as_operator": ")" + target + "\"}"),
                                       named("by", R"({"as_float": 2})"),
                                       named("_all_bases", R"({"as_tensors": [{"name": "x"}]})")};
    for (const std::string& fact : facts) inputs.push_back(fact);
    program.nodes = {node("torch.ops.higher_order.auto_functionalized_v2", inputs, {"unused", "out"})};
    return error_of([&] { capture(program, options); });
  };
  const std::string base = named("_x_base_index", R"({"as_int": 0})");
  EXPECT_THAT(said("short", {base}), AllOf(HasSubstr("I116"), HasSubstr("is no operator")));
  EXPECT_THAT(said("torch.ops.acme.shift_.default", {named("_x_base_index", R"({"as_int": 1})")}),
              HasSubstr("a base that is not there"));
  EXPECT_THAT(said("torch.ops.acme.shift_.default", {base, named("_x_slice_dim", R"({"as_int": 0})"),
                                                     named("_x_slice_end", R"({"as_int": 1})")}),
              HasSubstr("lacks the argument '_x_slice_start'"));
  EXPECT_THAT(said("torch.ops.acme.shift_.default", {base, named("_x_size", R"({"as_ints": [2]})"),
                                                     named("_x_storage_offset", R"({"as_int": 0})")}),
              HasSubstr("lacks the argument '_x_stride'"));
}

}  // namespace
}  // namespace onnxport::testing
