// What translate makes of lists, questions about types, branches and loops, and what it says when nobody takes a
// call. The operators are mapped by a manifest alone.
#include "core/translate/translate.h"

#include <gmock/gmock.h>

#include "core/host/host.h"
#include "core/ir/schema.h"
#include "unit/plugin/files.h"
#include "unit/prepare/torch_text.h"
#include "unit/translate/onnx_text.h"

namespace onnxport {
namespace {

using test::TemporaryFolder;
using test::torch_graph;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kManifest = R"(onnxport_manifest: 1
plugin: {id: com.test.plugin, version: "1.0.0"}
provides:
  domains: [{name: com.test, version: 3}]
  mappings:
    - {torch: "aten::relu(Tensor self) -> Tensor", onnx: Relu}
    - {torch: "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", onnx: Add, inputs: [self, other]}
    - {torch: "test::scaled(Tensor x, float scale) -> Tensor", function: "(x) => (y) { s = Constant <value_float: float = @scale> ()  y = Mul(x, s) }"}
    - {torch: "test::thing(Tensor x) -> Tensor", onnx: com.test::Thing}
    - {torch: "test::typed(Tensor x) -> Tensor", onnx: com.test::Thing, result: {like: x}}
    - {torch: "test::half(Tensor x) -> Tensor", function: "(x) => (y) { y = Cast <to = 10> (x) }"}
    - {torch: "test::dense(Tensor x, Tensor w) -> Tensor", onnx: com.test::Dense, result: {like: x, shape: ["x[:-1]", w.0, "w[2:]"]}}
    - {torch: "test::to(Tensor x, ScalarType? dtype) -> Tensor", onnx: com.test::To, inputs: [x], result: {like: x, dtype: "@dtype"}}
)";

class Translate : public ::testing::Test {
 protected:
  Translate() {
    PluginOptions options;
    manifest_ = folder_.write("test.onnxport.yaml", kManifest);
    options.files = {manifest_};
    options.default_paths = options.builtin = false;
    registry_ = std::make_unique<Registry>(options, plugin_host());
  }

  Translated run(const std::string& inputs, const std::string& body) {
    const auto graph = torch_graph(inputs, body, kSchemas + own_schema_);
    return translate(*graph, *registry_, TranslateOptions());
  }

  std::string text(const std::string& inputs, const std::string& body) {
    return test::OnnxText().of(*run(inputs, body).graph);
  }

  // The first error, and that there are no others of its code.
  Diagnostic refusal(const std::string& inputs, const std::string& body) {
    try {
      ADD_FAILURE() << "accepted as" << text(inputs, body);
    } catch (const Error& error) {
      return error.diagnostics().front();
    }
    return {};
  }

  // Those of the small graphs here beside torch_text.h's.
  static inline const std::string kSchemas =
      "schema \"test::scaled(Tensor x, float scale) -> Tensor\"\nschema \"test::thing(Tensor x) -> Tensor\"\n"
      "schema \"test::typed(Tensor x) -> Tensor\"\n"
      "schema \"test::half(Tensor x) -> Tensor\"\nschema \"test::nobody(Tensor x) -> Tensor\"\n"
      "schema \"test::dense(Tensor x, Tensor w) -> Tensor\"\n"
      "schema \"test::to(Tensor x, ScalarType? dtype) -> Tensor\"\n"
      "schema \"aten::dim(Tensor self) -> int\"\n";

