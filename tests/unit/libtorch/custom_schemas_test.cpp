// Schemas of plugins: what our reader lets pass libtorch takes, and what it refuses libtorch would refuse (D03).
#include <ATen/core/dispatch/Dispatcher.h>
#include <gmock/gmock.h>
#include <torch/csrc/jit/frontend/function_schema_parser.h>

#include <random>

#include "core/ir/custom_schemas.h"
#include "core/libtorch/operators.h"

namespace onnxport {
namespace {

using testing::HasSubstr;

ir::CustomSchema custom(const std::string& text) {
  ir::CustomSchema out;
  out.schema = ir::parse_schema(text);
  out.plugin = "com.acme.ops";
  out.location.file = "acme.onnxport.yaml";
  return out;
}

std::string error_of(const ir::CustomSchema& schema) {
  try {
    register_schema(schema);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

// Texts that are schemas, and some that nearly are.
class RandomSchema {
 public:
  explicit RandomSchema(uint32_t seed) : random_(seed) {}

  std::string text(int number) {
    std::string out = "fuzz::f" + std::to_string(number);
    if (chance(10)) out += pick({".out", ".default", ".in", "._x", ".Tensor"});
    out += '(';
    const int count = below(5);
    for (int i = 0; i < count; ++i) {
      if (i > 0) out += ", ";
      if (chance(20)) out += "*, ";
      out += argument(i);
    }
    out += ") -> ";
    const int results = below(4);
    if (results == 1 && chance(70)) return out + type();
    out += '(';
    for (int i = 0; i < results; ++i) {
      if (i > 0) out += ", ";
      out += type();
      if (chance(20)) out += std::string(" ") + pick({"y", "values", "class", "out"}) + std::to_string(i);
    }
    return out + ')';
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  const char* pick(std::initializer_list<const char*> from) {
    return *(from.begin() + below(static_cast<int>(from.size())));
  }

  std::string type(int depth = 0) {
    std::string out;
    if (depth < 2 && chance(12)) {
      const std::string inner = type(depth + 1);
      out =
          below(2) == 0
              ? "(" + inner + ", " + type(depth + 1) + ")"
              : std::string(pick({"Dict", "Union", "Future", "Await", "RRef", "List", "Optional", "Tuple"})) +
                    "(" + inner + (below(2) == 0 ? ", " + type(depth + 1) : "") + ")";
    } else {
      out = chance(45) ? "Tensor" : pick({"int",        "float",   "bool",         "str",     "Scalar",
                                          "ScalarType", "Layout",  "MemoryFormat", "Device",  "Generator",
                                          "complex",    "t",       "Any",          "SymInt",  "Tensr",
                                          "Foo",        "number",  "NoneType",     "Stream",  "Storage",
                                          "QScheme",    "Dimname", "AnyEnumType",  "Capsule", "DeviceIndex",
                                          "Quantizer"});
    }
    if (out == "Tensor" && chance(15)) out += pick({"(a)", "(a!)", "(b!)", "(*)", "(a -> *)", "(a|b)"});
    while (chance(25)) out += pick({"[]", "?", "[2]", "[3]", "[]?"});
    return out;
  }

  std::string argument(int i) {
    std::string out = type() + " ";
    out += chance(5) ? pick({"in", "def", "for", "_", "self", "None", "print"}) : "x";
    if (out.back() == 'x') out += std::to_string(i);
    if (chance(35)) {
      out += '=';
      out += pick({"1",
                   "-3",
                   "0.5",
                   "1e-3",
                   "None",
                   "True",
                   "False",
                   "\"mean\"",
                   "'a'",
                   "[]",
                   "[1, 2]",
                   "[0.5]",
                   "[True, False]",
                   "Mean",
                   "long",
                   "strided",
                   "contiguous_format",
                   "inf",
                   "-inf",
                   "nan",
                   "\"cpu\"",
                   "\"cuda:1\"",
                   "\"nowhere\"",
                   "other"});
    }
    return out;
  }

  std::mt19937 random_;
};

// The text that we would register, since that is what libtorch reads.
bool torch_takes(const ir::Schema& schema) {
  try {
    torch::jit::parseSchema(schema.text());
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

TEST(CustomSchemas, D03OurReaderRefusesWhatLibtorchRefuses) {
  int read = 0;
  int taken = 0;
  int differ = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string text = RandomSchema(static_cast<uint32_t>(i)).text(i);
    ir::Schema schema;
    try {
      schema = ir::parse_schema(text);
    } catch (const Error&) {
      continue;
    }
    ++read;
    const std::string why = ir::why_not_registrable(schema);
    const bool takes = torch_takes(schema);
    taken += takes ? 1 : 0;
    if (why.empty() == takes) continue;
    // On purpose: of a Union no mapping and no file could say which of its types an argument has.
    if (takes && why.find("a Union is a type of libtorch's own operators only") != std::string::npos)
      continue;
    if (++differ <= 20)
      ADD_FAILURE() << schema.text() << "\n  libtorch " << (takes ? "takes" : "refuses") << " it, we say: '"
                    << why << "'";
  }
  EXPECT_EQ(differ, 0);
  EXPECT_GT(read, 5000);
  EXPECT_GT(taken, 1000);
  EXPECT_LT(taken, read);
  std::printf("%d schemas read, %d of them taken by libtorch\n", read, taken);
}

TEST(CustomSchemas, AreRegisteredOnceAndNeverOverWhatIsThere) {
  EXPECT_EQ(error_of(custom("test_custom::once(Tensor x, float scale=1) -> Tensor")), "");
  EXPECT_EQ(error_of(custom("test_custom::once(Tensor x, float scale=1) -> Tensor")), "");
  EXPECT_TRUE(is_registered("test_custom::once"));
  EXPECT_TRUE(is_stub("test_custom::once"));
  EXPECT_EQ(error_of(custom("aten::relu(Tensor self, int more) -> Tensor")), "");
  EXPECT_FALSE(is_stub("aten::relu"));
  EXPECT_EQ(c10::Dispatcher::singleton().findSchema({"aten::relu", ""})->schema().arguments().size(), 1u);
}

TEST(CustomSchemas, D15AnotherSchemaInTheSameProcessIsRefused) {
  EXPECT_EQ(error_of(custom("test_custom::twice(Tensor x) -> Tensor")), "");
  EXPECT_THAT(
      error_of(custom("test_custom::twice(Tensor x, int n) -> Tensor")),
      HasSubstr(
          "error M112: libtorch does not take the schema that plugin com.acme.ops gives for "
          "test_custom::twice: this process knows it already as test_custom::twice(Tensor x) -> Tensor"));
}

TEST(CustomSchemas, D03WhatLibtorchRefusesNamesThePlugin) {
  EXPECT_THAT(
      error_of(custom("test_custom::typo(Tensr x) -> Tensor")),
      HasSubstr(
          "acme.onnxport.yaml: error M112: libtorch does not take the schema that plugin com.acme.ops gives "
          "for test_custom::typo: "));
}

}  // namespace
}  // namespace onnxport
