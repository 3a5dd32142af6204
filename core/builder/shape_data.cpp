// Symbolic contents: the arithmetic on shapes that ONNX's own inference, which knows integers and plain
// symbols only, does not follow.
#include <algorithm>
#include <unordered_map>

#include "core/builder/node_inputs.h"

namespace onnxport {

namespace {

using ir::Dim;
using Contents = std::vector<Dim>;
using Result = std::optional<Contents>;

Dim boolean(bool on) { return Dim(on ? 1 : 0); }

// ---- elementwise ----

template <typename Combine>
Result elementwise(const NodeInputs& known, Combine&& combine) {
  const Contents* a = known.contents(0);
  const Contents* b = known.contents(1);
  if (a == nullptr || b == nullptr || a->empty() || b->empty()) return std::nullopt;
  if (a->size() != b->size() && a->size() != 1 && b->size() != 1) return std::nullopt;
  Contents out;
  const size_t count = std::max(a->size(), b->size());
  for (size_t i = 0; i < count; ++i) {
    const Dim& x = (*a)[a->size() == 1 ? 0 : i];
    const Dim& y = (*b)[b->size() == 1 ? 0 : i];
    out.push_back(x.is_unknown() || y.is_unknown() ? Dim() : combine(x, y));
  }
  return out;
}

template <typename Map>
Result map_elements(const NodeInputs& known, Map&& map) {
  const Contents* x = known.contents(0);
  if (x == nullptr) return std::nullopt;
  Contents out;
  for (const Dim& dim : *x) out.push_back(dim.is_unknown() ? Dim() : map(dim));
  return out;
}

Result add(const NodeInputs& known) {
  return elementwise(known, [](const Dim& a, const Dim& b) { return a + b; });
}
Result subtract(const NodeInputs& known) {
  return elementwise(known, [](const Dim& a, const Dim& b) { return a - b; });
}
Result multiply(const NodeInputs& known) {
  return elementwise(known, [](const Dim& a, const Dim& b) { return a * b; });
}

// ONNX truncates; // rounds down. They agree where nothing is negative.
Result divide(const NodeInputs& known) {
  return elementwise(known, [&](const Dim& a, const Dim& b) {
    if (a.is_constant() && b.is_constant()) {
      return b.value() == 0 || (b.value() == -1 && a.value() == INT64_MIN) ? Dim()
                                                                           : Dim(a.value() / b.value());
    }
    return known.at_least(a, 0) && known.at_least(b, 1) ? floor_div(a, b) : Dim();
  });
}

Result modulo(const NodeInputs& known) {
  const bool c_rule = known.integer("fmod", 0) != 0;  // the dividend's sign, as C has it
  return elementwise(known, [&](const Dim& a, const Dim& b) {
    if (!known.at_least(b, 1) || (c_rule && !known.at_least(a, 0))) return Dim();
    return mod(a, b);
  });
}

template <typename Combine>
Result variadic(const NodeInputs& known, Combine&& combine) {
  size_t count = 1;
  std::vector<const Contents*> parts;
  for (size_t i = 0; i < known.node().inputs.size(); ++i) {
    parts.push_back(known.contents(i));
    if (parts.back() == nullptr || parts.back()->empty()) return std::nullopt;
    count = std::max(count, parts.back()->size());
  }
  Contents out(count);
  for (size_t i = 0; i < count; ++i) {
    for (const Contents* part : parts) {
      if (part->size() != 1 && part->size() != count) return std::nullopt;
      const Dim& x = (*part)[part->size() == 1 ? 0 : i];
      out[i] = part == parts.front() ? x : x.is_unknown() || out[i].is_unknown() ? Dim() : combine(out[i], x);
    }
  }
  return out;
}

Result smallest(const NodeInputs& known) {
  return variadic(known, [&](const Dim& a, const Dim& b) { return known.smaller(a, b); });
}
Result largest(const NodeInputs& known) {
  return variadic(known, [&](const Dim& a, const Dim& b) { return known.larger(a, b); });
}

Result negate(const NodeInputs& known) {
  return map_elements(known, [](const Dim& x) { return Dim(0) - x; });
}
Result absolute(const NodeInputs& known) {
  return map_elements(known, [&](const Dim& x) {
    if (known.at_least(x, 0)) return x;
    return x.is_constant() ? Dim(0) - x : Dim();
  });
}

// ---- comparisons ----

enum class Order { equal, less, less_or_equal, greater, greater_or_equal };

template <Order order>
Result compare(const NodeInputs& known) {
  return elementwise(known, [&](const Dim& a, const Dim& b) {
    const ir::Bounds d = known.bounds(a - b);
    const bool above = d.min > 0, below = d.max < 0, same = d.min == 0 && d.max == 0;
    if (order == Order::equal) return same ? boolean(true) : above || below ? boolean(false) : Dim();
    if (order == Order::less) return below ? boolean(true) : d.min >= 0 ? boolean(false) : Dim();
    if (order == Order::less_or_equal) return d.max <= 0 ? boolean(true) : above ? boolean(false) : Dim();
    if (order == Order::greater) return above ? boolean(true) : d.max <= 0 ? boolean(false) : Dim();
    return d.min >= 0 ? boolean(true) : below ? boolean(false) : Dim();
  });
}

Result logical_not(const NodeInputs& known) {
  return map_elements(known, [](const Dim& x) { return x.is_constant() ? boolean(x.value() == 0) : Dim(); });
}

Result where(const NodeInputs& known) {
  const Contents* condition = known.contents(0);
  const Contents* a = known.contents(1);
  const Contents* b = known.contents(2);
  if (a == nullptr || b == nullptr || condition == nullptr) return std::nullopt;
  if (a->empty() || b->empty() || condition->empty()) return std::nullopt;
  const size_t count = std::max({condition->size(), a->size(), b->size()});
  const auto at = [&](const Contents& c, size_t i) {
    return c.size() == 1 ? c[0] : i < c.size() ? c[i] : Dim();
  };
  Contents out;
  for (size_t i = 0; i < count; ++i) {
    const Dim c = at(*condition, i), x = at(*a, i), y = at(*b, i);
    out.push_back(c.is_constant() ? (c.value() != 0 ? x : y) : x == y ? x : Dim());
  }
  return out;
}

// ---- sources ----

Result shape_of(const NodeInputs& known) {
  const ir::Shape* shape = known.shape(0);
  if (shape == nullptr) return std::nullopt;
  const auto rank = static_cast<int64_t>(shape->size());
  const auto clamp = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = clamp(known.integer("start", 0));
  const int64_t end = clamp(known.integer("end", rank));
  if (start >= end) return Contents{};
  return Contents(shape->begin() + start, shape->begin() + end);
}

Result size_of(const NodeInputs& known) {
  const ir::Shape* shape = known.shape(0);
  if (shape == nullptr) return std::nullopt;
  Dim product = 1;
  for (const Dim& dim : *shape) product = product * dim;
  return Contents{product};
}

Result range(const NodeInputs& known) {
  const auto start = known.ints(0), limit = known.ints(1), delta = known.ints(2);
  if (!start || !limit || !delta || start->size() != 1 || limit->size() != 1 || delta->size() != 1)
    return std::nullopt;
  const int64_t step = (*delta)[0];
  if (step == 0) return std::nullopt;
  Contents out;
  for (int64_t v = (*start)[0]; step > 0 ? v < (*limit)[0] : v > (*limit)[0];) {
    if (out.size() == kMostContents) return std::nullopt;
    out.push_back(Dim(v));
    if (__builtin_add_overflow(v, step, &v)) break;
  }
  return out;
}

Result constant_of_shape(const NodeInputs& known) {
  const auto count = known.ints(0);
  if (!count || count->size() != 1 || (*count)[0] < 0 || (*count)[0] > static_cast<int64_t>(kMostContents)) {
    return std::nullopt;
  }
  int64_t fill = 0;
  if (const ir::AttributeValue* value = known.attribute("value")) {
    const auto* tensor = std::get_if<ir::Tensor>(value);
    const auto ints = tensor == nullptr ? std::nullopt : tensor->to_ints();
    if (!ints || ints->size() != 1) return std::nullopt;
    fill = (*ints)[0];
  } else {
    return std::nullopt;  // floats
  }
  return Contents(static_cast<size_t>((*count)[0]), Dim(fill));
}

// ---- movement ----

Result same(const NodeInputs& known) {
  const Contents* x = known.contents(0);
  return x == nullptr ? std::nullopt : Result(*x);
}

Result cast(const NodeInputs& known) {
  const auto to = static_cast<ir::DType>(known.integer("to", 0));
  if (to == ir::DType::boolean) {
    return map_elements(known, [&](const Dim& x) {
      return x.is_constant() ? boolean(x.value() != 0) : known.at_least(x, 1) ? boolean(true) : Dim();
    });
  }
  return same(known);
}

// Elements of an input, unknown ones where its length is known and its contents are not.
Result elements(const NodeInputs& known, size_t input) {
  if (const Contents* c = known.contents(input)) return *c;
  const ir::Shape* shape = known.shape(input);
  if (shape == nullptr || shape->size() != 1 || !(*shape)[0].is_constant()) return std::nullopt;
  const int64_t count = (*shape)[0].value();
  if (count < 0 || count > static_cast<int64_t>(kMostContents)) return std::nullopt;
  return Contents(static_cast<size_t>(count));
}

Result concat(const NodeInputs& known) {
  Contents out;
  for (size_t i = 0; i < known.node().inputs.size(); ++i) {
    const Result part = elements(known, i);
    if (!part || out.size() + part->size() > kMostContents) return std::nullopt;
    out.insert(out.end(), part->begin(), part->end());
  }
  return out;
}

Result gather(const NodeInputs& known) {
  const Contents* data = known.contents(0);
  const ir::Shape* shape = known.shape(0);
  const auto indices = known.ints(1);
  if (data == nullptr || !indices || shape == nullptr || shape->size() != 1) return std::nullopt;
  const auto count = static_cast<int64_t>(data->size());
  Contents out;
  for (int64_t i : *indices) {
    if (i < -count || i >= count) return std::nullopt;
    out.push_back((*data)[static_cast<size_t>(i < 0 ? i + count : i)]);
  }
  return out;
}

Result slice(const NodeInputs& known) {
  const Contents* data = known.contents(0);
  const auto starts = known.ints_of(1, "starts");
  const auto ends = known.ints_of(2, "ends");
  if (data == nullptr || !starts || !ends || starts->size() != 1 || ends->size() != 1) return std::nullopt;
  int64_t step = 1;
  if (known.input(4) != nullptr) {
    const auto steps = known.ints(4);
    if (!steps || steps->size() != 1 || (*steps)[0] == 0) return std::nullopt;
    step = (*steps)[0];
  }
  const auto count = static_cast<int64_t>(data->size());
  const int64_t low = step > 0 ? 0 : -1;
  const int64_t high = step > 0 ? count : count - 1;
  const auto clamp = [&](int64_t i) { return std::clamp(i < 0 ? i + count : i, low, high); };
  const int64_t start = clamp((*starts)[0]);
  // An end below -count means "before the first"; only going backwards can that be told from 0.
  const int64_t end = (*ends)[0] < -count ? low : clamp((*ends)[0]);
  Contents out;
  for (int64_t i = start; step > 0 ? i < end : i > end;) {
    out.push_back((*data)[static_cast<size_t>(i)]);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return out;
}

Result repeat(const NodeInputs& known, const std::vector<ir::Type>& outputs) {
  const Contents* x = known.contents(0);
  const auto& shape = outputs[0].shape();
  if (x == nullptr || x->empty() || !shape || shape->size() != 1 || !(*shape)[0].is_constant())
    return std::nullopt;
  const int64_t count = (*shape)[0].value();
  if (count > static_cast<int64_t>(kMostContents)) return std::nullopt;
  Contents out;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) out.push_back((*x)[i % x->size()]);
  return out;
}

// ---- reductions ----

template <typename Combine>
Result reduce(const NodeInputs& known, Combine&& combine) {
  const Contents* x = known.contents(0);
  if (x == nullptr || x->empty()) return std::nullopt;
  const bool has_axes = known.attribute("axes") != nullptr || known.input(1) != nullptr;
  if (!has_axes && known.integer("noop_with_empty_axes", 0) != 0) return *x;
  if (has_axes) {
    const auto axes = known.ints_of(1, "axes");
    if (!axes || (axes->empty() && known.integer("noop_with_empty_axes", 0) != 0)) return std::nullopt;
  }
  Dim out = (*x)[0];
  for (size_t i = 1; i < x->size(); ++i) {
    out = out.is_unknown() || (*x)[i].is_unknown() ? Dim() : combine(out, (*x)[i]);
  }
  return Contents{out};
}

Result reduce_product(const NodeInputs& known) {
  return reduce(known, [](const Dim& a, const Dim& b) { return a * b; });
}
Result reduce_sum(const NodeInputs& known) {
  return reduce(known, [](const Dim& a, const Dim& b) { return a + b; });
}
Result reduce_min(const NodeInputs& known) {
  return reduce(known, [&](const Dim& a, const Dim& b) { return known.smaller(a, b); });
}
Result reduce_max(const NodeInputs& known) {
  return reduce(known, [&](const Dim& a, const Dim& b) { return known.larger(a, b); });
}

using Rule = Result (*)(const NodeInputs&);

Rule find_rule(std::string_view op_type) {
  static const std::unordered_map<std::string_view, Rule> rules = {
      {"Abs", absolute},
      {"Add", add},
      {"Cast", cast},
      {"Concat", concat},
      {"ConstantOfShape", constant_of_shape},
      {"Div", divide},
      {"Equal", compare<Order::equal>},
      {"Flatten", same},
      {"Gather", gather},
      {"Greater", compare<Order::greater>},
      {"GreaterOrEqual", compare<Order::greater_or_equal>},
      {"Identity", same},
      {"Less", compare<Order::less>},
      {"LessOrEqual", compare<Order::less_or_equal>},
      {"Max", largest},
      {"Min", smallest},
      {"Mod", modulo},
      {"Mul", multiply},
      {"Neg", negate},
      {"Not", logical_not},
      {"Range", range},
      {"ReduceMax", reduce_max},
      {"ReduceMin", reduce_min},
      {"ReduceProd", reduce_product},
      {"ReduceSum", reduce_sum},
      {"Reshape", same},
      {"Shape", shape_of},
      {"Size", size_of},
      {"Slice", slice},
      {"Squeeze", same},
      {"Sub", subtract},
      {"Unsqueeze", same},
      {"Where", where},
  };
  const auto found = rules.find(op_type);
  return found == rules.end() ? nullptr : found->second;
}

bool holds_sizes(const ir::Type& type) {
  if (!type.is_tensor() || type.rank() < 0 || type.rank() > 1) return false;
  return type.dtype() == ir::DType::i64 || type.dtype() == ir::DType::i32 ||
         type.dtype() == ir::DType::boolean;
}

// Contents of the right length for the type, with something in them; else nothing.
Result checked(Result contents, const ir::Type& type) {
  if (!contents || !holds_sizes(type) || contents->size() > kMostContents) return std::nullopt;
  if (type.rank() == 0 && contents->size() != 1) return std::nullopt;
  if (type.rank() == 1) {
    const Dim& length = (*type.shape())[0];
    if (length.is_constant() && length.value() != static_cast<int64_t>(contents->size())) return std::nullopt;
  }
  const int64_t limit = type.dtype() == ir::DType::i32 ? INT32_MAX : INT64_MAX;
  for (Dim& dim : *contents) {
    if (dim.is_constant() && (dim.value() > limit || dim.value() < -limit - 1)) dim = Dim();
  }
  const bool anything = contents->empty() || std::any_of(contents->begin(), contents->end(),
                                                         [](const Dim& d) { return !d.is_unknown(); });
  return anything ? contents : std::nullopt;
}

std::vector<Result> split(const NodeInputs& known, const std::vector<ir::Type>& outputs) {
  std::vector<Result> out(outputs.size());
  const Contents* data = known.contents(0);
  if (data == nullptr) return out;
  size_t at = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto& shape = outputs[i].shape();
    if (!shape || shape->size() != 1 || !(*shape)[0].is_constant())
      return std::vector<Result>(outputs.size());
    const auto count = static_cast<size_t>((*shape)[0].value());
    if (at + count > data->size()) return std::vector<Result>(outputs.size());
    out[i] = checked(
        Contents(data->begin() + static_cast<int64_t>(at), data->begin() + static_cast<int64_t>(at + count)),
        outputs[i]);
    at += count;
  }
  return out;
}

}  // namespace

std::vector<std::optional<std::vector<ir::Dim>>> propagate_contents(const NodeInputs& known,
                                                                    const std::vector<ir::Type>& outputs) {
  std::vector<Result> out(outputs.size());
  if (!known.node().domain.empty() || outputs.empty() || !holds_sizes(outputs[0])) return out;
  const std::string_view op = known.node().op_type;
  if (op == "Split") return split(known, outputs);
  if (op == "Expand" || op == "Tile") {
    out[0] = checked(repeat(known, outputs), outputs[0]);
  } else if (const Rule rule = find_rule(op)) {
    // Arithmetic on other types than sizes is not exact here.
    const ir::Value* first = known.input(0);
    const bool sizes_in = op == "Shape" || op == "Size" || (first != nullptr && holds_sizes(first->type())) ||
                          (first != nullptr && known.contents(0) != nullptr);
    if (sizes_in) out[0] = checked(rule(known), outputs[0]);
  }
  return out;
}

}  // namespace onnxport
