#include <algorithm>

#include "core/argument/scalars.h"
#include "core/argument/scalars_internal.h"

namespace onnxport::scalars {

namespace {

// A list that long is data, not a constant of the program.
constexpr size_t kMaxItems = 1u << 20;

using Form = ArgumentList::Form;

Result sequence(std::vector<Argument> items) { return Argument::list_of(std::move(items)); }
Result sequence(std::span<const Argument> items) {
  return Argument::list_of(std::vector<Argument>(items.begin(), items.end()));
}

Result size_result(size_t n) { return Argument{static_cast<int64_t>(n)}; }

// ---- structure ----

bool is_unpack(std::string_view name) { return name == "prim::ListUnpack" || name == "prim::TupleUnpack"; }
bool is_item(std::string_view name) {
  return name == "aten::__getitem__" || name == "prim::TupleIndex" || name == "aten::select";
}

// A key that is looked up, and the keys it is looked up among.
bool has_known_keys(const ArgumentList& dict, const Argument& key) {
  if (!key.is_known()) return false;
  for (size_t i = 0; i < dict.size(); i += 2) {
    if (!dict.items()[i].is_known()) return false;
  }
  return true;
}

Result dict_lookup(std::string_view name, const ArgumentList& dict, Arguments arguments) {
  const bool lookup = name == "aten::__contains__" || name == "aten::__getitem__" || name == "aten::get";
  if (!lookup || arguments.size() < 2 || !has_known_keys(dict, arguments[1])) return std::nullopt;
  const Argument* value = find_item(dict.items(), arguments[1]);
  if (name == "aten::__contains__") return Argument{value != nullptr};
  if (value != nullptr) return *value;
  if (name == "aten::__getitem__") return std::nullopt;
  return arguments.size() > 2 ? arguments[2] : Argument{};
}

// What `prepare` makes of writes to dicts: the dict afterwards.
Result edited_dict(std::string_view name, const ArgumentList& dict, Arguments arguments) {
  std::vector<Argument> items(dict.items().begin(), dict.items().end());
  const auto place = [&](const Argument& key) {
    size_t i = 0;
    while (i < items.size() && !equal(items[i], key)) i += 2;
    return i;
  };
  const auto set = [&](const Argument& key, const Argument& value) {
    const size_t at = place(key);
    if (at < items.size()) {
      items[at + 1] = value;
    } else {
      items.insert(items.end(), {key, value});
    }
  };
  if (name == "prim::dict_update") {
    const ArgumentList* other = arguments[1].list();
    if (other == nullptr || other->form() != Form::dict) return std::nullopt;
    for (size_t i = 0; i + 1 < other->size(); i += 2) {
      if (!has_known_keys(ArgumentList(items, Form::dict), other->items()[i])) return std::nullopt;
      set(other->items()[i], other->items()[i + 1]);
    }
    return Argument::list_of(std::move(items), Form::dict);
  }
  if (!has_known_keys(dict, arguments[1])) return std::nullopt;
  if (name == "prim::dict_set" && arguments.size() == 3) {
    set(arguments[1], arguments[2]);
  } else {
    const size_t at = place(arguments[1]);
    if (name != "prim::dict_delete" || at == items.size()) return std::nullopt;
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(at),
                items.begin() + static_cast<std::ptrdiff_t>(at) + 2);
  }
  return Argument::list_of(std::move(items), Form::dict);
}

Result dict_operator(std::string_view name, const ArgumentList& dict, Arguments arguments) {
  if (name == "aten::len") return size_result(dict.size() / 2);
  if (name == "aten::dict" || name == "aten::copy") return arguments[0];
  if (name.starts_with("prim::dict_") && arguments.size() > 1) return edited_dict(name, dict, arguments);
  if (auto out = dict_lookup(name, dict, arguments)) return out;
  const bool keys = name == "aten::keys";
  const bool values = name == "aten::values";
  if (!keys && !values && name != "aten::items") return std::nullopt;
  std::vector<Argument> out;
  for (size_t i = 0; i + 1 < dict.size(); i += 2) {
    const Argument& key = dict.items()[i];
    const Argument& value = dict.items()[i + 1];
    out.push_back(keys ? key : values ? value : Argument::list_of({key, value}, Form::tuple));
  }
  return sequence(std::move(out));
}

Result repeat(std::span<const Argument> items, const Argument& times) {
  const auto n = as_int(times);
  if (!n) return std::nullopt;
  const size_t count = *n > 0 && !items.empty() ? static_cast<size_t>(*n) : 0;
  if (count > 0 && count > kMaxItems / items.size()) return std::nullopt;
  std::vector<Argument> out;
  for (size_t i = 0; i < count; ++i) out.insert(out.end(), items.begin(), items.end());
  return sequence(std::move(out));
}

Result join(std::span<const Argument> a, std::span<const Argument> b) {
  if (a.size() + b.size() > kMaxItems) return std::nullopt;
  std::vector<Argument> out(a.begin(), a.end());
  out.insert(out.end(), b.begin(), b.end());
  return sequence(std::move(out));
}

// What `prepare` makes of writes to lists: the list afterwards.
Result edited(std::string_view name, const ArgumentList& list, Arguments arguments) {
  std::vector<Argument> items(list.items().begin(), list.items().end());
  if (name == "prim::list_reversed") {
    std::reverse(items.begin(), items.end());
    return sequence(std::move(items));
  }
  const auto index = arguments.size() > 1 ? as_int(arguments[1]) : std::nullopt;
  if (!index) return std::nullopt;
  if (name == "prim::list_insert" && arguments.size() == 3) {
    const auto size = static_cast<int64_t>(items.size());
    const int64_t at = std::clamp<int64_t>(*index < 0 ? *index + size : *index, 0, size);
    items.insert(items.begin() + at, arguments[2]);
    return sequence(std::move(items));
  }
  const auto at = resolve_index(*index, items.size());
  if (!at) return std::nullopt;
  if (name == "prim::list_set" && arguments.size() == 3) {
    items[*at] = arguments[2];
  } else if (name == "prim::list_delete") {
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(*at));
  } else {
    return std::nullopt;
  }
  return sequence(std::move(items));
}

