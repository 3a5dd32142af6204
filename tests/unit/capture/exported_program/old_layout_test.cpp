// The archive of PyTorch 2.6 and before: top-level records, weights in archives within the archive.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "core/capture/exported_program/capture.h"
#include "core/capture/exported_program/weights.h"
#include "unit/archive/pickle_bytes.h"
#include "unit/capture/exported_program/programs.h"

namespace onnxport::testing {
namespace {

using pickle::bytes_of;
using pickle::dict;
using pickle::floats;
using pickle::saved;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kState = "serialized_state_dict.pt";
const std::string kConstants = "serialized_constants.pt";

// Records as they come, where they come: not aligned.
std::filesystem::path write_old(const TemporaryFolder& folder, const Records& records,
                                const std::string& program = "{}") {
  ZipBytes zip(1);
  zip.add("serialized_exported_program.json", program);
  for (const auto& [name, bytes] : records) zip.add(name, bytes);
  zip.add("version", "8.2");
  return folder.write("old.pt2", zip.finish());
}

std::string view(const std::string& key, int32_t offset, const std::vector<int32_t>& sizes,
                 const std::vector<int32_t>& strides) {
  return pickle::parameter(pickle::tensor(floats(key, 6), offset, sizes, strides));
}

class OldLayout : public ::testing::Test {
 protected:
  const ProgramWeights& of(const Records& records, bool check = true) {
    archive_.emplace(write_old(folder_, records));
    weights_.emplace(*archive_, check);
    return *weights_;
  }
  // A state dict over one storage of the numbers 0 to 5.
  const ProgramWeights& of_state(const std::vector<std::pair<std::string, std::string>>& tensors) {
    return of({{kState, saved(dict(tensors), {{"0", bytes_of<float>({0, 1, 2, 3, 4, 5})}})}});
  }
  std::vector<double> numbers(const std::string& tensor) {
    return of_state({{"w", tensor}}).tensor("w").to_reals().value_or(std::vector<double>{});
  }

