// Operators that move or repeat whole elements of constants, whatever these are.
#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "core/evaluate/elements.h"

namespace onnxport {

namespace {

using Dims = std::vector<int64_t>;

constexpr uint64_t kSmall = 64u << 10;

Evaluated one(ir::Tensor tensor) { return std::vector<ir::Tensor>{std::move(tensor)}; }

bool fits(const Evaluation& e, const Dims& dims, ir::DType dtype) {
  return ir::size_of(dtype) > 0 && count_within(dims, ir::size_of(dtype), e.max_bytes).has_value();
}

// A view where the elements' layout can be kept; a copy where it cannot and that is small enough.
Evaluated reshaped(const Evaluation& e, const ir::Tensor& x, Dims dims) {
  if (auto view = x.viewed_as(dims)) return one(std::move(*view));
  if (x.byte_size() > e.max_bytes) return std::nullopt;
  return one(x.reshaped(std::move(dims)));
}

Evaluated identity(const Evaluation& e) {
  if (e.input(0) == nullptr || e.inputs.size() != 1) return std::nullopt;
  return one(*e.input(0));
}

Evaluated transpose(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
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
  const ir::Tensor view = x->transposed(order);
  // Weights stay where they are; what is small is what other rules and plugins read.
  return one(view.byte_size() <= kSmall ? view.contiguous() : view);
}

Evaluated reshape(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  auto target = e.ints(1, "shape");
  if (x == nullptr || !target) return std::nullopt;
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
  const ir::Tensor* x = e.input(0);
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
  const ir::Tensor* x = e.input(0);
  if (x == nullptr) return std::nullopt;
  std::vector<bool> drop(x->dims().size(), false);
  if (e.input(1) == nullptr && e.attribute("axes") == nullptr) {
    for (size_t i = 0; i < drop.size(); ++i) drop[i] = x->dims()[i] == 1;
  } else {
    const auto axes = e.ints(1, "axes");
    if (!axes) return std::nullopt;
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
  const ir::Tensor* x = e.input(0);
  const auto axes = e.ints(1, "axes");
  if (x == nullptr || !axes) return std::nullopt;
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
  const ir::Tensor* x = e.input(0);
  const auto target = e.ints(1);
  if (x == nullptr || !target) return std::nullopt;
  const auto dims = broadcast(x->dims(), *target);
  if (!dims || !fits(e, *dims, x->dtype())) return std::nullopt;
  return one(pick(*x, *dims, broadcast_strides(x->dims(), *dims), 0));
}

Evaluated tile(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  const auto repeats = e.ints(1);
  if (x == nullptr || !repeats || repeats->size() != x->dims().size()) return std::nullopt;
  // Read as [r0, d0, r1, d1, …] with stride 0 along each r.
  const Dims own = strides_of(x->dims());
  Dims split, strides, dims;
  for (size_t i = 0; i < own.size(); ++i) {
    split.insert(split.end(), {(*repeats)[i], x->dims()[i]});
    strides.insert(strides.end(), {0, own[i]});
  }
  if (!fits(e, split, x->dtype())) return std::nullopt;
  for (size_t i = 0; i < own.size(); ++i) dims.push_back(x->dims()[i] * (*repeats)[i]);
  return one(pick(*x, split, strides, 0).reshaped(std::move(dims)));
}

Evaluated concat(const Evaluation& e) {
  const ir::Tensor* first = e.input(0);
  if (first == nullptr) return std::nullopt;
  const auto axis = normalize_axis(e.integer("axis", 0), first->dims().size());
  if (!axis) return std::nullopt;
  Dims dims = first->dims();
  dims[*axis] = 0;
  for (const ir::Tensor* part : e.inputs) {
    if (part == nullptr || part->dtype() != first->dtype() || part->dims().size() != dims.size())
      return std::nullopt;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (i != *axis && part->dims()[i] != dims[i]) return std::nullopt;
    }
    dims[*axis] += part->dims()[*axis];
  }
  if (!fits(e, dims, first->dtype())) return std::nullopt;
  int64_t outer = 1;
  for (size_t i = 0; i < *axis; ++i) outer *= dims[i];
  std::vector<std::byte> bytes;
  for (int64_t row = 0; row < outer; ++row) {
    for (const ir::Tensor* part : e.inputs) {
      const size_t run = part->bytes().size() / static_cast<size_t>(outer);
      const std::byte* from = part->bytes().data() + static_cast<size_t>(row) * run;
      bytes.insert(bytes.end(), from, from + run);
    }
  }
  return one(ir::Tensor::copy_of(first->dtype(), std::move(dims), bytes));
}

Evaluated split(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  if (x == nullptr || e.outputs == 0 || !fits(e, x->dims(), x->dtype())) return std::nullopt;
  const auto axis = normalize_axis(e.integer("axis", 0), x->dims().size());
  if (!axis) return std::nullopt;
  const auto parts = static_cast<int64_t>(e.outputs);
  const int64_t size = x->dims()[*axis];
  Dims sizes;
  if (e.input(1) != nullptr || e.attribute("split") != nullptr) {
    const auto given = e.ints(1, "split");
    if (!given) return std::nullopt;
    sizes = *given;
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
  std::vector<ir::Tensor> out;
  int64_t start = 0;
  for (int64_t part : sizes) {
    Dims dims = x->dims();
    dims[*axis] = part;
    out.push_back(pick(*x, std::move(dims), strides, start * strides[*axis]));
    start += part;
  }
  return out;
}

Evaluated where(const Evaluation& e) {
  const ir::Tensor* condition = e.input(0);
  const ir::Tensor* a = e.input(1);
  const ir::Tensor* b = e.input(2);
  if (condition == nullptr || a == nullptr || b == nullptr || a->dtype() != b->dtype()) return std::nullopt;
  if (condition->dtype() != ir::DType::boolean) return std::nullopt;
  const auto both = broadcast(a->dims(), b->dims());
  const auto dims = both ? broadcast(condition->dims(), *both) : std::nullopt;
  if (!dims || !fits(e, *dims, a->dtype())) return std::nullopt;
  const ir::Tensor c = pick(*condition, *dims, broadcast_strides(condition->dims(), *dims), 0);
  const ir::Tensor x = pick(*a, *dims, broadcast_strides(a->dims(), *dims), 0);
  const ir::Tensor y = pick(*b, *dims, broadcast_strides(b->dims(), *dims), 0);
  std::vector<std::byte> bytes(y.bytes().begin(), y.bytes().end());
  const size_t size = ir::size_of(a->dtype());
  for (size_t i = 0; i < c.bytes().size(); ++i) {
    if (c.bytes()[i] != std::byte{0})
      std::copy_n(x.bytes().begin() + static_cast<int64_t>(i * size), size,
                  bytes.begin() + static_cast<int64_t>(i * size));
  }
  return one(ir::Tensor::copy_of(a->dtype(), *dims, bytes));
}

}  // namespace

EvaluationRule find_movement(std::string_view op_type) {
  static const std::unordered_map<std::string_view, EvaluationRule> rules = {
      {"Concat", concat},       {"Expand", expand},       {"Flatten", flatten}, {"Identity", identity},
      {"Reshape", reshape},     {"Split", split},         {"Squeeze", squeeze}, {"Tile", tile},
      {"Transpose", transpose}, {"Unsqueeze", unsqueeze}, {"Where", where},
  };
  const auto found = rules.find(op_type);
  return found == rules.end() ? nullptr : found->second;
}

}  // namespace onnxport