  std::string own_schema_;  // of one test
  TemporaryFolder folder_;
  std::filesystem::path manifest_;
  std::unique_ptr<Registry> registry_;
};

// ---- structure ----

TEST_F(Translate, ListsAreTakenApart) {
  EXPECT_EQ(text("%x: f32[n,4], %y: f32[n,4]", R"(
    %l: list<f32[*]> = prim::ListConstruct(%x, %y)
    %last = aten::__getitem__.t(%l, %m1)
    %a = aten::relu(%last)
    %b, %c = prim::ListUnpack(%l)
    %d = aten::add.Tensor(%b, %c, %c1)
    return %a, %d)"),
            R"(
0: f32[n,4] = Relu(y)
1: f32[n,4] = Add(x, y)
return 0, 1
)");
}

TEST_F(Translate, TuplesAndDictsAreTakenApart) {
  EXPECT_EQ(text("%x: f32[4], %y: f32[4]", R"(
    %t: tuple<f32[4], f32[4]> = prim::TupleConstruct(%x, %y)
    %first: f32[4] = prim::TupleIndex(%t, %c0)
    %a = aten::relu(%first)
    %k: str = prim::Constant() {value = "y"}
    %q: str = prim::Constant() {value = "x"}
    %d = prim::DictConstruct(%q, %x, %k, %y)
    %i = aten::__getitem__.Dict_str(%d, %k)
    %b = aten::relu(%i)
    return %a, %b)"),
            R"(
0: f32[4] = Relu(x)
1: f32[4] = Relu(y)
return 0, 1
)");
}

TEST_F(Translate, WhatIsNotInAListIsSaid) {
  const Diagnostic d = refusal("%x: f32[4], %y: f32[4]", R"(
    %l: list<f32[*]> = prim::ListConstruct(%x, %y)
    %i = aten::__getitem__.t(%l, %c2)
    return %i)");
  EXPECT_EQ(d.code, "T512");
  EXPECT_EQ(d.message, "index 2 of a list of 2");
  EXPECT_EQ(d.place.node, "aten::__getitem__.t");
  EXPECT_FALSE(d.hint.empty());
}

TEST_F(Translate, WhatComputesNothingLeavesNoTrace) {
  EXPECT_EQ(text("%x: f32[4]", R"(
    %w: str = prim::Constant() {value = "careful"}
    aten::warn(%w, %c2)
    %u = prim::unchecked_cast(%x)
    %d = prim::data(%u)
    %y = aten::relu(%d)
    return %y)"),
            "\n0: f32[4] = Relu(x)\nreturn 0\n");
}

// ---- questions ----

TEST_F(Translate, KnownSizesAreNumbersAndDynamicOnesAreRead) {
  EXPECT_EQ(text("%x: f32[n,4]", R"(
    %four: int = aten::size.int(%x, %m1)
    %n: int = aten::size.int(%x, %c0)
    %rank: int = aten::dim(%x)
    %sum: int = aten::add.int(%four, %rank)
    return %n, %sum)"),
            R"(
0: i64[1] = Shape(x) start=0 end=1
1: i64[] = Squeeze(0, [0])
return 1, 6
)");
}

TEST_F(Translate, AxesThatAreNotThere) {
  const Diagnostic d = refusal("%x: f32[n,4]", "%s: int = aten::size.int(%x, %c2)\nreturn %s");
  EXPECT_EQ(d.code, "T512");
  EXPECT_EQ(d.message, "axis 2 of a tensor of 2 dimensions");
}

// ---- branches ----

TEST_F(Translate, ABranchThatTypesDecideIsTaken) {
  EXPECT_EQ(text("%x: f32[n,4]", R"(
    %rank: int = aten::dim(%x)
    %c: bool = aten::gt.int(%rank, %c1)
    %y: f32[*] = prim::If(%c) block() {
      %a = aten::relu(%x)
      return %a
    } block() {
      %b = test::nobody(%x)
      return %b
    }
    return %y)"),
            "\n0: f32[n,4] = Relu(x)\nreturn 0\n");
}

TEST_F(Translate, ABranchThatRunTimeDecidesIsAnIf) {
  EXPECT_EQ(text("%x: f32[n,4], %c: bool", R"(
    %y: f32[*] = prim::If(%c) block() {
      %a = aten::relu(%x)
      return %a
    } block() {
      return %x
    }
    return %y)"),
            R"(
0: f32[n,4] = If(c)
 ()
  1: f32[n,4] = Relu(x)
  return 1
 ()
  2: f32[n,4] = Identity(x)
  return 2
return 0
)");
}

TEST_F(Translate, BranchesThatOnnxCannotHold) {
  const auto of = [&](const std::string& result) {
    return refusal("%x: f32[4], %c: bool", R"(
    %s: str = prim::Constant() {value = "s"}
    %half = test::half(%x)
    %y = prim::If(%c) block() {
      return )" + result + "\n    } block() {\n      return %x\n    }\n    return %y");
  };
  for (const auto& [result, why] : std::initializer_list<std::pair<const char*, const char*>>{
           {"%none", "is None or a value, as run time decides"},
           {"%half", "give different element types: f16[4] and f32[4]"},
           {"%s", "give a constant and f32[4]"}}) {
    const Diagnostic d = of(result);
    EXPECT_EQ(d.code, "T513") << result;
    EXPECT_THAT(d.message, HasSubstr(why)) << result;
  }
}

// ---- loops ----

constexpr const char* kLoop = R"(
    %y: f32[*] = prim::Loop(%trips, %true, %x) block(%i: int, %p: f32[*]) {
      %q = aten::relu(%p)
      return %true, %q
    }
    return %y)";

