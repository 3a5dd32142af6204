#include "core/ir/tensor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "core/ir/strided_copy.h"

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

// One past the last element in memory, of a sound count; nullopt when a stride is negative or it does not fit.
std::optional<int64_t> reach_of(const std::vector<int64_t>& dims, const std::vector<int64_t>& strides) {
  int64_t out = 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 0) return 0;
    int64_t reach = 0;
    if (dims[i] == 1) continue;  // its stride is never used, and may be any number
    if (strides[i] < 0 || __builtin_mul_overflow(dims[i] - 1, strides[i], &reach) ||
        __builtin_add_overflow(out, reach, &out)) {
      return std::nullopt;
    }
  }
  return out;
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

bool is_packed(DType dtype) { return bits_of(dtype) != 0 && bits_of(dtype) < 8; }

// The elements of 4 or 2 bits, one in each byte; the first lies in the lowest bits.
std::vector<uint8_t> unpack(DType dtype, std::span<const std::byte> bytes, size_t count) {
  const size_t bits = bits_of(dtype), per_byte = 8 / bits;
  const auto mask = static_cast<uint8_t>((1u << bits) - 1);
  std::vector<uint8_t> out(count);
  for (size_t i = 0; i < count; ++i) {
    const auto byte = std::to_integer<uint8_t>(bytes[i / per_byte]);
    out[i] = static_cast<uint8_t>(byte >> (bits * (i % per_byte))) & mask;
  }
  return out;
}

std::vector<std::byte> pack(DType dtype, std::span<const uint8_t> elements) {
  const size_t bits = bits_of(dtype), per_byte = 8 / bits;
  std::vector<std::byte> out(bytes_of(dtype, elements.size()));
  for (size_t i = 0; i < elements.size(); ++i)
    out[i / per_byte] |= static_cast<std::byte>(elements[i] << (bits * (i % per_byte)));
  return out;
}

// A float of few bits: what its all-ones exponent means differs by format.
struct SmallFloat {
  int exponent_bits;
  int mantissa_bits;
  int bias;
  enum class Special : uint8_t { ieee, nan_only, unsigned_zero, finite } special;
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
    case SmallFloat::Special::finite:
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
  const size_t bits = bits_of(dtype_);
  if (bits == 0)
    throw std::invalid_argument("a tensor of dtype " + std::string(short_name(dtype_)) + " holds no bytes");
  const auto count = count_of(dims_);
  int64_t all_bits = 0;
  if (!count || __builtin_mul_overflow(*count, static_cast<int64_t>(bits), &all_bits) ||
      static_cast<uint64_t>(all_bits) / 8 + (all_bits % 8 == 0 ? 0 : 1) != bytes_.size()) {
    throw std::invalid_argument("a tensor " + type().text() + " does not have " +
                                std::to_string(bytes_.size()) + " bytes");
  }
}

Tensor Tensor::copy_of(DType dtype, std::vector<int64_t> dims, std::span<const std::byte> bytes) {
  auto owned = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  const std::span<const std::byte> view(*owned);
  return Tensor(dtype, std::move(dims), view, std::move(owned));
}

Tensor Tensor::strided(DType dtype, std::vector<int64_t> dims, std::vector<int64_t> strides,
                       std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                       std::optional<FileRegion> file) {
  const size_t width = size_of(dtype);
  const auto count = count_of(dims);
  const auto reach = count && strides.size() == dims.size() ? reach_of(dims, strides) : std::nullopt;
  int64_t size = 0, needed = 0;
  if (!reach || width == 0 || __builtin_mul_overflow(*reach, static_cast<int64_t>(width), &needed) ||
      __builtin_mul_overflow(*count, static_cast<int64_t>(width), &size) ||
      static_cast<uint64_t>(needed) > bytes.size()) {
    throw std::invalid_argument("the elements of a strided tensor do not lie within its " +
                                std::to_string(bytes.size()) + " bytes");
  }
  const StridedView view{width, dims, strides};
  Tensor out;
  out.dtype_ = dtype;
  if (!view.is_contiguous()) out.strides_ = std::move(strides);
  out.dims_ = std::move(dims);
  out.bytes_ = bytes.first(static_cast<size_t>(needed));
  out.owner_ = std::move(owner);
  out.file_ = std::move(file);
  return out;
}

int64_t Tensor::count() const {
  // The constructor checked that it fits; a default-constructed tensor has no elements.
  return dtype_ == DType::undefined ? 0 : count_of(dims_).value_or(0);
}

uint64_t Tensor::byte_size() const {
  return is_contiguous() ? bytes_.size() : static_cast<uint64_t>(count()) * size_of(dtype_);
}

std::vector<int64_t> Tensor::strides() const {
  if (!is_contiguous()) return strides_;
  std::vector<int64_t> out(dims_.size(), 1);
  for (size_t i = dims_.size(); i-- > 1;) out[i - 1] = out[i] * std::max<int64_t>(dims_[i], 1);
  return out;
}

