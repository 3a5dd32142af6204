// The text form: prints and parses back.
#include <gtest/gtest.h>

#include <chrono>
#include <complex>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "core/ir/graph.h"
#include "onnxport/errors.h"

namespace onnxport::ir {
namespace {

void expect_round_trip(const Graph& graph) {
  EXPECT_EQ(check_invariants(graph), std::vector<std::string>());
  const std::string text = print(graph);
  const auto parsed = parse_graph(text);
  EXPECT_EQ(print(*parsed), text);
  EXPECT_EQ(check_invariants(*parsed), std::vector<std::string>());
}

TEST(Text, ReadsAsIntended) {
  Graph graph(Graph::Dialect::onnx);
  Value* x = graph.add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("batch"), Dim(2)}));
  Value* w = graph.add_initializer("fc.weight", Tensor::of<float>(DType::f32, {2}, {0.1f, -3.f}));
  Value* operands[] = {x, nullptr, w};
  Node* node = graph.create("Foo", operands);
  node->set_attribute(graph.intern("strides"), std::vector<int64_t>{1, 1});
  node->set_provenance(graph.keep({"layer1.0", "model.py:42", ""}));
  node->set_name(graph.intern("foo_1"));
  node->add_output(Type::tensor(DType::f32));
  graph.append(graph.body(), node);
  graph.body().add_result(node->output());
  EXPECT_EQ(print(graph), R"(onnx graph "main_graph"(%x: f32[batch,2]) {
  initializer %fc.weight: f32[2] = {0.1, -3.0}
  %0: f32[*] = Foo(%x, _, %fc.weight) {strides = [1, 1]} name "foo_1" @"layer1.0" "model.py:42"
  return %0
}
)");
  expect_round_trip(graph);
}

TEST(Text, EveryKindOfAttributeComesBack) {
  Graph graph(Graph::Dialect::onnx);
  Node* node = graph.create("com.acme::All");
  float nan_with_payload = 0;
  const uint32_t bits = 0x7fc01234;
  std::memcpy(&nan_with_payload, &bits, sizeof bits);
  const AttributeValue values[] = {
      std::monostate(),
      int64_t{INT64_MIN},
      1.0,
      -0.0,
      1e-300,
      std::numeric_limits<double>::infinity(),
      true,
      std::string("quote \" back \\ line\n tab\t bell\x07 utf8 \xc3\xa9"),
      DType::bf16,
      DType::undefined,
      std::vector<int64_t>{},
      std::vector<int64_t>{1, -2},
      std::vector<double>{},
      std::vector<double>{1, 2.5},
      std::vector<bool>{},
      std::vector<bool>{true, false},
      std::vector<std::string>{},
      std::vector<std::string>{"a", ""},
      std::complex<double>(1, -2),
      Tensor::of<float>(DType::f32, {3}, {nan_with_payload, 1e-45f, -std::numeric_limits<float>::infinity()}),
      Tensor::of<uint16_t>(DType::bf16, {1, 2}, {0x3f80, 1}),
      Tensor::ints({}),
      Tensor::scalar(7),
      Tensor::of<uint64_t>(DType::u64, {1}, {UINT64_MAX}),
      Tensor::of<uint8_t>(DType::boolean, {2}, {0, 1}),
      Tensor::of<std::complex<float>>(DType::c64, {1}, {{1.f, 2.f}})};
  int i = 0;
  for (const AttributeValue& value : values)
    node->set_attribute(graph.intern("a" + std::to_string(i++)), value);
  node->set_attribute(graph.intern("odd name="), int64_t{1});
  graph.append(graph.body(), node);
  expect_round_trip(graph);
  const auto parsed = parse_graph(print(graph));
  const Node* back = parsed->body().first();
  ASSERT_EQ(back->attributes().size(), node->attributes().size());
  for (size_t k = 0; k < node->attributes().size(); ++k) {
    EXPECT_EQ(back->attributes()[k].value.index(), node->attributes()[k].value.index()) << k;
  }
  const auto* tensor = back->attribute_as<Tensor>("a19");
  EXPECT_EQ(std::memcmp(tensor->bytes().data(), std::get<Tensor>(values[19]).bytes().data(), 12), 0);
  EXPECT_EQ(*back->attribute_as<std::string>("a7"), std::get<std::string>(values[7]));
}

