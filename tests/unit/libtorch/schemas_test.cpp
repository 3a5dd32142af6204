// The table of schemas that programs are read with, against the libtorch it was made from.
#include <gtest/gtest.h>
#include <torch/csrc/jit/runtime/operator.h>
#include <torch/version.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "core/ir/schema_table.h"

namespace onnxport::testing {
namespace {

constexpr const char* kHowTo = "write the table again: .deps/venv/bin/python sdk/tools/generate_schemas.py\n";

bool writes_keyword(const c10::FunctionSchema& schema) {
  return std::any_of(schema.arguments().begin(), schema.arguments().end(), [](const c10::Argument& a) {
    return a.kwarg_only() && a.alias_info() != nullptr && a.alias_info()->isWrite();
  });
}

std::set<std::string> registered() {
  std::set<std::string> out;
  for (const auto& op : torch::jit::getAllOperators()) {
    const c10::FunctionSchema& schema = op->schema();
    if (schema.name().starts_with("aten::") && schema.name().find("backward") == std::string::npos &&
        !writes_keyword(schema)) {
      out.insert(c10::toString(schema));
    }
  }
  return out;
}

struct Table {
  std::string head;
  std::set<std::string> lines;
};

Table table() {
  std::ifstream in(ONNXPORT_SOURCE_DIR "/core/ir/aten_schemas.txt");
  Table out;
  std::getline(in, out.head);
  for (std::string line; std::getline(in, line);) out.lines.insert(line);
  return out;
}

std::string difference(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::vector<std::string> only;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(only));
  std::string out;
  for (size_t i = 0; i < only.size() && i < 20; ++i) out += "  " + only[i] + '\n';
  return only.size() > 20 ? out + "  and " + std::to_string(only.size() - 20) + " more\n" : out;
}

TEST(Schemas, TheTableIsLibtorchs) {
  const Table own = table();
  ASSERT_TRUE(own.head.starts_with("# libtorch ")) << own.head;
  if (own.head.find(" " TORCH_VERSION ",") == std::string::npos) {
    GTEST_SKIP() << "the table is of another version than libtorch " TORCH_VERSION ": " << own.head;
  }
  const std::set<std::string> theirs = registered();
  ASSERT_GT(theirs.size(), 2000u);
  EXPECT_EQ(difference(theirs, own.lines), "") << "libtorch has what the table lacks; " << kHowTo;
  EXPECT_EQ(difference(own.lines, theirs), "") << "the table has what libtorch lacks; " << kHowTo;
}

TEST(Schemas, EveryLineIsFoundAndParses) {
  for (const std::string& line : table().lines) {
    const std::string name = line.substr(0, line.find('('));
    const auto schema = find_aten_schema(name);
    ASSERT_TRUE(schema) << name;
    EXPECT_EQ(schema->qualified_name(), name);
  }
}

}  // namespace
}  // namespace onnxport::testing