TEST_F(Translate, ALoopOfKnownLengthIsUnrolled) {
  EXPECT_EQ(text("%x: f32[3]", "%trips: int = aten::size.int(%x, %c0)" + std::string(kLoop)), R"(
0: f32[3] = Relu(x)
1: f32[3] = Relu(0)
2: f32[3] = Relu(1)
return 2
)");
}

TEST_F(Translate, OneOfUnknownOrGreatLengthStaysALoop) {
  const std::string loop = R"(
 (iteration: i64[], condition: bool[], 1: f32[3])
  2: f32[3] = Relu(1)
  return 1, 2
return 0
)";
  EXPECT_EQ(text("%x: f32[3], %trips: int", kLoop), "\n0: f32[3] = Loop(trips, 1, x)" + loop);
  EXPECT_EQ(text("%x: f32[3]", "%trips: int = prim::Constant() {value = 5000}" + std::string(kLoop)),
            "\n0: f32[3] = Loop(5000, 1, x)" + loop);
}

TEST_F(Translate, LoopsThatOnnxCannotHold) {
  const Diagnostic d = refusal("%x: f32[3], %trips: int", R"(
    %s: str = prim::Constant() {value = "s"}
    %t: str = prim::Constant() {value = "t"}
    %y: str = prim::Loop(%trips, %true, %s) block(%i: int, %p: str) {
      return %true, %t
    }
    return %x)");
  EXPECT_EQ(d.code, "T514");
  EXPECT_THAT(d.message, HasSubstr("carries different strings or dtypes"));
}

TEST_F(Translate, WhatNoIterationChangesIsNotCarried) {
  EXPECT_EQ(text("%x: f32[3], %trips: int", R"(
    %s: str = prim::Constant() {value = "s"}
    %y: str, %z: f32[*] = prim::Loop(%trips, %true, %s, %x) block(%i: int, %p: str, %q: f32[*]) {
      %r = aten::relu(%q)
      return %true, %p, %r
    }
    return %z)"),
            R"(
0: f32[3] = Loop(trips, 1, x)
 (iteration: i64[], condition: bool[], 1: f32[3])
  2: f32[3] = Relu(1)
  return 1, 2
return 0
)");
}

// ---- lists whose length is known at run time only ----

TEST_F(Translate, AListThatEveryIterationAppendsToIsAScanOutput) {
  EXPECT_EQ(text("%x: f32[3], %trips: int", R"(
    %l: list<f32[*]> = prim::ListConstruct()
    %y: list<f32[*]> = prim::Loop(%trips, %true, %l) block(%i: int, %p: list<f32[*]>) {
      %r = aten::relu(%x)
      %one: list<f32[*]> = prim::ListConstruct(%r)
      %q: list<f32[*]> = aten::add.t(%p, %one)
      return %true, %q
    }
    %z = aten::stack(%y, %c0)
    return %z)"),
            R"(
0: f32[?0,3] = Loop(trips, 1)
 (iteration: i64[], condition: bool[])
  1: f32[3] = Relu(x)
  return 1, 1
return 0
)");
}

