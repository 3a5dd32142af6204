#include "core/capture/exported_program/sample_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/capture/exported_program/capture.h"
#include "unit/archive/pickle_bytes.h"
#include "unit/capture/exported_program/programs.h"

namespace onnxport::testing {
namespace {

using pickle::bytes_of;
using pickle::dict;
using pickle::saved;
using pickle::tuple;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kSamples = "data/sample_inputs/model.pt";

// f32[3,2] or another view of the numbers 0 to 5.
std::string sample(const std::vector<int32_t>& sizes = {3, 2}, const std::vector<int32_t>& strides = {2, 1}) {
  return pickle::tensor(pickle::floats("0", 6), 0, sizes, strides);
}
std::string samples(const std::string& positional, const std::string& named = dict({})) {
  return saved(tuple({positional, named}), {{"0", bytes_of<float>({0, 1, 2, 3, 4, 5})}});
}

// Two inputs f32[s0=3,2], called `a` and `b` in the graph.
ProgramText two() {
  ProgramText program;
  program.inputs = {"a", "b"};
  program.nodes = {
      node("torch.ops.aten.mul.Tensor", {named("self", tensor("a")), named("other", tensor("b"))})};
  return program;
}
// forward(pair, *, scale) where the pair is a tensor and None
std::string call_of_two() {
  const std::string leaf = R"({\"type\": null, \"context\": null, \"children_spec\": []})";
  const std::string pair = R"({\"type\": \"builtins.tuple\", \"context\": \"null\", \"children_spec\": [)" +
                           leaf + ", " + leaf + "]}";
  const std::string spec = R"([1, {\"type\": \"builtins.tuple\", \"context\": \"null\", \"children_spec\": [)"
                           R"({\"type\": \"builtins.tuple\", \"context\": \"null\", \"children_spec\": [)" +
                           pair + R"(]}, {\"type\": \"builtins.dict\", \"context\": \"[\\\"scale\\\"]\", )" +
                           R"(\"children_spec\": [)" + leaf + "]}]}]";
  return R"("module_call_graph": [{"fqn": "", "signature": {"inputs": [], "outputs": [], "in_spec": ")" +
         spec + R"(", "out_spec": "", "forward_arg_names": ["pair"]}}])";
}

MATCHER(IsThere, "") { return arg.has_value(); }
MATCHER(IsAbsent, "") { return !arg.has_value(); }

class SampleInputs : public ::testing::Test {
 protected:
  void write(const std::string& program, const Records& more) {
    Records records = more;
    records["models/model.json"] = program;
    path_ = write_archive(folder_, records);
  }
  std::vector<std::optional<ir::Tensor>> of(const CaptureOptions& options = {}) {
    return sample_inputs_of(path_, *capture_exported_program(path_, options).graph);
  }

  TemporaryFolder folder_;
  std::filesystem::path path_;
};

TEST_F(SampleInputs, ByPosition) {
  write(two().text(), {{kSamples, samples(tuple({sample(), sample({3, 2}, {1, 3})}))}});
  const auto found = of();
  ASSERT_EQ(found.size(), 2u);
  ASSERT_TRUE(found[0] && found[1]);
  EXPECT_THAT(*found[0]->to_reals(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(*found[1]->to_reals(), ElementsAre(0, 3, 1, 4, 2, 5));
}

TEST_F(SampleInputs, ByName) {
  ProgramText program = two();
  program.extra = call_of_two();
  program.signature =
      R"({"input_specs": [{"user_input": {"arg": {"as_tensor": {"name": "a"}}}},
          {"constant_input": {"name": "none", "value": {"as_none": true}}},
          {"user_input": {"arg": {"as_tensor": {"name": "b"}}}}],
          "output_specs": [{"user_output": {"arg": {"as_tensor": {"name": "out"}}}}]})";
  program.inputs = {"a", "b"};
  const std::string text = program.text();
  write(text,
        {{kSamples, samples(tuple({tuple({sample(), "N"})}), dict({{"scale", sample({3, 2}, {1, 3})}}))}});
  const ProgramArchive archive(path_);
  simdjson::dom::parser parser;
  std::string why;
  const auto all = sample_inputs(archive, parse_json(parser, text, "p"), why);
  ASSERT_TRUE(all) << why;
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].name, "pair.0");
  EXPECT_EQ((*all)[1].name, "scale");
  EXPECT_THAT(*(*all)[1].value.to_reals(), ElementsAre(0, 3, 1, 4, 2, 5));
}

