#include "core/ir/tensor.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

namespace onnxport::ir {

namespace {

// nullopt when a dim is negative or the count does not fit.
std::optional<int64_t> count_of(const std::vector<int64_t>& dims) {
  int64_t count = 1;
  bool empty = false;
  for (const int64_t dim : dims) {
    if (dim < 0) return std::nullopt;
    empty = empty || dim == 0;
  }
  if (empty) return 0;
  for (const int64_t dim : dims) {
    if (__builtin_mul_overflow(count, dim, &count)) return std::nullopt;
  }
  return count;
}

// Bytes from a mapped file have no alignment to rely on.
template <typename T>
T load(std::span<const std::byte> bytes, size_t index) {
  T out;
  std::memcpy(&out, bytes.data() + index * sizeof(T), sizeof(T));
  return out;
}

template <typename Stored, typename Wide>
std::vector<Wide> widen(std::span<const std::byte> bytes) {
  std::vector<Wide> out(bytes.size() / sizeof(Stored));
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<Wide>(load<Stored>(bytes, i));
  return out;
}

// A float of few bits: what its all-ones exponent means differs by format.
struct SmallFloat {
  int exponent_bits;
  int mantissa_bits;
  int bias;
  enum class Special : uint8_t { ieee, nan_only, unsigned_zero } special;
};

double decode(uint32_t bits, const SmallFloat& format) {
  const uint32_t mantissa_mask = (1u << format.mantissa_bits) - 1;
  const uint32_t exponent_mask = (1u << format.exponent_bits) - 1;
  const bool negative = ((bits >> (format.exponent_bits + format.mantissa_bits)) & 1u) != 0;
  const uint32_t exponent = (bits >> format.mantissa_bits) & exponent_mask;
  const uint32_t mantissa = bits & mantissa_mask;
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  switch (format.special) {
    case SmallFloat::Special::ieee:
      if (exponent != exponent_mask) break;
      if (mantissa != 0) return kNan;
      return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    case SmallFloat::Special::nan_only:
      if (exponent == exponent_mask && mantissa == mantissa_mask) return kNan;
      break;
    case SmallFloat::Special::unsigned_zero:
      if (negative && exponent == 0 && mantissa == 0) return kNan;
      break;
  }
  const double fraction = exponent == 0 ? mantissa : mantissa + (1u << format.mantissa_bits);
  const int scale = static_cast<int>(exponent == 0 ? 1 : exponent) - format.bias - format.mantissa_bits;
  const double magnitude = std::ldexp(fraction, scale);
  return negative ? -magnitude : magnitude;
}

template <typename Stored>
std::vector<double> decode_all(std::span<const std::byte> bytes, const SmallFloat& format) {
  std::vector<double> out(bytes.size() / sizeof(Stored));
  for (size_t i = 0; i < out.size(); ++i) out[i] = decode(load<Stored>(bytes, i), format);
  return out;
}

}  // namespace

Tensor::Tensor(DType dtype, std::vector<int64_t> dims, std::span<const std::byte> bytes,
               std::shared_ptr<const void> owner, std::optional<FileRegion> file)
    : dtype_(dtype), dims_(std::move(dims)), bytes_(bytes), owner_(std::move(owner)), file_(std::move(file)) {
  const size_t size = size_of(dtype_);
  if (size == 0)
    throw std::invalid_argument("a tensor of dtype " + std::string(short_name(dtype_)) + " holds no bytes");
  const auto count = count_of(dims_);
  int64_t expected = 0;
  if (!count || __builtin_mul_overflow(*count, static_cast<int64_t>(size), &expected) ||
      static_cast<uint64_t>(expected) != bytes_.size()) {
    throw std::invalid_argument("a tensor " + type().text() + " does not have " +
                                std::to_string(bytes_.size()) + " bytes");
  }
}

Tensor Tensor::copy_of(DType dtype, std::vector<int64_t> dims, std::span<const std::byte> bytes) {
  auto owned = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  const std::span<const std::byte> view(*owned);
  return Tensor(dtype, std::move(dims), view, std::move(owned));
}

int64_t Tensor::count() const {
  // The constructor checked that it fits; a default-constructed tensor has no elements.
  return dtype_ == DType::undefined ? 0 : count_of(dims_).value_or(0);
}

Tensor Tensor::reshaped(std::vector<int64_t> dims) const {
  return Tensor(dtype_, std::move(dims), bytes_, owner_, file_);
}

bool Tensor::same_storage(const Tensor& other) const {
  return bytes_.data() == other.bytes_.data() && bytes_.size() == other.bytes_.size() &&
         dtype_ == other.dtype_ && dims_ == other.dims_;
}

Type Tensor::type() const { return Type::tensor(dtype_, Shape(dims_.begin(), dims_.end())); }

std::optional<std::vector<int64_t>> Tensor::to_ints() const {
  switch (dtype_) {
    case DType::boolean: {
      std::vector<int64_t> out = widen<uint8_t, int64_t>(bytes_);
      for (int64_t& v : out) v = v != 0 ? 1 : 0;
      return out;
    }
    case DType::i8:
      return widen<int8_t, int64_t>(bytes_);
    case DType::i16:
      return widen<int16_t, int64_t>(bytes_);
    case DType::i32:
      return widen<int32_t, int64_t>(bytes_);
    case DType::i64:
      return widen<int64_t, int64_t>(bytes_);
    case DType::u8:
      return widen<uint8_t, int64_t>(bytes_);
    case DType::u16:
      return widen<uint16_t, int64_t>(bytes_);
    case DType::u32:
      return widen<uint32_t, int64_t>(bytes_);
    case DType::u64: {
      std::vector<int64_t> out = widen<uint64_t, int64_t>(bytes_);
      for (const int64_t v : out) {
        if (v < 0) return std::nullopt;  // above what an int64 can say
      }
      return out;
    }
    default:
      return std::nullopt;
  }
}

std::optional<std::vector<double>> Tensor::to_reals() const {
  using Special = SmallFloat::Special;
  switch (dtype_) {
    case DType::f32:
      return widen<float, double>(bytes_);
    case DType::f64:
      return widen<double, double>(bytes_);
    case DType::f16:
      return decode_all<uint16_t>(bytes_, {5, 10, 15, Special::ieee});
    case DType::bf16:
      return decode_all<uint16_t>(bytes_, {8, 7, 127, Special::ieee});
    case DType::f8e4m3fn:
      return decode_all<uint8_t>(bytes_, {4, 3, 7, Special::nan_only});
    case DType::f8e4m3fnuz:
      return decode_all<uint8_t>(bytes_, {4, 3, 8, Special::unsigned_zero});
    case DType::f8e5m2:
      return decode_all<uint8_t>(bytes_, {5, 2, 15, Special::ieee});
    case DType::f8e5m2fnuz:
      return decode_all<uint8_t>(bytes_, {5, 2, 16, Special::unsigned_zero});
    default:
      return std::nullopt;
  }
}

}  // namespace onnxport::ir
