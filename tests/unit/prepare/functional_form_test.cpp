// Every in-place operator that libtorch has, against the functional one that libtorch has.
#include "core/prepare/functional_form.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "core/ir/schema.h"

namespace onnxport {
namespace {

std::map<std::string, ir::Schema, std::less<>> libtorch_schemas() {
  std::map<std::string, ir::Schema, std::less<>> out;
  std::ifstream file(std::string(ONNXPORT_SOURCE_DIR) + "/core/ir/aten_schemas.txt");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("aten::")) continue;
    ir::Schema schema = ir::parse_schema(line);
    std::string name = schema.qualified_name();
    out.emplace(std::move(name), std::move(schema));
  }
  return out;
}

std::vector<std::string> names(const ir::Schema& schema) {
  std::vector<std::string> out;
  for (const ir::SchemaArgument& argument : schema.arguments) out.push_back(argument.name);
  return out;
}

// A call of the in-place operator with one input of the graph for each argument, and its functional form.
struct Form {
  ir::Graph graph{ir::Graph::Dialect::torch};
  ir::Node* in_place = nullptr;
  ir::Node* functional = nullptr;  // null: there is none

  explicit Form(const ir::Schema& schema) {
    std::vector<ir::Value*> operands;
    for (const ir::SchemaArgument& argument : schema.arguments)
      operands.push_back(graph.add_input(argument.name, ir::Type::tensor()));
    in_place = graph.create(schema.qualified_name(), operands, graph.keep(schema));
    in_place->add_output(ir::Type::tensor());
    graph.append(graph.body(), in_place);
    NodeMaker make(*in_place);
    const ir::Value* result = functional_form(*in_place, ir::Type::tensor(), make);
    if (result == nullptr) return;
    functional = result->producer();
    if (functional->op() == "aten::type_as") functional = functional->operand(0)->producer();
  }
};

TEST(FunctionalForm, ArgumentsAreThoseThatMappingsAskFor) {
  const auto schemas = libtorch_schemas();
  size_t checked = 0;
  for (const auto& [name, schema] : schemas) {
    if (schema.arguments.empty() || !schema.arguments[0].is_written || schema.arguments[0].type != "Tensor")
      continue;
    const Form form(schema);
    const auto known = form.functional == nullptr ? schemas.end() : schemas.find(form.functional->op_text());
    if (known == schemas.end()) continue;
    ++checked;
    const ir::Schema& wanted = known->second;
    EXPECT_EQ(names(*form.functional->schema()), names(wanted)) << name;
    for (size_t i = 0; i < wanted.arguments.size() && i < form.functional->operand_count(); ++i) {
      const int same = schema.find(wanted.arguments[i].name);
      if (same >= 0) {
        EXPECT_EQ(form.functional->operand(i), form.in_place->operand(static_cast<size_t>(same)))
            << name << ' ' << wanted.arguments[i].name;
      }
    }
  }
  EXPECT_GT(checked, 200u);
}

TEST(FunctionalForm, DropoutsTakeAnInput) {
  const Form form(ir::parse_schema("aten::dropout_(Tensor(a!) self, float p, bool train) -> Tensor(a!)"));
  ASSERT_NE(form.functional, nullptr);
  EXPECT_EQ(form.functional->op_text(), "aten::dropout");
  EXPECT_EQ(form.functional->argument("input"), form.in_place->operand(0));
}

}  // namespace
}  // namespace onnxport