TEST_F(SampleInputs, NumbersAreTensorsWithoutDims) {
  ProgramText program = two();
  const std::string text = program.text();
  write(text, {{kSamples, samples(tuple({pickle::number(7), "\x88"}))}});
  const ProgramArchive archive(path_);
  simdjson::dom::parser parser;
  std::string why;
  const auto all = sample_inputs(archive, parse_json(parser, text, "p"), why);
  ASSERT_TRUE(all && all->size() == 2) << why;
  EXPECT_EQ((*all)[0].value.dtype(), ir::DType::i64);
  EXPECT_THAT(*(*all)[0].value.to_ints(), ElementsAre(7));
  EXPECT_TRUE((*all)[0].value.dims().empty());
  EXPECT_EQ((*all)[1].value.dtype(), ir::DType::boolean);
  EXPECT_THAT(of(), ElementsAre(IsAbsent(), IsAbsent()));  // the program takes tensors
}

TEST_F(SampleInputs, OnlyWhereTheSizesAreTheirs) {
  write(two().text(), {{kSamples, samples(tuple({sample(), sample()}))}});
  EXPECT_THAT(of(), ElementsAre(IsThere(), IsThere()));
  CaptureOptions options;
  options.dims = {{"s0", "rows"}};
  EXPECT_THAT(of(options), ElementsAre(IsThere(), IsThere()));
  options.dims = {{"s0", "3"}};
  EXPECT_THAT(of(options), ElementsAre(IsThere(), IsThere()));
  options.dims = {{"s0", "4"}};
  EXPECT_THAT(of(options), ElementsAre(IsAbsent(), IsAbsent()));
  options.dims.clear();
  options.symbols["s0"].hint = 5;  // the user's own example
  EXPECT_THAT(of(options), ElementsAre(IsAbsent(), IsAbsent()));
  write(two().text(), {{kSamples, samples(tuple({sample(), sample({2, 2})}))}});
  EXPECT_THAT(of(), ElementsAre(IsAbsent(), IsAbsent()));
  write(two().text(), {{kSamples, samples(tuple({sample(), sample({6}, {1})}))}});
  EXPECT_THAT(of(), ElementsAre(IsAbsent(), IsAbsent()));
}

TEST_F(SampleInputs, OfTheOlderLayout) {
  ZipBytes zip(1);
  zip.add("serialized_exported_program.json", two().text());
  zip.add("serialized_example_inputs.pt", samples(tuple({sample(), sample()})));
  path_ = folder_.write("old.pt2", zip.finish());
  const auto found = of();
  ASSERT_THAT(found, ElementsAre(IsThere(), IsThere()));
  EXPECT_THAT(*found[0]->to_reals(), ElementsAre(0, 1, 2, 3, 4, 5));
}

// Of tests/fixtures/data/README.md: the numbers 0 to 11.
TEST_F(SampleInputs, AsPyTorchWroteThem) {
  path_ = std::filesystem::path(ONNXPORT_SOURCE_DIR) / "tests/fixtures/data/strided_2.6.pt2";
  const auto found = of();
  ASSERT_THAT(found, ElementsAre(IsThere()));
  EXPECT_THAT(found[0]->dims(), ElementsAre(2, 6));
  EXPECT_THAT(*found[0]->to_reals(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}

TEST_F(SampleInputs, NoneWhereNoneCanBeRead) {
  const auto why_not = [&](const std::optional<std::string>& record) {
    write(two().text(), record ? Records{{kSamples, *record}} : Records{});
    EXPECT_THAT(of(), ElementsAre(IsAbsent(), IsAbsent()));
    const ProgramArchive archive(path_);
    simdjson::dom::parser parser;
    const std::string text(archive.text(archive.program_record()));
    std::string why;
    EXPECT_FALSE(sample_inputs(archive, parse_json(parser, text, "p"), why));
    return why;
  };
  EXPECT_THAT(why_not(std::nullopt), HasSubstr("keeps no example inputs"));
  EXPECT_THAT(why_not(""), HasSubstr("keeps no example inputs"));
  EXPECT_THAT(why_not("nothing"), HasSubstr("as an archive it is damaged"));
  EXPECT_THAT(why_not(saved("N")), HasSubstr("no arguments"));
  EXPECT_THAT(why_not(samples(tuple({pickle::global("acme", "Cache")}))), HasSubstr("'acme.Cache'"));
}

TEST_F(SampleInputs, ATensorOutsideOfItsStorageIsNone) {
  write(two().text(), {{kSamples, samples(tuple({sample({3, 2}, {9, 1}), sample()}))}});
  EXPECT_THAT(of(), ElementsAre(IsAbsent(), IsThere()));
}

}  // namespace
}  // namespace onnxport::testing