Result slice(const ArgumentList& list, Arguments bounds) {
  const auto b = resolve_slice(bounds, list.size());
  if (!b) return std::nullopt;
  std::vector<Argument> out;
  int64_t at = b->start;
  for (size_t i = 0; i < b->count; ++i, at += b->step) out.push_back(list.items()[static_cast<size_t>(at)]);
  return Argument::list_of(std::move(out), list.form());
}

// ---- contents ----

Result sorted(std::span<const Argument> items, Arguments arguments) {
  const bool reverse = arguments.size() > 1 && arguments[1].as<bool>() != nullptr && *arguments[1].as<bool>();
  for (const Argument& a : items) {
    if (!order(a, items[0])) return std::nullopt;  // NaN or mixed: no order to sort by
  }
  std::vector<Argument> out(items.begin(), items.end());
  std::stable_sort(out.begin(), out.end(), [&](const Argument& a, const Argument& b) {
    const int c = order(a, b).value_or(0);
    return reverse ? c > 0 : c < 0;
  });
  return sequence(std::move(out));
}

Result truth(bool all, std::span<const Argument> items) {
  for (const Argument& item : items) {
    const auto value = as_real(item);
    if (!value) return std::nullopt;
    if ((*value != 0) != all) return Argument{!all};
  }
  return Argument{all};
}

Result sum(std::span<const Argument> items) {
  if (items.empty()) return std::nullopt;  // of which kind?
  Argument total = items[0].as<bool>() != nullptr ? Argument{*as_int(items[0])} : items[0];
  for (const Argument& item : items.subspan(1)) {
    const Argument operands[] = {total, item};
    auto next = arithmetic("aten::add", {}, operands);
    if (!next) return std::nullopt;
    total = std::move(*next);
  }
  return total;
}

// prim::min/max of one list: its extreme item; of two: the lesser / greater list.
Result extreme(bool want_max, Arguments arguments) {
  const std::span<const Argument> candidates = arguments.size() == 1 ? arguments[0].items() : arguments;
  if (candidates.empty() || arguments.size() > 2) return std::nullopt;
  const Argument* best = &candidates[0];
  for (const Argument& c : candidates) {
    const auto o = order(c, *best);
    if (!o) return std::nullopt;
    if (want_max ? *o > 0 : *o < 0) best = &c;
  }
  return *best;
}

}  // namespace

