// Tensors whose elements have strides, and copies of them, against a walk over every index.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <random>

#include "core/ir/strided_copy.h"
#include "core/ir/tensor.h"

namespace onnxport::ir {
namespace {

using V = std::vector<int64_t>;

int64_t product(const V& dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
}

// Where each element lies, row-major.
V offsets_of(const V& dims, const V& strides) {
  V out;
  V index(dims.size(), 0);
  for (int64_t n = product(dims); n > 0; --n) {
    int64_t at = 0;
    for (size_t i = 0; i < dims.size(); ++i) at += index[i] * strides[i];
    out.push_back(at);
    for (size_t i = dims.size(); i-- > 0;) {
      if (++index[i] < dims[i]) break;
      index[i] = 0;
    }
  }
  return out;
}

Tensor numbered(V dims) {
  std::vector<int32_t> values(static_cast<size_t>(product(dims)));
  std::iota(values.begin(), values.end(), 0);
  return Tensor::of<int32_t>(DType::i32, std::move(dims), values);
}

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  int64_t below(int64_t end) { return std::uniform_int_distribution<int64_t>(0, end - 1)(engine_); }
  V order(size_t rank) {
    V out(rank);
    std::iota(out.begin(), out.end(), 0);
    std::shuffle(out.begin(), out.end(), engine_);
    return out;
  }
  V dims() {
    V out(static_cast<size_t>(below(5)));
    for (int64_t& dim : out) dim = below(8) == 0 ? 1 : below(9) + (below(6) == 0 ? 60 : 1);
    if (below(20) == 0 && !out.empty()) out[0] = 0;
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

TEST(Strided, ATranspositionIsAView) {
  const Tensor x = numbered({2, 3});
  const Tensor t = x.transposed({1, 0});
  EXPECT_FALSE(t.is_contiguous());
  EXPECT_EQ(t.dims(), (V{3, 2}));
  EXPECT_EQ(t.strides(), (V{1, 3}));
  EXPECT_EQ(t.byte_size(), 24U);
  EXPECT_TRUE(t.shares_memory(x));
  EXPECT_FALSE(t.same_storage(x));
  EXPECT_TRUE(t.same_storage(x.transposed({1, 0})));
  EXPECT_THROW(t.bytes(), std::logic_error);
  EXPECT_EQ(t.to_ints(), (V{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(t.contiguous().to_ints(), t.to_ints());
  EXPECT_TRUE(t.transposed({1, 0}).same_storage(x));
  EXPECT_THROW(x.transposed({0, 0}), std::invalid_argument);
  EXPECT_THROW(x.transposed({0}), std::invalid_argument);
}

TEST(Strided, ElementsOutsideOfTheStorageAreRefused) {
  const std::byte bytes[24] = {};
  EXPECT_NO_THROW(Tensor::strided(DType::f32, {2, 3}, {1, 2}, bytes, nullptr));
  EXPECT_THROW(Tensor::strided(DType::f32, {2, 3}, {2, 2}, bytes, nullptr), std::invalid_argument);
  EXPECT_THROW(Tensor::strided(DType::f32, {2, 3}, {-1, 2}, bytes, nullptr), std::invalid_argument);
  EXPECT_THROW(Tensor::strided(DType::f32, {2, 3}, {1}, bytes, nullptr), std::invalid_argument);
  EXPECT_THROW(Tensor::strided(DType::f32, {INT64_MAX, 2}, {0, 1}, bytes, nullptr), std::invalid_argument);
  EXPECT_THROW(Tensor::strided(DType::f32, {3, 2}, {INT64_MAX, 1}, bytes, nullptr), std::invalid_argument);
  EXPECT_TRUE(Tensor::strided(DType::f32, {0, 2}, {9, 9}, {}, nullptr).is_contiguous());
  EXPECT_TRUE(Tensor::strided(DType::f32, {1, 3}, {77, 1}, bytes, nullptr).is_contiguous());
}

TEST(Strided, ReshapesAreViewsWhereStridesCanSaySo) {
  const Tensor t = numbered({4, 6}).transposed({1, 0});  // [6, 4], strides 1 and 6
  ASSERT_TRUE(t.viewed_as({2, 3, 4}));
  EXPECT_EQ(t.viewed_as({2, 3, 4})->strides(), (V{3, 1, 6}));
  EXPECT_EQ(t.viewed_as({6, 1, 2, 2, 1})->to_ints(), t.to_ints());
  EXPECT_FALSE(t.viewed_as({24}));
  EXPECT_EQ(t.reshaped({24}).to_ints(), t.to_ints());
  EXPECT_TRUE(t.reshaped({24}).is_contiguous());
  EXPECT_THROW(t.viewed_as({5}), std::invalid_argument);
}

TEST(Strided, RandomViewsReadWhatAWalkReads) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const V dims = random.dims();
    const Tensor x = numbered(dims);
    const Tensor t = x.transposed(random.order(dims.size()));
    EXPECT_EQ(*t.to_ints(), offsets_of(t.dims(), t.strides()));
    // Any split of what is merged, and back.
    const Tensor flat = t.reshaped({product(dims)});
    EXPECT_EQ(*flat.to_ints(), *t.to_ints());
    if (const auto view = t.viewed_as({1, product(dims), 1})) {
      EXPECT_EQ(*view->to_ints(), *t.to_ints());
    }
    const V merged = random.dims();
    if (product(merged) == product(dims)) {
      EXPECT_EQ(*t.reshaped(merged).to_ints(), *t.to_ints());
    }
  }
}

TEST(Strided, StripsAreTheElementsInOrder) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const Tensor x = numbered(random.dims());
    const Tensor t = x.transposed(random.order(x.dims().size()));
    const uint64_t most = static_cast<uint64_t>(random.below(3000)) + 1;
    std::vector<std::byte> out;
    for_each_strip({4, t.dims(), t.strides()}, most, [&](const StridedView& part) {
      EXPECT_LE(part.byte_size(), std::max<uint64_t>(most, 4));
      const size_t before = out.size();
      out.resize(before + part.byte_size());
      copy_elements(t.extent().data(), part, out.data() + before);
    });
    const Tensor dense = t.contiguous();
    EXPECT_TRUE(std::ranges::equal(out, dense.bytes()));
  }
}

TEST(Strided, EveryWidthIsTransposed) {
  for (const size_t width : {1, 2, 3, 4, 8, 16}) {
    const size_t rows = 70, columns = 67;
    std::vector<std::byte> from(rows * columns * width), to(from.size());
    for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(i * 7 + i / 251);
    transpose(from.data(), columns * width, rows, columns, width, to.data(), rows * width);
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < columns; ++c)
        ASSERT_EQ(std::memcmp(&to[(c * rows + r) * width], &from[(r * columns + c) * width], width), 0)
            << width;
    }
  }
}

}  // namespace
}  // namespace onnxport::ir
