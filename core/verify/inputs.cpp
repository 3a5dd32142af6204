#include "core/verify/inputs.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "core/ir/half.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

constexpr size_t kMostElements = size_t{1} << 29;
constexpr const char* kGiveInputs = "give example inputs with --inputs DIR";

size_t count_of(const std::vector<int64_t>& dims) {
  size_t count = 1;
  for (const int64_t size : dims) {
    if (__builtin_mul_overflow(count, static_cast<size_t>(size), &count) || count > kMostElements) {
      throw Error("V805", "an input would have more than " + std::to_string(kMostElements) + " elements", {},
                  "give smaller example sizes with --input, or example inputs with --inputs DIR");
    }
  }
  return count;
}

template <typename T, typename Make>
ir::Tensor filled(ir::DType dtype, const std::vector<int64_t>& dims, size_t count, Make make) {
  std::vector<T> values(count);
  for (T& v : values) v = make();
  return ir::Tensor::of<T>(dtype, dims, values);
}

// A tensor of `dtype` with these values in order; empty when it is no type of real numbers.
std::optional<ir::Tensor> of_reals(ir::DType dtype, const std::vector<int64_t>& dims,
                                   const std::vector<double>& values) {
  size_t i = 0;
  const auto next = [&] { return values[i++]; };
  switch (dtype) {
    case ir::DType::f32:
      return filled<float>(dtype, dims, values.size(), [&] { return static_cast<float>(next()); });
    case ir::DType::f64:
      return filled<double>(dtype, dims, values.size(), next);
    case ir::DType::f16:
      return filled<uint16_t>(dtype, dims, values.size(), [&] { return ir::f16_bits(next()); });
    case ir::DType::bf16:
      return filled<uint16_t>(dtype, dims, values.size(), [&] { return ir::bf16_bits(next()); });
    case ir::DType::c64: {
      std::vector<float> parts(values.begin(), values.end());
      return ir::Tensor::copy_of(dtype, dims, std::as_bytes(std::span(parts)));
    }
    case ir::DType::c128:
      return ir::Tensor::copy_of(dtype, dims, std::as_bytes(std::span(values)));
    default:
      return std::nullopt;
  }
}

std::optional<ir::Tensor> of_integers(ir::DType dtype, const std::vector<int64_t>& dims,
                                      const std::vector<int64_t>& values) {
  const auto as = [&]<typename T>(T) {
    size_t i = 0;
    return filled<T>(dtype, dims, values.size(), [&] { return static_cast<T>(values[i++]); });
  };
  switch (dtype) {
    case ir::DType::i64:
      return as(int64_t{});
    case ir::DType::i32:
      return as(int32_t{});
    case ir::DType::i16:
      return as(int16_t{});
    case ir::DType::i8:
      return as(int8_t{});
    case ir::DType::u8:
    case ir::DType::boolean:
      return as(uint8_t{});
    default:
      return std::nullopt;
  }
}

// A * transposed(A) / n + I for each matrix of random numbers.
void make_definite(std::vector<double>& values, size_t n) {
  for (size_t at = 0; n != 0 && at + n * n <= values.size(); at += n * n) {
    const std::vector<double> a(values.begin() + static_cast<std::ptrdiff_t>(at),
                                values.begin() + static_cast<std::ptrdiff_t>(at + n * n));
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) {
        double sum = i == j ? 1 : 0;
        for (size_t k = 0; k < n; ++k) sum += a[i * n + k] * a[j * n + k] / static_cast<double>(n);
        values[at + i * n + j] = sum;
      }
    }
  }
}

std::vector<double> draw_reals(const std::vector<int64_t>& dims, size_t count, Draw::Reals how,
                               std::mt19937_64& engine) {
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> unit(0.001, 0.999);
  std::vector<double> out(count);
  for (double& v : out) {
    if (how == Draw::Reals::unit) {
      v = unit(engine);
    } else if (how == Draw::Reals::positive) {
      v = std::abs(normal(engine)) + 0.01;
    } else if (how == Draw::Reals::large) {
      // Every magnitude with both signs, however few they are.
      const auto i = static_cast<double>((&v - out.data()) / 2);
      v = std::pow(10.0, 3 - 6 * (i + unit(engine)) * 2 / static_cast<double>(count + 1)) *
          ((&v - out.data()) % 2 == 0 ? 1 : -1);
    } else {
      v = static_cast<double>(static_cast<float>(normal(engine)));
    }
  }
  if (how == Draw::Reals::large) std::shuffle(out.begin(), out.end(), engine);
  const size_t row = dims.empty() ? 1 : static_cast<size_t>(dims.back());
  if (how == Draw::Reals::ascending) {
    for (size_t at = 0; row != 0 && at + row <= count; at += row)
      std::sort(out.begin() + static_cast<std::ptrdiff_t>(at),
                out.begin() + static_cast<std::ptrdiff_t>(at + row));
  }
  if (how == Draw::Reals::definite && dims.size() > 1 && dims[dims.size() - 2] == dims.back())
    make_definite(out, row);
  return out;
}

