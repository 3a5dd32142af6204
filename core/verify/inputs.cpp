#include "core/verify/inputs.h"

#include <algorithm>
#include <random>

#include "core/ir/half.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

template <typename T, typename Make>
ir::Tensor filled(ir::DType dtype, const std::vector<int64_t>& dims, size_t count, Make make) {
  std::vector<T> values(count);
  for (T& v : values) v = make();
  return ir::Tensor::of<T>(dtype, dims, values);
}

}  // namespace

ir::Tensor random_tensor(const ir::Type& type, const Sizes& sizes, uint64_t seed, int64_t int_limit) {
  std::vector<int64_t> dims;
  size_t count = 1;
  for (const ir::Dim& d : type.shape().value_or(ir::Shape{})) {
    const std::optional<int64_t> size = d.is_constant() ? std::optional(d.value()) : d.evaluate(sizes);
    if (!size || *size < 0) throw Error("V805", "dim '" + d.text() + "' of an input has no example size");
    dims.push_back(*size);
    count *= static_cast<size_t>(*size);
  }
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  std::uniform_int_distribution<int64_t> integer(0, std::max<int64_t>(int_limit - 1, 0));
  const auto real = [&] { return normal(engine); };
  const auto whole = [&] { return integer(engine); };
  switch (type.dtype()) {
    case ir::DType::f32:
      return filled<float>(type.dtype(), dims, count, real);
    case ir::DType::f64:
      return filled<double>(type.dtype(), dims, count, [&] { return static_cast<double>(real()); });
    case ir::DType::f16:
      return filled<uint16_t>(type.dtype(), dims, count,
                              [&] { return ir::f16_bits(static_cast<double>(real())); });
    case ir::DType::bf16:
      return filled<uint16_t>(type.dtype(), dims, count,
                              [&] { return ir::bf16_bits(static_cast<double>(real())); });
    case ir::DType::c64: {
      std::vector<int64_t> pairs = dims;
      pairs.push_back(2);
      const ir::Tensor parts = filled<float>(ir::DType::f32, pairs, 2 * count, real);
      return ir::Tensor::copy_of(ir::DType::c64, dims, parts.bytes());
    }
    case ir::DType::c128: {
      std::vector<double> parts(2 * count);
      for (double& v : parts) v = static_cast<double>(real());
      return ir::Tensor::copy_of(ir::DType::c128, dims, std::as_bytes(std::span(parts)));
    }
    case ir::DType::i64:
      return filled<int64_t>(type.dtype(), dims, count, whole);
    case ir::DType::i32:
      return filled<int32_t>(type.dtype(), dims, count, [&] { return static_cast<int32_t>(whole()); });
    case ir::DType::i16:
      return filled<int16_t>(type.dtype(), dims, count, [&] { return static_cast<int16_t>(whole()); });
    case ir::DType::i8:
      return filled<int8_t>(type.dtype(), dims, count, [&] { return static_cast<int8_t>(whole()); });
    case ir::DType::u8:
      return filled<uint8_t>(type.dtype(), dims, count, [&] { return static_cast<uint8_t>(whole()); });
    case ir::DType::boolean:
      return filled<uint8_t>(type.dtype(), dims, count, [&] { return static_cast<uint8_t>(engine() & 1); });
    default:
      throw Error("V805", "no random values of type " + type.text() + " can be made", {},
                  "give example inputs with --inputs DIR");
  }
}

Sizes example_sizes(const ir::Graph& graph) {
  Sizes out;
  for (const auto& [name, info] : graph.symbols)
    out[name] = info.hint.value_or(std::max<int64_t>(info.min, 2));
  return out;
}

Sizes second_sizes(const ir::Graph& graph) {
  Sizes out = example_sizes(graph);
  int64_t step = 2;
  for (auto& [name, size] : out) {
    const ir::SymbolInfo& info = graph.symbols.find(name)->second;
    // Different steps: two dims that are equal by accident at the example are told apart here.
    const int64_t larger = size + step++;
    size = info.max && larger > *info.max ? std::max(info.min, size - 1) : larger;
  }
  return out;
}

}  // namespace onnxport
