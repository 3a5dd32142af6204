// Operators that choose elements of arrays: slices, gathers, triangles, padding.
#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "core/evaluate/elements.h"
#include "core/evaluate/rules.h"

namespace onnxport {

namespace {

using Dims = std::vector<int64_t>;

// Which axes a list input or attribute names; all the first ones when it is absent.
std::optional<std::vector<size_t>> axes_of(const Evaluation& e, size_t input, std::string_view attribute,
                                           size_t count, size_t rank) {
  std::vector<size_t> out;
  if (!e.is_given(input) && e.attribute(attribute) == nullptr) {
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
  const Array* x = e.input(0);
  const auto starts = e.ints(1, "starts");
  const auto ends = e.ints(2, "ends");
  if (x == nullptr || !starts || !ends || starts->size() != ends->size()) return std::nullopt;
  const auto axes = axes_of(e, 3, "axes", starts->size(), x->dims().size());
  Dims steps(starts->size(), 1);
  if (e.is_given(4)) {
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
  if (!e.fits(dims, x->dtype())) return std::nullopt;
  return one(pick(*x, std::move(dims), strides, base));
}

Evaluated gather(const Evaluation& e) {
  const Array* x = e.input(0);
  const auto indices = e.ints(1);
  if (x == nullptr || !indices) return std::nullopt;
  const auto axis = normalize_axis(e.integer("axis", 0), x->dims().size());
  if (!axis) return std::nullopt;
  const auto at = static_cast<int64_t>(*axis);
  Dims dims(x->dims().begin(), x->dims().begin() + at);
  dims.insert(dims.end(), e.input(1)->dims().begin(), e.input(1)->dims().end());
  dims.insert(dims.end(), x->dims().begin() + at + 1, x->dims().end());
  if (!e.fits(dims, x->dtype())) return std::nullopt;
  const int64_t size = x->dims()[*axis];
  const auto product = [&](int64_t from, int64_t to) {
    return std::accumulate(x->dims().begin() + from, x->dims().begin() + to, int64_t{1}, std::multiplies<>());
  };
  const auto outer = static_cast<size_t>(product(0, at));
  const int64_t run = product(at + 1, static_cast<int64_t>(x->dims().size()));
  Collector out(x->dtype(), x->is_symbolic(), outer * indices->size() * static_cast<size_t>(run));
  for (size_t row = 0; row < outer; ++row) {
    for (int64_t index : *indices) {
      if (index < -size || index >= size) return std::nullopt;
      const int64_t i = index < 0 ? index + size : index;
      out.take(*x, (static_cast<int64_t>(row) * size + i) * run, run);
    }
  }
  return one(out.finish(std::move(dims)));
}

Evaluated trilu(const Evaluation& e) {
  const Array* x = e.input(0);
  if (x == nullptr || x->dims().size() < 2 || !e.fits(x->dims(), x->dtype())) return std::nullopt;
  int64_t k = 0;
  if (e.is_given(1)) {
    const auto given = e.ints(1);
    if (!given || given->size() != 1) return std::nullopt;
    k = (*given)[0];
  }
  const bool upper = e.integer("upper", 1) != 0;
  const int64_t rows = x->dims()[x->dims().size() - 2], columns = x->dims().back();
  Collector out(x->dtype(), x->is_symbolic(), static_cast<size_t>(x->count()));
  for (int64_t i = 0; i < x->count(); ++i) {
    const int64_t row = i / columns % rows, column = i % columns;
    if (upper ? column - row >= k : column - row <= k) {
      out.take(*x, i);
    } else {
      out.zero();
    }
  }
  return one(out.finish(x->dims()));
}

// Where in x each element of the padded array lies, row-major; -1 outside of it.
std::vector<int64_t> padded_offsets(const Dims& own, const Dims& begin, const Dims& dims) {
  std::vector<int64_t> out;
  Dims index(dims.size(), 0);
  for (int64_t left = std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>()); left > 0;
       --left) {
    int64_t offset = 0;
    bool inside = true;
    for (size_t i = 0; i < dims.size(); ++i) {
      const int64_t at = index[i] - begin[i];
      inside = inside && at >= 0 && at < own[i];
      offset = offset * own[i] + at;
    }
    out.push_back(inside ? offset : -1);
    for (size_t i = dims.size(); i-- > 0;) {
      if (++index[i] < dims[i]) break;
      index[i] = 0;
    }
  }
  return out;
}

Evaluated pad(const Evaluation& e) {
  const Array* x = e.input(0);
  const auto pads = e.ints(1, "pads");
  if (x == nullptr || !pads || pads->size() % 2 != 0 || e.string("mode", "constant") != "constant")
    return std::nullopt;
  if (e.attribute("value") != nullptr) return std::nullopt;
  const size_t count = pads->size() / 2;
  const auto axes = axes_of(e, 3, "axes", count, x->dims().size());
  const Array* fill = e.input(2);
  if (e.is_given(2) && fill == nullptr) return std::nullopt;
  if (!axes || (fill != nullptr && (fill->count() != 1 || fill->dtype() != x->dtype()))) return std::nullopt;
  Dims dims = x->dims();
  Dims begin(dims.size(), 0);
  for (size_t i = 0; i < count; ++i) {
    const int64_t before = (*pads)[i], after = (*pads)[i + count];
    if (before < 0 || after < 0 || before > INT32_MAX || after > INT32_MAX) return std::nullopt;
    dims[(*axes)[i]] += before + after;
    begin[(*axes)[i]] = before;
  }
  if (!e.fits(dims, x->dtype())) return std::nullopt;
  const std::vector<int64_t> offsets = padded_offsets(x->dims(), begin, dims);
  Collector out(x->dtype(), x->is_symbolic() || (fill != nullptr && fill->is_symbolic()), offsets.size());
  for (const int64_t offset : offsets) {
    if (offset >= 0) {
      out.take(*x, offset);
    } else if (fill != nullptr) {
      out.take(*fill, 0);
    } else {
      out.zero();
    }
  }
  return one(out.finish(std::move(dims)));
}

}  // namespace

const RuleTable& indexing_rules() {
  static const RuleTable rules = {{"Gather", gather}, {"Pad", pad}, {"Slice", slice}, {"Trilu", trilu}};
  return rules;
}

}  // namespace onnxport
