#include <algorithm>

#include "core/prepare/scalars.h"
#include "core/prepare/scalars_internal.h"

namespace onnxport::scalars {

namespace {

// A list that long is data, not a constant of the program.
constexpr size_t kMaxItems = 1u << 20;

Result sequence(std::vector<Constant> items) { return Constant{ConstantList{std::move(items), false}}; }

Result size_result(size_t n) { return Constant{static_cast<int64_t>(n)}; }

const Constant* find(const ConstantDict& dict, const std::string& key) {
  for (const auto& [k, value] : dict.items) {
    if (k == key) return &value;
  }
  return nullptr;
}

Result dict_operator(std::string_view name, const ConstantDict& dict, Arguments arguments) {
  const std::string* key = arguments.size() > 1 ? arguments[1].as<std::string>() : nullptr;
  if (name == "aten::len") return size_result(dict.items.size());
  if (name == "aten::dict" || name == "aten::copy") return arguments[0];
  if (name == "aten::__contains__" && key != nullptr) return Constant{find(dict, *key) != nullptr};
  if (name == "aten::__getitem__" && key != nullptr) {
    const Constant* value = find(dict, *key);
    return value != nullptr ? Result(*value) : std::nullopt;
  }
  if (name == "aten::get" && key != nullptr) {
    const Constant* value = find(dict, *key);
    if (value != nullptr) return *value;
    return arguments.size() > 2 ? arguments[2] : Constant{};
  }
  std::vector<Constant> items;
  for (const auto& [k, value] : dict.items) {
    if (name == "aten::keys") items.push_back({k});
    if (name == "aten::values") items.push_back(value);
    if (name == "aten::items") items.push_back({ConstantList{{Constant{k}, value}, true}});
  }
  const bool known = name == "aten::keys" || name == "aten::values" || name == "aten::items";
  return known ? sequence(std::move(items)) : std::nullopt;
}

Result repeat(const ConstantList& list, const Constant& times) {
  const auto n = as_int(times);
  if (!n) return std::nullopt;
  const size_t count = *n > 0 ? static_cast<size_t>(*n) : 0;
  if (!list.items.empty() && count > kMaxItems / list.items.size()) return std::nullopt;
  std::vector<Constant> out;
  if (!list.items.empty()) {
    for (size_t i = 0; i < count; ++i) out.insert(out.end(), list.items.begin(), list.items.end());
  }
  return sequence(std::move(out));
}

Result slice(const ConstantList& list, Arguments bounds) {
  const auto b = resolve_slice(bounds, list.items.size());
  if (!b) return std::nullopt;
  ConstantList out{{}, list.tuple};
  int64_t at = b->start;
  for (size_t i = 0; i < b->count; ++i, at += b->step)
    out.items.push_back(list.items[static_cast<size_t>(at)]);
  return Constant{std::move(out)};
}

Result sorted(const ConstantList& list, Arguments arguments) {
  const bool reverse = arguments.size() > 1 && arguments[1].as<bool>() != nullptr && *arguments[1].as<bool>();
  for (const Constant& a : list.items) {
    if (!order(a, list.items[0])) return std::nullopt;  // NaN or mixed: no order to sort by
  }
  std::vector<Constant> out = list.items;
  std::stable_sort(out.begin(), out.end(), [&](const Constant& a, const Constant& b) {
    const int c = order(a, b).value_or(0);
    return reverse ? c > 0 : c < 0;
  });
  return sequence(std::move(out));
}

Result truth(std::string_view name, const ConstantList& list) {
  const bool all = name == "aten::all";
  for (const Constant& item : list.items) {
    const auto value = as_real(item);
    if (!value) return std::nullopt;
    if ((*value != 0) != all) return Constant{!all};
  }
  return Constant{all};
}

Result sum(const ConstantList& list) {
  if (list.items.empty()) return std::nullopt;  // of which kind?
  Constant total = list.items[0].as<bool>() != nullptr ? Constant{*as_int(list.items[0])} : list.items[0];
  for (size_t i = 1; i < list.items.size(); ++i) {
    const Constant operands[] = {total, list.items[i]};
    auto next = arithmetic("aten::add", {}, operands);
    if (!next) return std::nullopt;
    total = std::move(*next);
  }
  return total;
}

// prim::min/max of one list: its extreme item; of two: the lesser / greater list.
Result extreme(bool want_max, Arguments arguments) {
  const std::vector<Constant>& items = arguments[0].list()->items;
  const std::span<const Constant> candidates =
      arguments.size() == 1 ? std::span<const Constant>(items) : arguments;
  if (candidates.empty() || arguments.size() > 2) return std::nullopt;
  const Constant* best = &candidates[0];
  for (const Constant& c : candidates) {
    const auto o = order(c, *best);
    if (!o) return std::nullopt;
    if (want_max ? *o > 0 : *o < 0) best = &c;
  }
  return *best;
}

Result one_list(std::string_view name, const ConstantList& list, Arguments arguments) {
  if (name == "aten::len") return size_result(list.items.size());
  if (name == "aten::list" || name == "aten::copy" || name == "aten::Size") return sequence(list.items);
  if (name == "aten::any" || name == "aten::all") return truth(name, list);
  if (name == "aten::sum") return sum(list);
  if (name == "aten::sorted") return sorted(list, arguments);
  if (name == "prim::min" || name == "prim::max") return extreme(name == "prim::max", arguments);
  return std::nullopt;
}

Result list_and_item(std::string_view name, const ConstantList& list, const Constant& item) {
  if (name == "aten::__getitem__" || name == "prim::TupleIndex") {
    const auto i = as_int(item);
    const auto at = i ? resolve_index(*i, list.items.size()) : std::nullopt;
    return at ? Result(list.items[*at]) : std::nullopt;
  }
  const auto same = [&](const Constant& c) { return equal(c, item); };
  if (name == "aten::__contains__") return Constant{std::any_of(list.items.begin(), list.items.end(), same)};
  if (name == "aten::count")
    return size_result(static_cast<size_t>(std::count_if(list.items.begin(), list.items.end(), same)));
  if (name == "aten::index") {
    const auto at = std::find_if(list.items.begin(), list.items.end(), same);
    if (at == list.items.end()) return std::nullopt;
    return size_result(static_cast<size_t>(at - list.items.begin()));
  }
  if (name == "aten::mul") return repeat(list, item);
  if (name == "aten::add" && item.list() != nullptr) {
    if (list.items.size() + item.list()->items.size() > kMaxItems) return std::nullopt;
    std::vector<Constant> out = list.items;
    out.insert(out.end(), item.list()->items.begin(), item.list()->items.end());
    return sequence(std::move(out));
  }
  return std::nullopt;
}

}  // namespace

std::optional<size_t> resolve_index(int64_t index, size_t size) {
  const auto n = static_cast<int64_t>(size);
  if (index < -n || index >= n) return std::nullopt;
  return static_cast<size_t>(index < 0 ? index + n : index);
}

std::optional<SliceBounds> resolve_slice(Arguments bounds, size_t size) {
  const auto bound = [&](size_t i, int64_t when_none) -> std::optional<int64_t> {
    if (bounds.size() <= i || bounds[i].is_none()) return when_none;
    return as_int(bounds[i]);
  };
  const auto step = bound(2, 1);
  if (!step || *step == 0 || *step == INT64_MIN) return std::nullopt;
  const auto n = static_cast<int64_t>(size);
  const bool forward = *step > 0;
  // Where a bound beyond either end stops: one before the first when walking backward.
  const int64_t lowest = forward ? 0 : -1;
  const int64_t highest = forward ? n : n - 1;
  const auto clamp = [&](int64_t v) { return v < 0 ? (v < -n ? lowest : v + n) : std::min(v, highest); };
  const auto start = bound(0, forward ? 0 : n);
  auto stop = bound(1, n);
  if (!start || !stop) return std::nullopt;
  SliceBounds out;
  out.step = *step;
  out.start = clamp(*start);
  const bool open_end = bounds.size() <= 1 || bounds[1].is_none();
  const int64_t end = open_end ? (forward ? n : -1) : clamp(*stop);
  const int64_t distance = forward ? end - out.start : out.start - end;
  if (distance > 0) out.count = static_cast<size_t>((distance - 1) / std::abs(*step) + 1);
  return out;
}

Result lists(std::string_view name, Arguments arguments) {
  if (arguments.empty()) return std::nullopt;
  if (const auto* dict = arguments[0].as<ConstantDict>()) return dict_operator(name, *dict, arguments);
  const ConstantList* list = arguments[0].list();
  if (list == nullptr) {
    const bool scaled = name == "aten::mul" && arguments.size() == 2 && arguments[1].list() != nullptr;
    return scaled ? repeat(*arguments[1].list(), arguments[0]) : std::nullopt;
  }
  if (name == "aten::slice" || name == "prim::TupleSlice") return slice(*list, arguments.subspan(1));
  if (auto out = one_list(name, *list, arguments)) return out;
  return arguments.size() == 2 ? list_and_item(name, *list, arguments[1]) : std::nullopt;
}

}  // namespace onnxport::scalars