const Argument* find_item(std::span<const Argument> items, const Argument& key) {
  for (size_t i = items.size() / 2; i-- > 0;) {  // of two equal keys the later one holds
    if (equal(items[2 * i], key)) return &items[2 * i + 1];
  }
  return nullptr;
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
  const ArgumentList* list = arguments[0].list();
  const bool two = arguments.size() == 2;
  if (list == nullptr) {
    const bool scaled = name == "aten::mul" && two && arguments[1].list() != nullptr;
    return scaled ? repeat(arguments[1].items(), arguments[0]) : std::nullopt;
  }
  if (list->form() == Form::zipped) return std::nullopt;
  if (is_unpack(name)) return Argument::list_of({list->items().begin(), list->items().end()}, Form::tuple);
  if (list->form() == Form::dict) return dict_operator(name, *list, arguments);
  if (name == "aten::slice" || name == "prim::TupleSlice") return slice(*list, arguments.subspan(1));
  if (name == "aten::len") return size_result(list->size());
  if (name.starts_with("prim::list_")) return edited(name, *list, arguments);
  if (name == "aten::list" || name == "aten::copy" || name == "aten::Size") return sequence(list->items());
  if (two && is_item(name)) {
    const auto index = as_int(arguments[1]);
    const auto at = index ? resolve_index(*index, list->size()) : std::nullopt;
    return at ? Result(list->items()[*at]) : std::nullopt;
  }
  if (two && name == "aten::mul") return repeat(list->items(), arguments[1]);
  if (two && name == "aten::add" && arguments[1].list() != nullptr)
    return join(list->items(), arguments[1].items());
  return std::nullopt;
}

Result list_contents(std::string_view name, Arguments arguments) {
  if (arguments.empty() || arguments[0].list() == nullptr || arguments[0].is_zipped()) return std::nullopt;
  const std::span<const Argument> items = arguments[0].items();
  if (name == "aten::any" || name == "aten::all") return truth(name == "aten::all", items);
  if (name == "aten::sum") return sum(items);
  if (name == "aten::sorted" || name == "prim::list_sorted") return sorted(items, arguments);
  if (name == "prim::min" || name == "prim::max") return extreme(name == "prim::max", arguments);
  if (arguments.size() != 2) return std::nullopt;
  const auto same = [&](const Argument& c) { return equal(c, arguments[1]); };
  if (name == "aten::__contains__") return Argument{std::any_of(items.begin(), items.end(), same)};
  if (name == "aten::count")
    return size_result(static_cast<size_t>(std::count_if(items.begin(), items.end(), same)));
  if (name == "aten::index") {
    const auto at = std::find_if(items.begin(), items.end(), same);
    if (at == items.end()) return std::nullopt;
    return size_result(static_cast<size_t>(at - items.begin()));
  }
  return std::nullopt;
}

}  // namespace onnxport::scalars

namespace onnxport {

std::optional<std::vector<Argument>> evaluate_call(std::string_view op, std::span<const Argument> arguments,
                                                   size_t results) {
  std::optional<Argument> result = evaluate_scalar(op, arguments);
  if (!result) return std::nullopt;
  std::vector<Argument> out;
  if (results == 1 && !scalars::is_unpack(op.substr(0, op.find('.')))) {
    out.push_back(std::move(*result));
  } else {
    if (result->list() == nullptr || result->list()->size() != results) return std::nullopt;
    out.assign(result->items().begin(), result->items().end());
  }
  return out;
}

std::optional<size_t> resolve_index(int64_t index, size_t size) {
  const auto n = static_cast<int64_t>(size);
  if (index < -n || index >= n) return std::nullopt;
  return static_cast<size_t>(index < 0 ? index + n : index);
}

std::string list_error(std::string_view op, std::span<const Argument> arguments, size_t results) {
  const std::string_view name = op.substr(0, op.find('.'));
  if (!arguments.empty() && arguments[0].is_zipped()) return {};
  if (scalars::is_unpack(name) && arguments.size() == 1 && arguments[0].list() != nullptr)
    return std::string(op) + " expects " + std::to_string(results) + " elements and gets " +
           std::to_string(arguments[0].list()->size());
  const bool takes_position =
      scalars::is_item(name) || name == "prim::list_delete" || name == "prim::list_set";
  if (arguments.size() < 2 || arguments[0].list() == nullptr || !takes_position) return {};
  if (scalars::is_item(name) && arguments.size() != 2) return {};
  const ArgumentList& list = *arguments[0].list();
  if (list.form() == ArgumentList::Form::dict) {
    const auto* key = arguments[1].as<std::string>();
    if (key == nullptr || !scalars::has_known_keys(list, arguments[1])) return {};
    return scalars::find_item(list.items(), arguments[1]) == nullptr ? "the dict has no key '" + *key + "'"
                                                                     : std::string();
  }
  const auto index = scalars::as_int(arguments[1]);
  if (!index || resolve_index(*index, list.size())) return {};
  return "index " + std::to_string(*index) + " of a list of " + std::to_string(list.size());
}

}  // namespace onnxport