TEST_F(Translate, AListThatSomeIterationsAppendToIsASequence) {
  const std::string graph = text("%x: f32[3], %trips: int, %c: bool", R"(
    %l: list<f32[*]> = prim::ListConstruct()
    %y: list<f32[*]> = prim::Loop(%trips, %true, %l) block(%i: int, %p: list<f32[*]>) {
      %r: list<f32[*]> = prim::If(%c) block() {
        %one: list<f32[*]> = prim::ListConstruct(%x)
        %q: list<f32[*]> = aten::add.t(%p, %one)
        return %q
      } block() {
        return %p
      }
      return %true, %r
    }
    %n: int = aten::len.t(%y)
    return %n)");
  for (const char* op : {"SequenceEmpty", "SequenceInsert", "SequenceLength"})
    EXPECT_THAT(graph, HasSubstr(op));
}

TEST_F(Translate, AnElementAtARunTimePosition) {
  EXPECT_THAT(text("%x: f32[3], %k: int", R"(
    %r = aten::relu(%x)
    %l: list<f32[*]> = prim::ListConstruct(%x, %r)
    %y = aten::__getitem__.t(%l, %k)
    return %y)"),
              AllOf(HasSubstr("Concat"), HasSubstr(": f32[3] = Gather(")));
}

// ---- what is unset, or None, until run time decides ----

TEST_F(Translate, AVariableThatOneBranchLeavesUnsetIsTheOtherBranchs) {
  EXPECT_EQ(text("%x: f32[3], %c: bool", R"(
    %r = aten::relu(%x)
    %u: f32[*] = prim::Uninitialized()
    %y: f32[*] = prim::If(%c) block() {
      return %r
    } block() {
      return %u
    }
    return %y)"),
            R"(
0: f32[3] = Relu(x)
1: i64[] = If(c)
 ()
  return 0
 ()
  return 0
return 0
)");
}

TEST_F(Translate, NoneOrAValueIsAFlagAndAValue) {
  const std::string graph = text("%x: f32[3], %c: bool", R"(
    %y: optional<f32[*]> = prim::If(%c) block() {
      %r = aten::relu(%x)
      return %r
    } block() {
      return %none
    }
    %is: bool = aten::__is__(%y, %none)
    %z: f32[*] = prim::If(%is) block() {
      return %x
    } block() {
      %cast: f32[*] = prim::unchecked_cast(%y)
      %w = aten::relu(%cast)
      return %w
    }
    return %z)");
  EXPECT_THAT(graph, AllOf(HasSubstr("0: bool[], 1: f32[3] = If(c)"), HasSubstr("Not(0)")));
}

TEST_F(Translate, BeyondTheEndOfAListIsUnsetWhereRunTimeDecides) {
  EXPECT_EQ(text("%x: f32[3], %c: bool", R"(
    %l: list<f32[*]> = prim::ListConstruct()
    %y: f32[*] = prim::If(%c) block() {
      %r = aten::__getitem__.t(%l, %c0)
      return %r
    } block() {
      return %x
    }
    return %y)"),
            R"(
0: i64[] = If(c)
 ()
  return 0
 ()
  return 0
1: f32[3] = Identity(x)
return 1
)");
}

// ---- types that a manifest states ----

TEST_F(Translate, ASliceStandsForSeveralSizes) {
  EXPECT_EQ(text("%x: f32[n,3,4], %w: f32[5,4]", "%a = test::dense(%x, %w)\nreturn %a"),
            "\n0: f32[n,3,5] = com.test::Dense(x, w)\nreturn 0\n");
  EXPECT_EQ(text("%x: f32[4], %w: f32[5,4,7]", "%a = test::dense(%x, %w)\nreturn %a"),
            "\n0: f32[5,7] = com.test::Dense(x, w)\nreturn 0\n");
}

