#include "core/capture/exported_program/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <optional>

#include "unit/capture/exported_program/programs.h"

namespace onnxport::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ints(const std::vector<int64_t>& values) {
  std::string out;
  for (const int64_t v : values)
    out += (out.empty() ? "" : ", ") + ("{\"as_int\": " + std::to_string(v) + "}");
  return "[" + out + "]";
}

// The entry of a weights config; dtype 5 is i64, 7 is f32.
std::string entry(const std::string& name, const std::vector<int64_t>& sizes,
                  const std::vector<int64_t>& strides, int64_t offset = 0, int dtype = 5,
                  const std::string& record = "weight_0") {
  return '"' + name + R"(": {"path_name": ")" + record +
         R"(", "use_pickle": false, "tensor_meta": {"dtype": )" + std::to_string(dtype) + R"(, "sizes": )" +
         ints(sizes) + R"(, "strides": )" + ints(strides) + R"(, "storage_offset": {"as_int": )" +
         std::to_string(offset) + "}}}";
}

class Weights : public ::testing::Test {
 protected:
  // One record of the numbers 0 to 5.
  const ProgramWeights& of(const std::string& entries, bool check = true) {
    std::string bytes(6 * sizeof(int64_t), '\0');
    for (int64_t i = 0; i < 6; ++i) std::memcpy(bytes.data() + i * 8, &i, 8);
    archive_.emplace(write_archive(
        folder_, {{"models/model.json", "{}"},
                  {"data/weights/weight_0", bytes},
                  {"data/weights/empty", ""},
                  {"data/weights/model_weights_config.json", "{\"config\": {" + entries + "}}"}}));
    weights_.emplace(*archive_, check);
    return *weights_;
  }
  std::vector<int64_t> numbers(const std::string& entries) {
    const auto found = of(entries).tensor("w").to_ints();
    return found ? *found : std::vector<int64_t>{-1};
  }
  std::string refused(const std::string& entries) {
    const ProgramWeights& weights = of(entries);
    return error_of([&] { weights.tensor("w"); });
  }

  TemporaryFolder folder_;
  std::optional<ProgramArchive> archive_;
  std::optional<ProgramWeights> weights_;
};

TEST_F(Weights, DenseOnesAreViews) {
  const ir::Tensor w = of(entry("w", {2, 3}, {3, 1})).tensor("w");
  EXPECT_EQ(w.dims(), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(w.dtype(), ir::DType::i64);
  EXPECT_EQ(w.bytes().data(), archive_->bytes("data/weights/weight_0").data());
  ASSERT_TRUE(w.file());
  EXPECT_EQ(w.file()->offset, archive_->region("data/weights/weight_0", 0).offset);
  const ir::Tensor part = of(entry("w", {2}, {1}, 3)).tensor("w");
  EXPECT_EQ(part.file()->offset, archive_->region("data/weights/weight_0", 24).offset);
  EXPECT_THAT(*part.to_ints(), ElementsAre(3, 4));
  EXPECT_THAT(numbers(entry("w", {}, {}, 5)), ElementsAre(5)) << "a scalar";
}

TEST_F(Weights, StridesAreFollowed) {
  EXPECT_THAT(numbers(entry("w", {3, 2}, {1, 3})), ElementsAre(0, 3, 1, 4, 2, 5)) << "transposed";
  EXPECT_THAT(numbers(entry("w", {3}, {2}, 1)), ElementsAre(1, 3, 5)) << "every other one";
  EXPECT_THAT(numbers(entry("w", {2, 2}, {0, 1}, 4)), ElementsAre(4, 5, 4, 5)) << "expanded";
  EXPECT_THAT(numbers(entry("w", {2, 1, 2}, {0, 9223372036854775807, 1})), ElementsAre(0, 1, 0, 1))
      << "the stride of a size of one";
  EXPECT_THAT(numbers(entry("w", {8}, {0}, 2)), ElementsAre(2, 2, 2, 2, 2, 2, 2, 2))
      << "larger than its record";
}

TEST_F(Weights, EmptyOnes) {
  EXPECT_EQ(of(entry("w", {0, 3}, {3, 1})).tensor("w").count(), 0);
  EXPECT_EQ(of(entry("w", {3, 0}, {1, 9})).tensor("w").count(), 0);
  EXPECT_EQ(of(entry("w", {0}, {1}, 0, 5, "empty")).tensor("w").count(), 0);
  EXPECT_THAT(refused(entry("w", {1}, {1}, 0, 5, "empty")), HasSubstr("beyond the 0 bytes"));
  EXPECT_THAT(refused(entry("w", {0, int64_t{1} << 62, int64_t{1} << 62}, {1, 1, 1})),
              HasSubstr("impossible sizes"));
}

TEST_F(Weights, TiedOnesAreTheSame) {
  const ProgramWeights& all = of(entry("w", {2, 3}, {3, 1}) + ", " + entry("tied", {2, 3}, {3, 1}) + ", " +
                                 entry("transposed", {2, 3}, {1, 2}) + ", " + entry("part", {2}, {1}, 3) +
                                 ", " + entry("as f32", {2, 3}, {3, 1}, 0, 7));
  EXPECT_EQ(all.identity("w"), all.identity("tied"));
  for (const char* other : {"transposed", "part", "as f32"})
    EXPECT_NE(all.identity("w"), all.identity(other)) << other;
}

TEST_F(Weights, OutsideTheirRecord) {
  for (const std::string& e :
       {entry("w", {7}, {1}), entry("w", {2, 4}, {4, 1}), entry("w", {2}, {6}), entry("w", {6}, {1}, 1),
        entry("w", {1}, {1}, 6), entry("w", {1}, {1}, -1), entry("w", {2}, {-1}, 3), entry("w", {0}, {1}, 7),
        entry("w", {1}, {1}, INT64_MAX), entry("w", {3}, {INT64_MAX}),
        entry("w", {2, 2}, {INT64_MAX, INT64_MAX})}) {
    EXPECT_THAT(refused(e),
                AllOf(HasSubstr("I117"), HasSubstr(".config.w"), HasSubstr("reaches beyond the 48 bytes")))
        << e;
  }
  for (const std::string& e : {entry("w", {-1}, {1}), entry("w", {INT64_MAX, 3}, {1, 1}),
                               entry("w", {2, 3}, {1}), entry("w", {2}, {})}) {
    EXPECT_THAT(refused(e), AllOf(HasSubstr("I117"), HasSubstr("impossible sizes or strides"))) << e;
  }
}

TEST_F(Weights, ExpansionsAreBounded) {
  EXPECT_THAT(refused(entry("w", {int64_t{1} << 29}, {0})), HasSubstr("expanded to an absurd size"));
  EXPECT_THAT(refused(entry("w", {INT64_MAX}, {0})), HasSubstr("expanded to an absurd size"));
  EXPECT_THAT(refused(entry("w", {int64_t{1} << 61}, {0})), HasSubstr("expanded to an absurd size"))
      << "in bytes it wraps to 0";
}

TEST_F(Weights, WhatIsMissingOrNoPlainTensor) {
  EXPECT_THAT(refused(entry("v", {1}, {1})),
              AllOf(HasSubstr("I117"), HasSubstr("'w' is not in the archive")));
  EXPECT_THAT(refused(entry("w", {1}, {1}, 0, 5, "weight_9")),
              AllOf(HasSubstr("I102"), HasSubstr("'data/weights/weight_9' is missing")));
  EXPECT_THAT(refused(R"("w": {"path_name": "weight_0", "use_pickle": true})"),
              HasSubstr("'w' is no plain tensor"));
  EXPECT_THAT(refused(entry("w", {1}, {1}, 0, 9)), HasSubstr("an element type that ONNX does not have"));
  EXPECT_THAT(refused(entry("w", {1}, {1}, 0, -1)), HasSubstr("an element type that ONNX does not have"));
  EXPECT_THAT(error_of([&] { of(R"("w": {"use_pickle": false})"); }),
              AllOf(HasSubstr("I116"), HasSubstr(".config.w: ")));
  EXPECT_THAT(error_of([&] { of(entry("w", {1}, {1}).replace(10, 9, "\"path\"")); }), HasSubstr("I116"));
}

TEST_F(Weights, ChecksumsWhenAskedFor) {
  of(entry("w", {6}, {1}));
  std::string bytes;
  {
    std::ifstream in(archive_->path(), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  bytes[archive_->region("data/weights/weight_0", 8).offset] ^= 0x40;
  const ProgramArchive damaged(folder_.write("damaged.pt2", bytes));
  EXPECT_THAT(error_of([&] {
                const ProgramWeights weights(damaged);
                weights.tensor("w");
                weights.check();
              }),
              HasSubstr("I118"));
  EXPECT_EQ(ProgramWeights(damaged, false).tensor("w").to_ints()->at(1), 0x41);
}

TEST_F(Weights, UnalignedOnesAreReadToo) {
  of(entry("w", {6}, {1}));
  std::ifstream in(archive_->path(), std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  // A byte more in front of everything, and in every offset.
  bytes.insert(0, 1, 'x');
  for (size_t at = bytes.find("PK\1\2"); at != std::string::npos; at = bytes.find("PK\1\2", at + 4)) {
    uint32_t local = 0;
    std::memcpy(&local, bytes.data() + at + 42, 4);
    ++local;
    std::memcpy(bytes.data() + at + 42, &local, 4);
  }
  ++bytes[bytes.size() - 22 + 16];
  const ProgramArchive moved(folder_.write("moved.pt2", bytes));
  const ir::Tensor w = ProgramWeights(moved).tensor("w");
  EXPECT_NE(reinterpret_cast<uintptr_t>(w.bytes().data()) % 8, 0u);
  EXPECT_THAT(*w.to_ints(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(w.file()->offset, moved.region("data/weights/weight_0", 0).offset);
}

TEST(ProgramDTypes, AreTheSchemasNumbers) {
  EXPECT_EQ(dtype_of_program(1), ir::DType::u8);
  EXPECT_EQ(dtype_of_program(7), ir::DType::f32);
  EXPECT_EQ(dtype_of_program(12), ir::DType::boolean);
  EXPECT_EQ(dtype_of_program(13), ir::DType::bf16);
  EXPECT_EQ(dtype_of_program(28), ir::DType::u16);
  for (const int64_t none :
       {INT64_MIN, int64_t{-1}, int64_t{0}, int64_t{9}, int64_t{14}, int64_t{27}, int64_t{33}, INT64_MAX}) {
    EXPECT_EQ(dtype_of_program(none), ir::DType::undefined) << none;
  }
}

}  // namespace
}  // namespace onnxport::testing