  TemporaryFolder folder_;
  std::optional<ProgramArchive> archive_;
  std::optional<ProgramWeights> weights_;
};

TEST_F(OldLayout, WeightsAreViewsOfTheFile) {
  const ir::Tensor w = of_state({{"w", view("0", 1, {2, 2}, {2, 1})}}).tensor("w");
  EXPECT_THAT(w.dims(), ElementsAre(2, 2));
  EXPECT_THAT(*w.to_reals(), ElementsAre(1, 2, 3, 4));
  const std::span<const std::byte> file = archive_->file()->bytes();
  ASSERT_TRUE(w.file());
  EXPECT_EQ(w.bytes().data(), file.data() + w.file()->offset);
  EXPECT_NE(w.file()->offset % sizeof(float), 0u);  // no copy for it either
}

TEST_F(OldLayout, StridedOnesAreViewsToo) {
  EXPECT_THAT(numbers(view("0", 0, {2, 3}, {1, 2})), ElementsAre(0, 2, 4, 1, 3, 5));
  EXPECT_THAT(numbers(view("0", 5, {2, 2}, {0, 0})), ElementsAre(5, 5, 5, 5));
  EXPECT_TRUE(weights_->tensor("w").file());
}

TEST_F(OldLayout, TiedOnesAreOne) {
  const ProgramWeights& weights = of_state(
      {{"a", view("0", 0, {3}, {1})}, {"b", view("0", 0, {3}, {1})}, {"shifted", view("0", 1, {3}, {1})}});
  EXPECT_EQ(weights.identity("a"), weights.identity("b"));
  EXPECT_NE(weights.identity("a"), weights.identity("shifted"));
  const std::string two = dict({{"a", view("0", 0, {3}, {1})}, {"b", view("1", 0, {3}, {1})}});
  const std::string six = bytes_of<float>({0, 1, 2, 3, 4, 5});
  EXPECT_NE(of({{kState, saved(two, {{"0", six}, {"1", six}})}}).identity("a"), weights_->identity("b"));
}

TEST_F(OldLayout, ConstantsAreReadToo) {
  const std::string mask =
      pickle::tensor(pickle::storage("0", 2, pickle::global("torch", "BoolStorage")), 0, {2}, {1});
  const ProgramWeights& weights =
      of({{kState, ""}, {kConstants, saved(dict({{"mask", mask}}), {{"0", std::string("\1\0", 2)}})}});
  EXPECT_EQ(weights.tensor("mask").dtype(), ir::DType::boolean);
  EXPECT_THAT(*weights.tensor("mask").to_ints(), ElementsAre(1, 0));
  EXPECT_THAT(error_of([&] { weights.tensor("w"); }),
              AllOf(HasSubstr("I117"), HasSubstr("'w' is not in the")));
}

TEST_F(OldLayout, WhatIsNoTensorOrLiesOutside) {
  const ProgramWeights& weights = of_state({{"w", pickle::number(1)},
                                            {"long", view("0", 2, {5}, {1})},
                                            {"before", view("0", -1, {2}, {1})},
                                            {"wide", view("0", 0, {2, 2}, {5, 1})},
                                            {"odd", view("0", 0, {2, 2}, {1})}});
  const auto refused = [&](const std::string& name) { return error_of([&] { weights.tensor(name); }); };
  EXPECT_THAT(refused("w"), AllOf(HasSubstr("I117"), HasSubstr("'w' is no plain tensor"), HasSubstr(kState)));
  for (const char* name : {"long", "before", "wide"})
    EXPECT_THAT(refused(name), AllOf(HasSubstr("I117"), HasSubstr("beyond the 24 bytes"))) << name;
  EXPECT_THAT(refused("odd"), HasSubstr("impossible sizes or strides"));
}

TEST_F(OldLayout, PicklesThatAreNotRead) {
  const auto refused = [&](const std::string& state) { return error_of([&] { of({{kState, state}}); }); };
  const auto names_it = AllOf(HasSubstr("I117"), HasSubstr("old.pt2:" + kState));
  const std::string hostile = pickle::call(pickle::global("os", "system"), {pickle::text("true")});
  EXPECT_THAT(refused(saved(hostile)), AllOf(names_it, HasSubstr("'os.system'")));
  EXPECT_THAT(refused(saved(pickle::tuple({}))), AllOf(names_it, HasSubstr("no dict")));
  EXPECT_THAT(refused("no archive"), AllOf(names_it, HasSubstr("as an archive it is damaged")));
  // A record within it that reaches beyond it, into the next record of the outer archive.
  std::string lying = saved(dict({}), {{"0", std::string(8, '\0')}});
  for (size_t at = 0; (at = lying.find(pickle::little(8, 4) + pickle::little(8, 4), at)) != std::string::npos;
       ++at)
    lying.replace(at, 8, pickle::little(4096, 4) + pickle::little(4096, 4));
  EXPECT_THAT(refused(lying), AllOf(names_it, HasSubstr("beyond the end")));
}

TEST_F(OldLayout, ChecksumsWhenAskedFor) {
  const std::filesystem::path path = write_old(
      folder_, {{kState, saved(dict({{"w", view("0", 0, {6}, {1})}}), {{"0", std::string(24, '\7')}})}});
  std::string bytes;
  {
    std::ifstream in(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  bytes[bytes.find(std::string(24, '\7')) + 3] = '\6';
  const ProgramArchive archive(folder_.write("changed.pt2", bytes));
  EXPECT_THAT(error_of([&] {
                const ProgramWeights weights(archive);
                weights.tensor("w");
                weights.check();
              }),
              AllOf(HasSubstr("I118"), HasSubstr(kState)));
  EXPECT_EQ(ProgramWeights(archive, false).tensor("w").count(), 6);
}

std::string linear(const std::string& version) {
  ProgramText program;
  program.version = version;
  program.inputs = {"w", "x"};
  program.nodes = {
      node("torch.ops.aten.mul.Tensor", {named("self", tensor("x")), named("other", tensor("w"))})};
  program.signature =
      R"({"input_specs": [{"parameter": {"arg": {"name": "w"}, "parameter_name": "layer.weight"}},
          {"user_input": {"arg": {"as_tensor": {"name": "x"}}}}],
          "output_specs": [{"user_output": {"arg": {"as_tensor": {"name": "out"}}}}]})";
  return program.text();
}

TEST_F(OldLayout, AWholeProgram) {
  const std::string state = saved(dict({{"layer.weight", view("0", 0, {1, 2}, {2, 1})}}),
                                  {{"0", bytes_of<float>({2, 3, 0, 0, 0, 0})}});
  const Captured captured = capture_exported_program(
      write_old(folder_, {{kState, state}}, linear(R"({"major": 8, "minor": 2})")), {});
  EXPECT_THAT(operators(*captured.graph), ElementsAre("aten::mul.Tensor"));
  ASSERT_EQ(captured.graph->initializers().size(), 1u);
  EXPECT_EQ(captured.graph->initializers()[0]->name(), "layer.weight");
  EXPECT_THAT(*captured.graph->initializers()[0]->constant()->to_reals(), ElementsAre(2, 3));
  EXPECT_THAT(error_of([&] {
                capture_exported_program(
                    write_old(folder_, {{kState, state}}, linear(R"({"major": 7, "minor": 3})")), {});
              }),
              HasSubstr("I115"));
  EXPECT_THAT(error_of([&] {
                capture_exported_program(write_old(folder_, {}, linear(R"({"major": 8, "minor": 2})")), {});
              }),
              AllOf(HasSubstr("I117"), HasSubstr("'layer.weight'")));
}

// What a user puts beside the program is none of its records.
TEST_F(OldLayout, RecordsHaveNoFolder) {
  of({{"extra_files/version", "1"}, {"extra_files/models/model.json", "{}"}});
  EXPECT_EQ(archive_->program_record(), "serialized_exported_program.json");
  EXPECT_EQ(archive_->text("version"), "8.2");
  EXPECT_EQ(archive_->text("extra_files/version"), "1");
}

// ---- pickles in the newer layout ----

TEST(PickledWeights, OneByOne) {
  const TemporaryFolder folder;
  const auto entry = [](const std::string& name, const std::string& record) {
    return '"' + name + R"(": {"path_name": ")" + record + R"(", "use_pickle": true})";
  };
  const std::string w = saved(view("0", 2, {3}, {1}), {{"0", bytes_of<float>({0, 1, 2, 3, 4, 5})}});
  const ProgramArchive archive(write_archive(
      folder, {{"models/model.json", "{}"},
               {"data/weights/weight_0", w},
               {"data/weights/weight_1", saved(pickle::list({}))},
               {"data/weights/weight_2", saved(pickle::global("acme", "Packed"))},
               {"data/weights/model_weights_config.json",
                "{\"config\": {" + entry("w", "weight_0") + ", " + entry("list", "weight_1") + ", " +
                    entry("object", "weight_2") + ", " + entry("missing", "weight_3") + "}}"}}));
  const ProgramWeights weights(archive);
  EXPECT_THAT(*weights.tensor("w").to_reals(), ElementsAre(2, 3, 4));
  EXPECT_TRUE(weights.tensor("w").file());
  const auto refused = [&](const char* name) { return error_of([&] { weights.tensor(name); }); };
  EXPECT_THAT(refused("list"), AllOf(HasSubstr("I117"), HasSubstr("another value")));
  EXPECT_THAT(refused("object"), AllOf(HasSubstr("I117"), HasSubstr("'acme.Packed'")));
  EXPECT_THAT(refused("missing"), AllOf(HasSubstr("I117"), HasSubstr("record is missing")));
}

TEST(PickledWeights, AllOfOneModel) {
  const TemporaryFolder folder;
  const std::string six = bytes_of<float>({0, 1, 2, 3, 4, 5});
  const ProgramArchive archive(write_archive(
      folder, {{"models/model.json", "{}"},
               {"data/weights/model.pt", saved(dict({{"w", view("0", 0, {6}, {1})}}), {{"0", six}})},
               {"data/constants/model.pt", saved(dict({{"c", view("0", 5, {1}, {1})}}), {{"0", six}})}}));
  const ProgramWeights weights(archive);
  EXPECT_THAT(*weights.tensor("w").to_reals(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(*weights.tensor("c").to_reals(), ElementsAre(5));
}

}  // namespace
}  // namespace onnxport::testing
