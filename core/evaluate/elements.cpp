#include "core/evaluate/elements.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "core/ir/half.h"

namespace onnxport {

std::optional<int64_t> count_within(const std::vector<int64_t>& dims, size_t size, uint64_t max_bytes) {
  int64_t count = 1;
  for (int64_t dim : dims) {
    if (dim < 0) return std::nullopt;
    if (dim == 0) return 0;
  }
  for (int64_t dim : dims) {
    if (__builtin_mul_overflow(count, dim, &count)) return std::nullopt;
  }
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(count), size, &bytes) || bytes > max_bytes)
    return std::nullopt;
  return count;
}

std::vector<int64_t> strides_of(const std::vector<int64_t>& dims) {
  std::vector<int64_t> out(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    out[i] = stride;
    stride *= dims[i];
  }
  return out;
}

std::optional<std::vector<int64_t>> broadcast(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  std::vector<int64_t> out(std::max(a.size(), b.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t x = i + a.size() < out.size() ? 1 : a[i + a.size() - out.size()];
    const int64_t y = i + b.size() < out.size() ? 1 : b[i + b.size() - out.size()];
    if (x != y && x != 1 && y != 1) return std::nullopt;
    out[i] = x == 1 ? y : x;
  }
  return out;
}

std::vector<int64_t> broadcast_strides(const std::vector<int64_t>& dims, const std::vector<int64_t>& target) {
  const std::vector<int64_t> own = strides_of(dims);
  std::vector<int64_t> out(target.size(), 0);
  const size_t lead = target.size() - dims.size();
  for (size_t i = 0; i < dims.size(); ++i) out[lead + i] = dims[i] == 1 ? 0 : own[i];
  return out;
}

std::optional<size_t> normalize_axis(int64_t axis, size_t rank) {
  const int64_t at = axis < 0 ? axis + static_cast<int64_t>(rank) : axis;
  if (at < 0 || at >= static_cast<int64_t>(rank)) return std::nullopt;
  return static_cast<size_t>(at);
}

// ---- rounding ----

namespace {

template <typename Stored, typename Wide, typename Narrow>
ir::Tensor narrow(ir::DType dtype, std::vector<int64_t> dims, const std::vector<Wide>& values,
                  Narrow&& convert) {
  std::vector<Stored> out;
  out.reserve(values.size());
  for (const Wide v : values) out.push_back(convert(v));
  return ir::Tensor::of<Stored>(dtype, std::move(dims), out);
}

template <typename Stored>
ir::Tensor wrap(ir::DType dtype, std::vector<int64_t> dims, const std::vector<int64_t>& values) {
  return narrow<Stored>(dtype, std::move(dims), values, [](int64_t v) { return static_cast<Stored>(v); });
}

}  // namespace

std::optional<ir::Tensor> from_reals(ir::DType dtype, std::vector<int64_t> dims,
                                     const std::vector<double>& values) {
  switch (dtype) {
    case ir::DType::f64:
      return ir::Tensor::of<double>(dtype, std::move(dims), values);
    case ir::DType::f32:
      return narrow<float>(dtype, std::move(dims), values, [](double v) { return static_cast<float>(v); });
    case ir::DType::f16:
      return narrow<uint16_t>(dtype, std::move(dims), values, ir::f16_bits);
    case ir::DType::bf16:
      return narrow<uint16_t>(dtype, std::move(dims), values, ir::bf16_bits);
    default:
      return std::nullopt;
  }
}

std::optional<ir::Tensor> from_ints(ir::DType dtype, std::vector<int64_t> dims,
                                    const std::vector<int64_t>& values) {
  switch (dtype) {
    case ir::DType::i64:
      return ir::Tensor::of<int64_t>(dtype, std::move(dims), values);
    case ir::DType::u64:
      return wrap<uint64_t>(dtype, std::move(dims), values);
    case ir::DType::i32:
      return wrap<int32_t>(dtype, std::move(dims), values);
    case ir::DType::u32:
      return wrap<uint32_t>(dtype, std::move(dims), values);
    case ir::DType::i16:
      return wrap<int16_t>(dtype, std::move(dims), values);
    case ir::DType::u16:
      return wrap<uint16_t>(dtype, std::move(dims), values);
    case ir::DType::i8:
      return wrap<int8_t>(dtype, std::move(dims), values);
    case ir::DType::u8:
      return wrap<uint8_t>(dtype, std::move(dims), values);
    case ir::DType::boolean:
      return narrow<uint8_t>(dtype, std::move(dims), values,
                             [](int64_t v) { return static_cast<uint8_t>(v != 0); });
    default:
      return std::nullopt;
  }
}

bool is_exact_integer(ir::DType dtype) {
  return dtype == ir::DType::boolean || (ir::is_integral(dtype) && dtype != ir::DType::u64);
}

bool is_computed_float(ir::DType dtype) {
  return dtype == ir::DType::f16 || dtype == ir::DType::bf16 || dtype == ir::DType::f32 ||
         dtype == ir::DType::f64;
}

}  // namespace onnxport
