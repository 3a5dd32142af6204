#include "core/evaluate/array.h"

#include <algorithm>
#include <stdexcept>

#include "core/evaluate/elements.h"

namespace onnxport {

Array Array::of_sizes(ir::DType dtype, std::vector<int64_t> dims, std::vector<ir::Dim> sizes) {
  std::vector<int64_t> numbers;
  for (const ir::Dim& dim : sizes) {
    if (!dim.is_constant()) return {dtype, std::move(dims), std::move(sizes)};
    numbers.push_back(dim.value());
  }
  auto tensor = from_ints(dtype, dims, numbers);
  return tensor ? Array(std::move(*tensor)) : Array(dtype, std::move(dims), std::move(sizes));
}

std::optional<std::vector<int64_t>> Array::to_ints() const {
  if (!is_symbolic()) return numbers().to_ints();
  std::vector<int64_t> out;
  for (const ir::Dim& dim : sizes().values) {
    if (!dim.is_constant()) return std::nullopt;
    out.push_back(dim.value());
  }
  return out;
}

std::optional<std::vector<double>> Array::to_reals() const {
  return is_symbolic() ? std::nullopt : numbers().to_reals();
}

std::optional<std::vector<ir::Dim>> Array::to_sizes() const {
  if (is_symbolic()) return sizes().values;
  const auto ints = numbers().to_ints();
  if (!ints) return std::nullopt;
  return std::vector<ir::Dim>(ints->begin(), ints->end());
}

Array Array::reshaped(std::vector<int64_t> dims) const {
  if (!is_symbolic()) return Array(numbers().reshaped(std::move(dims)));
  return {dtype(), std::move(dims), sizes().values};
}

Collector::Collector(ir::DType dtype, bool symbolic, size_t count)
    : dtype_(dtype), symbolic_(symbolic), width_(ir::size_of(dtype)) {
  if (symbolic_) {
    sizes_.reserve(count);
  } else {
    bytes_.reserve(count * width_);
  }
}

void Collector::take(const Array& from, int64_t offset, int64_t count) {
  if (from.is_symbolic()) {
    const auto first = from.sizes().values.begin() + offset;
    sizes_.insert(sizes_.end(), first, first + count);
    return;
  }
  const auto bytes = from.numbers().bytes().subspan(static_cast<size_t>(offset) * width_,
                                                    static_cast<size_t>(count) * width_);
  if (!symbolic_) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return;
  }
  const auto values = ir::Tensor::copy_of(dtype_, {count}, bytes).to_ints();
  if (!values) throw std::logic_error("elements that are no integers cannot stand among sizes");
  sizes_.insert(sizes_.end(), values->begin(), values->end());
}

void Collector::zero() {
  if (symbolic_) {
    sizes_.emplace_back(0);
  } else {
    bytes_.insert(bytes_.end(), width_, std::byte{0});
  }
}

Array Collector::finish(std::vector<int64_t> dims) {
  if (symbolic_) return {dtype_, std::move(dims), std::move(sizes_)};
  return Array(ir::Tensor::copy_of(dtype_, std::move(dims), bytes_));
}

Array pick(const Array& from, std::vector<int64_t> dims, const std::vector<int64_t>& strides, int64_t base) {
  size_t count = 1;
  for (const int64_t dim : dims) count *= static_cast<size_t>(dim);
  Collector out(from.dtype(), from.is_symbolic(), count);
  // The last axis of most picks lies in order.
  const bool runs = !dims.empty() && strides.back() == 1 && dims.back() > 0;
  const int64_t run = runs ? dims.back() : 1;
  std::vector<int64_t> outer = dims, outer_strides = strides;
  if (runs) {
    outer.pop_back();
    outer_strides.pop_back();
  }
  for_each_offset(outer, outer_strides, base, [&](int64_t offset) { out.take(from, offset, run); });
  return out.finish(std::move(dims));
}

}  // namespace onnxport