TEST(Text, NamesOfAllSortsComeBack) {
  Graph graph(Graph::Dialect::torch);
  graph.graph_name = "a \"graph\"";
  graph.opsets[""] = 20;
  graph.symbols["batch"] = {1, 64, 2};
  graph.symbols["past len"] = {};
  graph.metadata["key"] = "value\n";
  graph.functions.push_back({"com.acme", "F", std::string("\x00\xff", 2)});
  const Schema* schema = graph.keep(parse_schema("aten::relu(Tensor self) -> Tensor"));
  Value* last = graph.add_input("12", Type());
  for (const char* name : {"", "x.1", "x.1", "x.1#2", "12", "", "odd \" name", "a:", "_"}) {
    Node* node = graph.create("aten::relu", {&last, 1}, schema);
    last = node->add_output();
    last->set_name(name[0] == '\0' ? Symbol() : graph.intern(name));
    graph.append(graph.body(), node);
  }
  graph.body().add_result(last);
  graph.input_names = {"x"};
  graph.output_names = {"y"};
  expect_round_trip(graph);
  const auto parsed = parse_graph(print(graph));
  std::vector<std::string> names;
  for (const Node* node : parsed->body()) {
    names.emplace_back(node->output()->name().text());
    EXPECT_NE(node->schema(), nullptr);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"", "x.1", "x.1", "x.1#2", "12", "", "odd \" name", "a:", "_"}));
  EXPECT_EQ(parsed->functions[0].proto_bytes, std::string("\x00\xff", 2));
  EXPECT_EQ(parsed->symbols["batch"].max, 64);
}

constexpr const char* kBlocks = R"(
onnx graph "g"(%c: bool[], %x: f32[2]) {
  # blocks may use outer values, and names may repeat in sibling blocks
  %y = If(%c) {then_branch = ^0, else_branch = ^1} block() {
    %t = Neg(%x)
    return %t
  } block() {
    %t#2 = Loop(_, %c, %x) {body = ^0} block(%i, %go, %v) {
      %w = Add(%v, %x)
      return %go, %w
    }
    return %t#2
  }
  return %y
}
)";

TEST(Text, BlocksComeBack) {
  const auto graph = parse_graph(kBlocks);
  expect_round_trip(*graph);
  const Node* branch = graph->body().first();
  ASSERT_EQ(branch->blocks().size(), 2u);
  EXPECT_EQ(*branch->attribute_as<Block*>("else_branch"), branch->blocks()[1]);
  EXPECT_EQ(branch->blocks()[1]->first()->output()->name().text(), "t");
}

TEST(Text, ErrorsNameTheirPlace) {
  const std::pair<const char*, std::pair<int, int>> cases[] = {
      {"", {1, 1}},
      {"torch graph \"g\"() {\n  return %x\n}", {2, 12}},
      {"torch graph \"g\"(%x, %x) {\n return %x }", {1, 23}},
      {"torch graph \"g\"(%x: f33[2]) { return }", {1, 21}},
      {"torch graph \"g\"() {\n  %x = f(\n", {3, 1}},
      {"onnx graph \"g\"() {\n  f() {a = ^0}\n  return }", {3, 3}},
  };
  for (const auto& [text, place] : cases) {
    try {
      parse_graph(text);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.diagnostics()[0].code, "I110");
      EXPECT_EQ(error.diagnostics()[0].place.line, place.first) << error.what();
      EXPECT_EQ(error.diagnostics()[0].place.column, place.second) << error.what();
    }
  }
}

TEST(Text, LongTensorsAreAbbreviated) {
  Graph graph(Graph::Dialect::onnx);
  graph.add_initializer("w", Tensor::ints({1, 2, 3}));
  const std::string text = print(graph, {.max_elements = 2});
  EXPECT_NE(text.find("{...}"), std::string::npos);
  EXPECT_THROW(parse_graph(text), Error);
}

// Cut and scrambled texts end in I110 or in a sound graph, never otherwise.
TEST(Text, AnyTextIsAnswered) {
  const std::string source = kBlocks;
  const std::string alphabet = "%(){}[]=,:\"\\@^#_.-?*0x1a\n ";
  std::mt19937 random(7);
  for (int round = 0; round < 4000; ++round) {
    std::string text = source.substr(0, round % 3 == 0 ? random() % source.size() : source.size());
    for (unsigned edits = random() % 4; edits > 0 && !text.empty(); --edits) {
      text[random() % text.size()] = alphabet[random() % alphabet.size()];
    }
    try {
      const auto graph = parse_graph(text);
      print(*graph);
      check_invariants(*graph);
    } catch (const Error& error) {
      ASSERT_EQ(error.diagnostics()[0].code, "I110") << text;
    }
  }
  std::string deep = "torch graph \"g\"() {";
  for (int i = 0; i < 100000; ++i) deep += "f() block() {";
  EXPECT_THROW(parse_graph(deep), Error);
}

}  // namespace
}  // namespace onnxport::ir