std::span<const std::byte> Tensor::bytes() const {
  if (!is_contiguous())
    throw std::logic_error("the bytes of a strided tensor " + type().text() + " were asked for");
  return bytes_;
}

Tensor Tensor::contiguous() const {
  if (is_contiguous()) return *this;
  auto owned = std::make_shared<std::vector<std::byte>>(byte_size());
  copy_elements(bytes_.data(), {size_of(dtype_), dims_, strides_}, owned->data());
  const std::span<const std::byte> view(*owned);
  return Tensor(dtype_, dims_, view, std::move(owned));
}

Tensor Tensor::transposed(const std::vector<int64_t>& order) const {
  std::vector<int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  bool sound = order.size() == dims_.size();
  for (size_t i = 0; i < sorted.size(); ++i) sound = sound && sorted[i] == static_cast<int64_t>(i);
  if (!sound) throw std::invalid_argument("the axes of a transposition are no permutation");
  const std::vector<int64_t> own = strides();
  std::vector<int64_t> dims, strides;
  for (const int64_t axis : order) {
    dims.push_back(dims_[static_cast<size_t>(axis)]);
    strides.push_back(own[static_cast<size_t>(axis)]);
  }
  if (is_packed(dtype_)) {  // no element has an address: they are moved one by one
    const std::vector<uint8_t> elements = unpack(dtype_, bytes_, static_cast<size_t>(count()));
    const Tensor moved = of<uint8_t>(DType::u8, dims_, elements).transposed(order).contiguous();
    return copy_of(dtype_, std::move(dims), pack(dtype_, moved.as<uint8_t>()));
  }
  return strided(dtype_, std::move(dims), std::move(strides), bytes_, owner_, file_);
}

Tensor Tensor::reshaped(std::vector<int64_t> dims) const {
  auto view = viewed_as(dims);
  return view ? std::move(*view) : *contiguous().viewed_as(std::move(dims));
}

std::optional<Tensor> Tensor::viewed_as(std::vector<int64_t> dims) const {
  if (is_contiguous()) return Tensor(dtype_, std::move(dims), bytes_, owner_, file_);
  if (count_of(dims) != count())
    throw std::invalid_argument("a tensor " + type().text() + " has another number of elements");
  // Each axis of the old ones, as few as there are, is what some neighbours of the new ones split.
  const StridedView old = StridedView{size_of(dtype_), dims_, strides_}.coalesced();
  std::vector<int64_t> strides(dims.size(), 1);
  size_t next = dims.size();
  for (size_t axis = old.dims.size(); axis-- > 0;) {
    int64_t stride = old.strides[axis], covered = 1;
    while (next > 0 && covered < old.dims[axis]) {
      --next;
      strides[next] = stride * covered;
      covered *= dims[next];
    }
    if (covered != old.dims[axis]) return std::nullopt;
  }
  return strided(dtype_, std::move(dims), std::move(strides), bytes_, owner_, file_);
}

bool Tensor::same_storage(const Tensor& other) const {
  return bytes_.data() == other.bytes_.data() && bytes_.size() == other.bytes_.size() &&
         dtype_ == other.dtype_ && dims_ == other.dims_ && strides_ == other.strides_;
}

Type Tensor::type() const { return Type::tensor(dtype_, Shape(dims_.begin(), dims_.end())); }

std::optional<std::vector<int64_t>> Tensor::to_ints() const {
  if (!is_contiguous()) return contiguous().to_ints();
  switch (dtype_) {
    case DType::boolean: {
      std::vector<int64_t> out = widen<uint8_t, int64_t>(bytes_);
      for (int64_t& v : out) v = v != 0 ? 1 : 0;
      return out;
    }
    case DType::u4:
    case DType::u2: {
      const std::vector<uint8_t> elements = unpack(dtype_, bytes_, static_cast<size_t>(count()));
      return std::vector<int64_t>(elements.begin(), elements.end());
    }
    case DType::i4:
    case DType::i2: {
      const int64_t sign = int64_t{1} << (bits_of(dtype_) - 1);
      std::vector<int64_t> out;
      for (const uint8_t v : unpack(dtype_, bytes_, static_cast<size_t>(count())))
        out.push_back((v ^ sign) - sign);
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
  if (!is_contiguous()) return contiguous().to_reals();
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
    case DType::f4e2m1: {
      std::vector<double> out;
      for (const uint8_t v : unpack(dtype_, bytes_, static_cast<size_t>(count())))
        out.push_back(decode(v, {2, 1, 1, Special::finite}));
      return out;
    }
    case DType::f8e8m0: {  // a power of two; all ones is NaN
      std::vector<double> out;
      for (const std::byte b : bytes_) {
        const int exponent = std::to_integer<int>(b);
        out.push_back(exponent == 255 ? std::numeric_limits<double>::quiet_NaN()
                                      : std::ldexp(1.0, exponent - 127));
      }
      return out;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace onnxport::ir
