// Operators that choose elements of constants: slices, gathers, triangles, padding.
#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "core/evaluate/elements.h"

namespace onnxport {

namespace {

using Dims = std::vector<int64_t>;

Evaluated one(ir::Tensor tensor) { return std::vector<ir::Tensor>{std::move(tensor)}; }

bool fits(const Evaluation& e, const Dims& dims, ir::DType dtype) {
  return ir::size_of(dtype) > 0 && count_within(dims, ir::size_of(dtype), e.max_bytes).has_value();
}

// Which axes a list input or attribute names; all the first ones when it is absent.
std::optional<std::vector<size_t>> axes_of(const Evaluation& e, size_t input, std::string_view attribute,
                                           size_t count, size_t rank) {
  std::vector<size_t> out;
  if (e.input(input) == nullptr && e.attribute(attribute) == nullptr) {
    if (count > rank) return std::nullopt;
    for (size_t i = 0; i < count; ++i) out.push_back(i);
    return out;
  }
  const auto given = e.ints(input, attribute);
  if (!given || given->size() != count) return std::nullopt;
  for (int64_t axis : *given) {
    const auto at = normalize_axis(axis, rank);
    if (!at || std::find(out.begin(), out.end(), *at) != out.end()) return std::nullopt;
    out.push_back(*at);
  }
  return out;
}

Evaluated slice(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  const auto starts = e.ints(1, "starts");
  const auto ends = e.ints(2, "ends");
  if (x == nullptr || !starts || !ends || starts->size() != ends->size()) return std::nullopt;
  const auto axes = axes_of(e, 3, "axes", starts->size(), x->dims().size());
  Dims steps(starts->size(), 1);
  if (e.input(4) != nullptr) {
    const auto given = e.ints(4);
    if (!given || given->size() != steps.size()) return std::nullopt;
    steps = *given;
  }
  if (!axes) return std::nullopt;
  Dims dims = x->dims();
  Dims strides = strides_of(dims);
  int64_t base = 0;
  for (size_t i = 0; i < axes->size(); ++i) {
    const size_t axis = (*axes)[i];
    const int64_t size = x->dims()[axis];
    const int64_t step = steps[i];
    if (step == 0 || step == INT64_MIN) return std::nullopt;
    const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    const auto place = [&](int64_t at) { return std::clamp(at < 0 ? at + size : at, low, high); };
    const int64_t start = place((*starts)[i]);
    const int64_t end = (*ends)[i] < -size ? low : place((*ends)[i]);
    const int64_t span = step > 0 ? end - start : start - end;
    const int64_t stride = step > 0 ? step : -step;
    dims[axis] = span <= 0 ? 0 : (span - 1) / stride + 1;
    if (dims[axis] > 0) base += start * strides[axis];
    strides[axis] = dims[axis] > 1 ? strides[axis] * step : 0;
  }
  if (!fits(e, dims, x->dtype())) return std::nullopt;
  return one(pick(*x, std::move(dims), strides, base));
}

Evaluated gather(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  const auto indices = e.ints(1);
  if (x == nullptr || !indices) return std::nullopt;
  const auto axis = normalize_axis(e.integer("axis", 0), x->dims().size());
  if (!axis) return std::nullopt;
  const auto at = static_cast<int64_t>(*axis);
  Dims dims(x->dims().begin(), x->dims().begin() + at);
  dims.insert(dims.end(), e.input(1)->dims().begin(), e.input(1)->dims().end());
  dims.insert(dims.end(), x->dims().begin() + at + 1, x->dims().end());
  if (!fits(e, dims, x->dtype())) return std::nullopt;
  const int64_t size = x->dims()[*axis];
  const auto product = [&](int64_t from, int64_t to) {
    return std::accumulate(x->dims().begin() + from, x->dims().begin() + to, int64_t{1}, std::multiplies<>());
  };
  const auto outer = static_cast<size_t>(product(0, at));
  const size_t run =
      static_cast<size_t>(product(at + 1, static_cast<int64_t>(x->dims().size()))) * ir::size_of(x->dtype());
  std::vector<std::byte> bytes;
  for (size_t row = 0; row < outer; ++row) {
    for (int64_t index : *indices) {
      if (index < -size || index >= size) return std::nullopt;
      const auto i = static_cast<size_t>(index < 0 ? index + size : index);
      const std::byte* from = x->bytes().data() + (row * static_cast<size_t>(size) + i) * run;
      bytes.insert(bytes.end(), from, from + run);
    }
  }
  return one(ir::Tensor::copy_of(x->dtype(), std::move(dims), bytes));
}

Evaluated trilu(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  if (x == nullptr || x->dims().size() < 2 || !fits(e, x->dims(), x->dtype())) return std::nullopt;
  int64_t k = 0;
  if (e.input(1) != nullptr) {
    const auto given = e.ints(1);
    if (!given || given->size() != 1) return std::nullopt;
    k = (*given)[0];
  }
  const bool upper = e.integer("upper", 1) != 0;
  const int64_t rows = x->dims()[x->dims().size() - 2], columns = x->dims().back();
  const size_t size = ir::size_of(x->dtype());
  std::vector<std::byte> bytes(x->bytes().begin(), x->bytes().end());
  for (int64_t i = 0; i < x->count(); ++i) {
    const int64_t row = i / columns % rows, column = i % columns;
    const bool kept = upper ? column - row >= k : column - row <= k;
    if (!kept) std::fill_n(bytes.begin() + i * static_cast<int64_t>(size), size, std::byte{0});
  }
  return one(ir::Tensor::copy_of(x->dtype(), x->dims(), bytes));
}

Evaluated pad(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  const auto pads = e.ints(1, "pads");
  if (x == nullptr || !pads || pads->size() % 2 != 0 || e.string("mode", "constant") != "constant")
    return std::nullopt;
  if (e.attribute("value") != nullptr) return std::nullopt;
  const size_t count = pads->size() / 2;
  const auto axes = axes_of(e, 3, "axes", count, x->dims().size());
  const ir::Tensor* fill = e.input(2);
  if (!axes || (fill != nullptr && (fill->count() != 1 || fill->dtype() != x->dtype()))) return std::nullopt;
  Dims dims = x->dims();
  Dims begin(dims.size(), 0);
  for (size_t i = 0; i < count; ++i) {
    const int64_t before = (*pads)[i], after = (*pads)[i + count];
    if (before < 0 || after < 0 || before > INT32_MAX || after > INT32_MAX) return std::nullopt;
    dims[(*axes)[i]] += before + after;
    begin[(*axes)[i]] = before;
  }
  if (!fits(e, dims, x->dtype())) return std::nullopt;
  const size_t size = ir::size_of(x->dtype());
  const auto total = static_cast<size_t>(*count_within(dims, size, e.max_bytes));
  std::vector<std::byte> bytes(total * size, std::byte{0});
  if (fill != nullptr) {
    for (size_t i = 0; i < total; ++i)
      std::copy_n(fill->bytes().begin(), size, bytes.begin() + static_cast<int64_t>(i * size));
  }
  const Dims strides = strides_of(dims);
  int64_t base = 0;
  for (size_t i = 0; i < dims.size(); ++i) base += begin[i] * strides[i];
  const std::byte* from = x->bytes().data();
  for_each_offset(x->dims(), strides, base, [&](int64_t offset) {
    std::copy_n(from, size, bytes.begin() + offset * static_cast<int64_t>(size));
    from += size;
  });
  return one(ir::Tensor::copy_of(x->dtype(), std::move(dims), bytes));
}

}  // namespace

EvaluationRule find_indexing(std::string_view op_type) {
  static const std::unordered_map<std::string_view, EvaluationRule> rules = {
      {"Gather", gather}, {"Pad", pad}, {"Slice", slice}, {"Trilu", trilu}};
  const auto found = rules.find(op_type);
  return found == rules.end() ? nullptr : found->second;
}

}  // namespace onnxport
