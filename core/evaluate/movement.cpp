// Operators that move or repeat whole elements of arrays, whatever these are.
#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "core/evaluate/elements.h"
#include "core/evaluate/rules.h"

namespace onnxport {

namespace {

using Dims = std::vector<int64_t>;

constexpr uint64_t kSmall = 64u << 10;

// A view where the elements' layout can be kept; a copy where it cannot and that is small enough.
Evaluated reshaped(const Evaluation& e, const Array& x, Dims dims) {
  if (!x.is_symbolic()) {
    if (auto view = x.numbers().viewed_as(dims)) return one(std::move(*view));
    if (x.byte_size() > e.max_bytes) return std::nullopt;
  }
  return one(x.reshaped(std::move(dims)));
}

// Where the dims asked for are not known, those that the type has, or that one axis must have.
Evaluated reshaped_as_inferred(const Evaluation& e, const Array& x) {
  auto dims = e.inferred_dims(0);
  if (!dims && !e.types.empty() && e.types[0].rank() == 1) dims = Dims{x.count()};
  if (!dims || count_within(*dims, 1, UINT64_MAX) != x.count()) return std::nullopt;
  return reshaped(e, x, std::move(*dims));
}

Evaluated identity(const Evaluation& e) {
  if (e.input(0) == nullptr || e.input_count() != 1) return std::nullopt;
  return one(*e.input(0));
}

Evaluated transpose(const Evaluation& e) {
  const Array* x = e.input(0);
  if (x == nullptr) return std::nullopt;
  const size_t rank = x->dims().size();
  Dims order(rank);
  std::iota(order.rbegin(), order.rend(), 0);
  if (auto given = e.integers("perm")) order = std::move(*given);
  Dims sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] != static_cast<int64_t>(i)) return std::nullopt;
  }
  if (order.size() != rank) return std::nullopt;
  if (!x->is_symbolic()) {
    const ir::Tensor view = x->numbers().transposed(order);
    // Weights stay where they are; what is small is what other rules and plugins read.
    return one(view.byte_size() <= kSmall ? view.contiguous() : view);
  }
  const Dims own = strides_of(x->dims());
  Dims dims, strides;
  for (const int64_t axis : order) {
    dims.push_back(x->dims()[static_cast<size_t>(axis)]);
    strides.push_back(own[static_cast<size_t>(axis)]);
  }
  return one(pick(*x, std::move(dims), strides, 0));
}

Evaluated reshape(const Evaluation& e) {
  const Array* x = e.input(0);
  if (x == nullptr) return std::nullopt;
  auto target = e.ints(1, "shape");
  if (!target) return reshaped_as_inferred(e, *x);
  const bool copies_zero = e.integer("allowzero", 0) == 0;
  int64_t known = 1;
  std::optional<size_t> rest;
  for (size_t i = 0; i < target->size(); ++i) {
    int64_t& dim = (*target)[i];
    if (dim == 0 && copies_zero) {
      if (i >= x->dims().size()) return std::nullopt;
      dim = x->dims()[i];
    }
    if (dim == -1) {
      if (rest) return std::nullopt;
      rest = i;
    } else if (dim < 0 || __builtin_mul_overflow(known, dim, &known)) {
      return std::nullopt;
    }
  }
  if (rest) {
    if (known == 0 || x->count() % known != 0) return std::nullopt;
    (*target)[*rest] = x->count() / known;
  } else if (known != x->count()) {
    return std::nullopt;
  }
  return reshaped(e, *x, std::move(*target));
}

Evaluated flatten(const Evaluation& e) {
  const Array* x = e.input(0);
  if (x == nullptr) return std::nullopt;
  const auto rank = static_cast<int64_t>(x->dims().size());
  int64_t axis = e.integer("axis", 1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) return std::nullopt;
  const auto product = [&](int64_t from, int64_t to) {
    return std::accumulate(x->dims().begin() + from, x->dims().begin() + to, int64_t{1}, std::multiplies<>());
  };
  return reshaped(e, *x, {product(0, axis), product(axis, rank)});
}