TEST_F(Translate, AnElementTypeMayBeThatOfAnArgument) {
  EXPECT_EQ(text("%x: f32[4]",
                 "%d: dtype = prim::Constant() {value = dtype f16}\n%a = test::to(%x, %d)\nreturn %a"),
            "\n0: f16[4] = com.test::To(x)\nreturn 0\n");
  EXPECT_EQ(text("%x: f32[4]", "%a = test::to(%x, %none)\nreturn %a"),
            "\n0: f32[4] = com.test::To(x)\nreturn 0\n");
}

// ---- who is to blame ----

TEST_F(Translate, EveryOperatorThatNobodyMapsIsNamed) {
  try {
    run("%x: f32[3]", "%a = test::nobody(%x)\n%b = aten::clone(%x, %none)\nreturn %a, %b");
    ADD_FAILURE();
  } catch (const Error& error) {
    ASSERT_GE(error.diagnostics().size(), 1u);
    EXPECT_EQ(error.diagnostics()[0].code, "T501");
    EXPECT_THAT(error.diagnostics()[0].message, HasSubstr("operator test::nobody is not mapped"));
  }
}

// The branch has no result then: that is no further finding.
TEST_F(Translate, AFailureInABranchIsOneFinding) {
  try {
    run("%x: f32[3], %c: bool", R"(
    %y: f32[3] = prim::If(%c) block() {
      %a = test::nobody(%x)
      return %a
    } block() {
      return %x
    }
    return %y)");
    ADD_FAILURE();
  } catch (const Error& error) {
    ASSERT_EQ(error.diagnostics().size(), 1u) << error.what();
    EXPECT_EQ(error.diagnostics()[0].code, "T501");
  }
}

TEST_F(Translate, ALengthNeedsNoRank) {
  EXPECT_EQ(
      text("%x: f32[*]", "%n: int = aten::len.Tensor(%x)\n%y = prim::NumToTensor.Scalar(%n)\nreturn %y"), R"(
0: i64[?0] = Shape(x)
1: i64[] = Gather(0, 0)
return 1
)");
}

TEST_F(Translate, ADeclineSaysWhoAndWhy) {
  const Diagnostic d = refusal("%x: f32[3], %s: float", "%a = test::scaled(%x, %s)\nreturn %a");
  EXPECT_EQ(d.code, "T502");
  EXPECT_THAT(
      d.message,
      AllOf(HasSubstr("operator test::scaled is not supported as called"), HasSubstr("com.test.plugin: "),
            HasSubstr("argument 'scale' is known at run time only and cannot be an attribute")));
  EXPECT_THAT(d.hint, HasSubstr("onnxport plugin which test::scaled"));
}

TEST_F(Translate, AResultWithoutATypeNamesTheLineToMend) {
  for (const char* body :
       {"%a = test::thing(%x)\nreturn %a", "%a = test::thing(%x)\n%b = aten::relu(%a)\nreturn %b"}) {
    const Diagnostic d = refusal("%x: f32[3]", body);
    EXPECT_THAT(d.hint, AllOf(HasSubstr("test::thing"), HasSubstr(manifest_.string() + ":9:"),
                              HasSubstr("result: {like: ")))
        << d.text();
  }
  // What the program records is as good.
  EXPECT_EQ(text("%x: f32[3]", "%a: f32[3] = test::thing(%x)\n%b = aten::relu(%a)\nreturn %b"),
            "\n0: f32[3] = com.test::Thing(x)\n1: f32[3] = Relu(0)\nreturn 1\n");
  EXPECT_EQ(text("%x: f32[3]", "%a = test::typed(%x)\nreturn %a"),
            "\n0: f32[3] = com.test::Thing(x)\nreturn 0\n");
}

TEST_F(Translate, AnotherElementTypeThanTheModelRecords) {
  const Diagnostic d = refusal("%x: f32[3]", "%a: f32[3] = test::half(%x)\nreturn %a");
  EXPECT_EQ(d.code, "T511");
  EXPECT_EQ(d.message, "com.test.plugin gives f16 where the model records f32");
  EXPECT_THAT(d.hint, HasSubstr(manifest_.string() + ":11:"));
}

