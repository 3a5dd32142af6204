#include "core/ir/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>

namespace onnxport::ir {
namespace {

TEST(Tensor, CountsAreCheckedAgainstBytes) {
  const std::byte bytes[16] = {};
  EXPECT_NO_THROW(Tensor(DType::f32, {2, 2}, bytes, nullptr));
  EXPECT_NO_THROW(Tensor(DType::f32, {INT64_MAX, 0}, {}, nullptr));
  EXPECT_THROW(Tensor(DType::f32, {3}, bytes, nullptr), std::invalid_argument);
  EXPECT_THROW(Tensor(DType::f32, {-1, -4}, bytes, nullptr), std::invalid_argument);
  EXPECT_THROW(Tensor(DType::f32, {INT64_MAX, 4}, bytes, nullptr), std::invalid_argument);
  EXPECT_THROW(Tensor(DType::f32, {1, INT64_MAX / 2 + 3}, bytes, nullptr), std::invalid_argument);
  EXPECT_THROW(Tensor(DType::undefined, {}, {}, nullptr), std::invalid_argument);
  EXPECT_THROW(Tensor(DType::string, {0}, {}, nullptr), std::invalid_argument);
  EXPECT_EQ(Tensor().count(), 0);
}

TEST(Tensor, UnalignedBytesAreRead) {
  alignas(8) std::byte buffer[8 * 3 + 1];
  const int64_t values[] = {-1, INT64_MIN, 77};
  std::memcpy(buffer + 1, values, sizeof values);
  const Tensor tensor(DType::i64, {3}, std::span(buffer).subspan(1), nullptr);
  EXPECT_EQ(tensor.to_ints(), (std::vector<int64_t>{-1, INT64_MIN, 77}));
  EXPECT_EQ(tensor.to_reals(), std::nullopt);
}

TEST(Tensor, IntegersWiden) {
  EXPECT_EQ(Tensor::of<uint8_t>(DType::boolean, {2}, {0, 7}).to_ints(), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(Tensor::of<int8_t>(DType::i8, {1}, {-3}).to_ints(), (std::vector<int64_t>{-3}));
  EXPECT_EQ(Tensor::of<uint32_t>(DType::u32, {1}, {UINT32_MAX}).to_ints(),
            (std::vector<int64_t>{UINT32_MAX}));
  EXPECT_EQ(Tensor::of<uint64_t>(DType::u64, {1}, {UINT64_MAX}).to_ints(), std::nullopt);
  EXPECT_EQ(Tensor::of<float>(DType::f32, {1}, {1.f}).to_ints(), std::nullopt);
}

double one(DType dtype, uint16_t bits) {
  const bool byte = size_of(dtype) == 1;
  const Tensor tensor = byte ? Tensor::of<uint8_t>(dtype, {}, {static_cast<uint8_t>(bits)})
                             : Tensor::of<uint16_t>(dtype, {}, {bits});
  return tensor.to_reals()->at(0);
}

TEST(Tensor, SmallFloatsWiden) {
  EXPECT_EQ(one(DType::f16, 0x3c00), 1.0);
  EXPECT_EQ(one(DType::f16, 0xc000), -2.0);
  EXPECT_EQ(one(DType::f16, 0x0001), std::ldexp(1.0, -24));
  EXPECT_EQ(one(DType::f16, 0xfc00), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(one(DType::f16, 0x7e00)));
  EXPECT_EQ(one(DType::bf16, 0x3f80), 1.0);
  EXPECT_EQ(one(DType::f8e4m3fn, 0x38), 1.0);
  EXPECT_EQ(one(DType::f8e4m3fn, 0x7e), 448.0);
  EXPECT_TRUE(std::isnan(one(DType::f8e4m3fn, 0x7f)));
  EXPECT_EQ(one(DType::f8e4m3fnuz, 0x7f), 240.0);
  EXPECT_TRUE(std::isnan(one(DType::f8e4m3fnuz, 0x80)));
  EXPECT_EQ(one(DType::f8e5m2, 0x7b), 57344.0);
  EXPECT_EQ(one(DType::f8e5m2fnuz, 0x7f), 57344.0);
}

TEST(Tensor, ViewsShareTheirStorage) {
  const Tensor a = Tensor::ints({1, 2, 3, 4});
  const Tensor copy = a;  // NOLINT(performance-unnecessary-copy-initialization): copies are what is tested
  EXPECT_TRUE(a.same_storage(copy));
  EXPECT_FALSE(a.same_storage(Tensor::ints({1, 2, 3, 4})));
  const Tensor square = a.reshaped({2, 2});
  EXPECT_EQ(square.bytes().data(), a.bytes().data());
  EXPECT_FALSE(a.same_storage(square));
  EXPECT_THROW(a.reshaped({3}), std::invalid_argument);
  EXPECT_EQ(square.type().text(), "i64[2,2]");
}

TEST(Tensor, ElementsOfFourAndTwoBitsArePacked) {
  const auto packed = [](DType dtype, std::vector<int64_t> dims, std::vector<uint8_t> bytes) {
    return Tensor::copy_of(dtype, std::move(dims), std::as_bytes(std::span(bytes)));
  };
  const Tensor u4 = packed(DType::u4, {3}, {0xF1, 0x07});
  EXPECT_EQ(u4.to_ints(), (std::vector<int64_t>{1, 15, 7}));
  EXPECT_EQ(packed(DType::i4, {3}, {0xF1, 0x08}).to_ints(), (std::vector<int64_t>{1, -1, -8}));
  EXPECT_EQ(packed(DType::u2, {5}, {0xE4, 0x03}).to_ints(), (std::vector<int64_t>{0, 1, 2, 3, 3}));
  EXPECT_EQ(packed(DType::i2, {4}, {0xE4}).to_ints(), (std::vector<int64_t>{0, 1, -2, -1}));
  EXPECT_EQ(packed(DType::f4e2m1, {4}, {0x72, 0x9F}).to_reals(), (std::vector<double>{1, 6, -6, -0.5}));
  EXPECT_EQ(packed(DType::f8e8m0, {2}, {127, 128}).to_reals(), (std::vector<double>{1, 2}));
  EXPECT_EQ(packed(DType::u4, {2, 3}, {0x21, 0x43, 0x65}).transposed({1, 0}).to_ints(),
            (std::vector<int64_t>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(packed(DType::u4, {0}, {}).count(), 0);
  EXPECT_THROW(packed(DType::u4, {3}, {0x21}), std::invalid_argument);
  EXPECT_THROW(packed(DType::u4, {3}, {0x21, 0, 0}), std::invalid_argument);
  EXPECT_EQ(bytes_of(DType::i2, 9), 3u);
  EXPECT_EQ(bits_of(DType::f8e8m0), 8u);
}

}  // namespace
}  // namespace onnxport::ir