Evaluated squeeze(const Evaluation& e) {
  const Array* x = e.input(0);
  if (x == nullptr) return std::nullopt;
  std::vector<bool> drop(x->dims().size(), false);
  if (!e.is_given(1) && e.attribute("axes") == nullptr) {
    for (size_t i = 0; i < drop.size(); ++i) drop[i] = x->dims()[i] == 1;
  } else {
    const auto axes = e.ints(1, "axes");
    if (!axes) return reshaped_as_inferred(e, *x);
    for (int64_t axis : *axes) {
      const auto at = normalize_axis(axis, drop.size());
      if (!at || x->dims()[*at] != 1) return std::nullopt;
      drop[*at] = true;
    }
  }
  Dims dims;
  for (size_t i = 0; i < drop.size(); ++i) {
    if (!drop[i]) dims.push_back(x->dims()[i]);
  }
  return reshaped(e, *x, std::move(dims));
}

Evaluated unsqueeze(const Evaluation& e) {
  const Array* x = e.input(0);
  if (x == nullptr) return std::nullopt;
  const auto axes = e.ints(1, "axes");
  if (!axes) return reshaped_as_inferred(e, *x);
  std::vector<bool> added(x->dims().size() + axes->size(), false);
  for (int64_t axis : *axes) {
    const auto at = normalize_axis(axis, added.size());
    if (!at || added[*at]) return std::nullopt;
    added[*at] = true;
  }
  Dims dims;
  size_t next = 0;
  for (bool is_new : added) dims.push_back(is_new ? 1 : x->dims()[next++]);
  return reshaped(e, *x, std::move(dims));
}

Evaluated expand(const Evaluation& e) {
  const Array* x = e.input(0);
  if (x == nullptr) return std::nullopt;
  auto target = e.ints(1);
  if (!target) target = e.inferred_dims(0);
  const auto dims = target ? broadcast(x->dims(), *target) : std::nullopt;
  if (!dims || !e.fits(*dims, x->dtype())) return std::nullopt;
  return one(pick(*x, *dims, broadcast_strides(x->dims(), *dims), 0));
}

// How often each axis is repeated; by the sizes of the result where the operand is not known.
std::optional<Dims> repeats_of(const Evaluation& e, const Array& x) {
  if (auto given = e.ints(1)) return given;
  auto out = e.inferred_dims(0);
  if (!out || out->size() != x.dims().size()) return std::nullopt;
  for (size_t i = 0; i < out->size(); ++i) {
    if (x.dims()[i] == 0 || (*out)[i] % x.dims()[i] != 0) return std::nullopt;
    (*out)[i] /= x.dims()[i];
  }
  return out;
}

Evaluated tile(const Evaluation& e) {
  const Array* x = e.input(0);
  const auto repeats = x == nullptr ? std::nullopt : repeats_of(e, *x);
  if (!repeats || repeats->size() != x->dims().size()) return std::nullopt;
  // Read as [r0, d0, r1, d1, …] with stride 0 along each r.
  const Dims own = strides_of(x->dims());
  Dims split, strides, dims;
  for (size_t i = 0; i < own.size(); ++i) {
    split.insert(split.end(), {(*repeats)[i], x->dims()[i]});
    strides.insert(strides.end(), {0, own[i]});
  }
  if (!e.fits(split, x->dtype())) return std::nullopt;
  for (size_t i = 0; i < own.size(); ++i) dims.push_back(x->dims()[i] * (*repeats)[i]);
  return one(pick(*x, split, strides, 0).reshaped(std::move(dims)));
}

Evaluated concat(const Evaluation& e) {
  const Array* first = e.input(0);
  if (first == nullptr) return std::nullopt;
  const auto axis = normalize_axis(e.integer("axis", 0), first->dims().size());
  if (!axis) return std::nullopt;
  Dims dims = first->dims();
  dims[*axis] = 0;
  bool symbolic = false;
  for (size_t k = 0; k < e.input_count(); ++k) {
    const Array* part = e.input(k);
    if (part == nullptr || part->dtype() != first->dtype() || part->dims().size() != dims.size())
      return std::nullopt;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (i != *axis && part->dims()[i] != dims[i]) return std::nullopt;
    }
    dims[*axis] += part->dims()[*axis];
    symbolic = symbolic || part->is_symbolic();
  }
  const auto count = count_within(dims, ir::size_of(first->dtype()), e.max_bytes);
  if (!count || ir::size_of(first->dtype()) == 0) return std::nullopt;
  int64_t outer = 1;
  for (size_t i = 0; i < *axis; ++i) outer *= dims[i];
  Collector out(first->dtype(), symbolic, static_cast<size_t>(*count));
  for (int64_t row = 0; row < outer; ++row) {
    for (size_t k = 0; k < e.input_count(); ++k) {
      const int64_t run = e.input(k)->count() / outer;
      out.take(*e.input(k), row * run, run);
    }
  }
  return one(out.finish(std::move(dims)));
}