std::vector<int64_t> draw_integers(size_t count, const Draw& draw, int64_t largest, std::mt19937_64& engine) {
  const int64_t limit = std::min(std::max<int64_t>(draw.limit, 1), largest);
  const bool from_one = draw.integers == Draw::Integers::from_one || draw.integers == Draw::Integers::lengths;
  std::uniform_int_distribution<int64_t> integer(from_one ? 1 : 0, from_one ? limit : limit - 1);
  std::vector<int64_t> out(count);
  for (int64_t& v : out) v = integer(engine);
  if (count == 0) return out;
  if (draw.integers == Draw::Integers::offsets) {
    std::sort(out.begin(), out.end());
    out.front() = 0;
  } else if (draw.integers == Draw::Integers::lengths) {
    std::sort(out.rbegin(), out.rend());
    out.front() = limit;
  } else if (draw.integers == Draw::Integers::below) {
    out[engine() % count] = limit - 1;  // the last row of a table is looked at too
  }
  return out;
}

int64_t largest_of(ir::DType dtype) {
  return dtype == ir::DType::i8    ? 127
         : dtype == ir::DType::u8  ? 255
         : dtype == ir::DType::i16 ? 32767
                                   : 2147483647;
}

}  // namespace

std::vector<int64_t> dims_at(const ir::Type& type, const Sizes& sizes) {
  std::vector<int64_t> dims;
  for (const ir::Dim& d : type.shape().value_or(ir::Shape{})) {
    const std::optional<int64_t> size = d.is_constant() ? std::optional(d.value()) : d.evaluate(sizes);
    if (!size || *size < 0) throw Error("V805", "dim '" + d.text() + "' of an input has no example size");
    dims.push_back(*size);
  }
  return dims;
}

ir::Tensor random_tensor(const ir::Type& type, const Sizes& sizes, uint64_t seed, const Draw& draw) {
  const std::vector<int64_t> dims = dims_at(type, sizes);
  const size_t count = count_of(dims);
  std::mt19937_64 engine(seed);
  const ir::DType dtype = type.dtype();
  if (dtype == ir::DType::boolean)
    return filled<uint8_t>(dtype, dims, count, [&] { return static_cast<uint8_t>(engine() & 1); });
  const size_t parts = ir::is_complex(dtype) ? 2 * count : count;
  const bool real = ir::is_complex(dtype) || dtype == ir::DType::f32 || dtype == ir::DType::f64 ||
                    dtype == ir::DType::f16 || dtype == ir::DType::bf16;
  std::optional<ir::Tensor> out =
      real ? of_reals(dtype, dims, draw_reals(dims, parts, draw.reals, engine))
           : of_integers(dtype, dims, draw_integers(count, draw, largest_of(dtype), engine));
  if (!out) throw Error("V805", "no random values of type " + type.text() + " can be made", {}, kGiveInputs);
  return *std::move(out);
}

ir::Tensor resized(const ir::Tensor& given, const std::vector<int64_t>& dims) {
  const ir::Tensor dense = given.contiguous();
  if (dense.dims() == dims || dims.size() != dense.dims().size()) return given;
  if (dense.count() == 0) {
    throw Error("V805", "a given input has no elements to make one of another size of", {},
                "compare at its own size only: --one-size");
  }
  const size_t width = ir::size_of(dense.dtype());
  const size_t count = count_of(dims);
  std::vector<std::byte> bytes(count * width);
  std::vector<int64_t> at(dims.size(), 0);
  for (size_t i = 0; i < count; ++i) {
    int64_t from = 0;
    for (size_t axis = 0; axis < dims.size(); ++axis)
      from = from * dense.dims()[axis] + std::min(at[axis], dense.dims()[axis] - 1);
    std::copy_n(dense.bytes().begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(from) * width), width,
                bytes.begin() + static_cast<std::ptrdiff_t>(i * width));
    for (size_t axis = dims.size(); axis-- > 0;) {
      if (++at[axis] < dims[axis]) break;
      at[axis] = 0;
    }
  }
  return ir::Tensor::copy_of(dense.dtype(), dims, bytes);
}

ir::Tensor as_dtype(const ir::Tensor& tensor, ir::DType dtype) {
  if (tensor.dtype() == dtype || ir::is_complex(tensor.dtype())) return tensor;
  const std::optional<std::vector<double>> values = tensor.to_reals();
  if (!values) return tensor;
  return of_reals(dtype, tensor.dims(), *values).value_or(tensor);
}

ir::Tensor nudged(const ir::Tensor& tensor, uint64_t seed) {
  if (ir::is_complex(tensor.dtype())) return tensor;
  std::optional<std::vector<double>> values = tensor.to_ints() ? std::nullopt : tensor.to_reals();
  if (!values) return tensor;
  std::mt19937_64 engine(seed);
  // The least that the type can tell.
  const double step = std::ldexp(1.0, tensor.dtype() == ir::DType::f16    ? -10
                                      : tensor.dtype() == ir::DType::bf16 ? -7
                                      : tensor.dtype() == ir::DType::f64  ? -50
                                                                          : -21);
  for (double& v : *values) v *= (engine() & 1) != 0 ? 1 + step : 1 - step;
  return of_reals(tensor.dtype(), tensor.dims(), *values).value_or(tensor);
}

}  // namespace onnxport