TEST_F(Translate, AnotherShapeThanTheModelRecords) {
  const Diagnostic d = refusal("%x: f32[3]", "%a: f32[4] = test::typed(%x)\nreturn %a");
  EXPECT_EQ(d.code, "T511");
  EXPECT_EQ(d.message, "com.test.plugin gives f32[3] where the model records f32[4]");
}

// A value that is read before it is computed: no capture makes that.
TEST_F(Translate, ADefectOfOnnxportIsCalledOne) {
  ir::Graph graph(ir::Graph::Dialect::torch);
  ir::Value* x = graph.add_input("x", ir::Type::tensor(ir::DType::f32, ir::Shape{3}));
  const ir::Schema* schema = graph.keep(ir::parse_schema("aten::relu(Tensor self) -> Tensor"));
  ir::Node* first = graph.create("aten::relu", {&x, 1}, schema);
  ir::Value* inner = first->add_output();
  ir::Node* second = graph.create("aten::relu", {&inner, 1}, schema);
  graph.body().add_result(second->add_output());
  graph.append(graph.body(), second);
  graph.append(graph.body(), first);
  try {
    translate(graph, *registry_, TranslateOptions());
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.diagnostics().front().code, "T519");
    EXPECT_THAT(error.diagnostics().front().hint, HasSubstr("defect of onnxport"));
  }
}

// Failures of a library keep their codes up to the user.
class TranslateByLibrary : public Translate {
 protected:
  Diagnostic refusal_of(const std::string& plugin, const std::string& op) {
    std::filesystem::copy_file(std::filesystem::path(ONNXPORT_BUILD_DIR) / "tests/plugins" / (plugin + ".so"),
                               folder_.path() / (plugin + ".so"),
                               std::filesystem::copy_options::skip_existing);
    std::string ops;
    for (const char* name :
         {"scaled_tanh",  "declines",      "fails",          "poisoned",     "undeclared", "throws_standard",
          "throws_int",   "ranged",        "complex",        "only_complex", "by_parts",   "keeps_handle",
          "stale_handle", "forged_handle", "unclosed_block", "no_block",     "no_results", "bad_status",
          "bad_tensor",   "not_a_rule",    "throws"})
      ops += (ops.empty() ? "test::" : ", test::") + std::string(name);
    PluginOptions options;
    options.files = {folder_.write(
        "library.onnxport.yaml",
        "onnxport_manifest: 1\nplugin: {id: com.test.plugin, version: \"1.0.0\"}\nlibrary: {" +
            std::string(current_platform()) + ": " + plugin + ".so}\nprovides: {ops: [" + ops + "]}\n")};
    options.default_paths = options.builtin = false;
    registry_ = std::make_unique<Registry>(options, plugin_host());
    own_schema_ = "schema \"" + op + "(Tensor x, float scale) -> Tensor\"\n";
    return refusal("%x: f32[3]",
                   "%s: float = prim::Constant() {value = 2.0}\n%a = " + op + "(%x, %s)\nreturn %a");
  }
};

TEST_F(TranslateByLibrary, FailuresKeepTheirCodes) {
  struct Case {
    const char* plugin;
    const char* op;
    const char* code;
    int status;
  };
  for (const Case& c :
       {Case{"good", "test::declines", "T502", 14}, Case{"good", "test::fails", "T503", 14},
        Case{"good", "test::undeclared", "C404", 13}, Case{"hostile", "test::throws", "T504", 14},
        Case{"hostile", "test::stale_handle", "T505", 14}}) {
    const Diagnostic d = refusal_of(c.plugin, c.op);
    EXPECT_EQ(d.code, c.code) << d.text();
    EXPECT_EQ(exit_status(d.code), c.status);
    EXPECT_THAT(d.message, AllOf(HasSubstr(std::string("operator ") + c.op), HasSubstr("com.test.plugin: ")));
    EXPECT_EQ(d.message.find("T50"), std::string::npos) << d.message;
    EXPECT_FALSE(d.hint.empty());
  }
}

}  // namespace
}  // namespace onnxport