Evaluated split(const Evaluation& e) {
  const Array* x = e.input(0);
  if (x == nullptr || e.outputs == 0 || !e.fits(x->dims(), x->dtype())) return std::nullopt;
  const auto axis = normalize_axis(e.integer("axis", 0), x->dims().size());
  if (!axis) return std::nullopt;
  const auto parts = static_cast<int64_t>(e.outputs);
  const int64_t size = x->dims()[*axis];
  Dims sizes;
  if (e.is_given(1) || e.attribute("split") != nullptr) {
    if (const auto given = e.ints(1, "split")) {
      sizes = *given;
    } else {
      for (size_t i = 0; i < e.outputs; ++i) {
        const auto dims = e.inferred_dims(i);
        if (!dims || *axis >= dims->size()) return std::nullopt;
        sizes.push_back((*dims)[*axis]);
      }
    }
  } else {
    const int64_t each = (size + parts - 1) / parts;
    for (int64_t i = 0; i + 1 < parts; ++i) sizes.push_back(each);
    sizes.push_back(size - each * (parts - 1));
  }
  const bool sound = static_cast<int64_t>(sizes.size()) == parts &&
                     std::all_of(sizes.begin(), sizes.end(), [](int64_t s) { return s >= 0; }) &&
                     std::accumulate(sizes.begin(), sizes.end(), int64_t{0}) == size;
  if (!sound) return std::nullopt;
  const Dims strides = strides_of(x->dims());
  std::vector<Array> out;
  int64_t start = 0;
  for (int64_t part : sizes) {
    Dims dims = x->dims();
    dims[*axis] = part;
    out.push_back(pick(*x, std::move(dims), strides, start * strides[*axis]));
    start += part;
  }
  return out;
}

// Which of the two a condition takes, 1 or 0; nullopt when it is a size that is not known.
std::optional<std::vector<std::optional<bool>>> conditions(const Array& condition, const Dims& dims) {
  const Array c = pick(condition, dims, broadcast_strides(condition.dims(), dims), 0);
  const auto sizes = c.to_sizes();
  if (!sizes) return std::nullopt;
  std::vector<std::optional<bool>> out;
  for (const ir::Dim& dim : *sizes)
    out.push_back(dim.is_constant() ? std::optional(dim.value() != 0) : std::nullopt);
  return out;
}

Evaluated where(const Evaluation& e) {
  const Array* condition = e.input(0);
  const Array* a = e.input(1);
  const Array* b = e.input(2);
  if (condition == nullptr || a == nullptr || b == nullptr || a->dtype() != b->dtype()) return std::nullopt;
  if (condition->dtype() != ir::DType::boolean) return std::nullopt;
  const auto both = broadcast(a->dims(), b->dims());
  const auto dims = both ? broadcast(condition->dims(), *both) : std::nullopt;
  if (!dims || !e.fits(*dims, a->dtype())) return std::nullopt;
  const auto chosen = conditions(*condition, *dims);
  if (!chosen) return std::nullopt;
  const Array x = pick(*a, *dims, broadcast_strides(a->dims(), *dims), 0);
  const Array y = pick(*b, *dims, broadcast_strides(b->dims(), *dims), 0);
  const bool open = std::find(chosen->begin(), chosen->end(), std::nullopt) != chosen->end();
  // Where the condition is not known the result is, if both are the same.
  const auto x_sizes = open ? x.to_sizes() : std::nullopt, y_sizes = open ? y.to_sizes() : std::nullopt;
  if (open && (!x_sizes || !y_sizes)) return std::nullopt;
  Collector out(a->dtype(), open || x.is_symbolic() || y.is_symbolic(), chosen->size());
  for (size_t i = 0; i < chosen->size(); ++i) {
    const std::optional<bool>& take_first = (*chosen)[i];
    if (!take_first && !((*x_sizes)[i] == (*y_sizes)[i])) {
      out.unknown();
    } else {
      out.take(take_first.value_or(true) ? x : y, static_cast<int64_t>(i));
    }
  }
  return one(out.finish(*dims));
}

}  // namespace

const RuleTable& movement_rules() {
  static const RuleTable rules = {
      {"Concat", concat},       {"Expand", expand},       {"Flatten", flatten}, {"Identity", identity},
      {"Reshape", reshape},     {"Split", split},         {"Squeeze", squeeze}, {"Tile", tile},
      {"Transpose", transpose}, {"Unsqueeze", unsqueeze}, {"Where", where},
  };
  return rules;
}

}  // namespace onnxport
