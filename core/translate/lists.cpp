// What a program does with lists whose length, or the position in them, is known at run time only.
#include <algorithm>
#include <array>
#include <numeric>
#include <unordered_map>

#include "core/translate/run_time_list.h"
#include "core/translate/translator.h"

namespace onnxport {
namespace {

using Form = ArgumentList::Form;
using Arguments = std::span<const Argument>;

bool is_run_time_list(const Argument& a) {
  return a.value() != nullptr && (a.as<GraphValue>()->is_list || is_sequence(*a.value()));
}
bool is_known_list(const Argument& a) { return a.list() != nullptr && a.list()->form() == Form::list; }

Argument as_list(ir::Value* list) {
  return is_sequence(*list) ? Argument::of(list) : Argument::stacked(list);
}

// One call: its arguments, and what its first result is to be.
struct ListCall {
  GraphBuilder& builder;
  Arguments arguments;
  bool gives_number = false;  // its result is a number of the program
  size_t results = 1;
  bool gives_list = false;  // its result is a list, inside another one

  bool has(size_t i) const { return i < arguments.size() && !arguments[i].is_none(); }
  ir::Value* list() const { return arguments[0].value(); }
  ir::Value* value(size_t i) const {
    ir::Value* v = materialize(arguments[i], builder);
    if (v == nullptr) throw Error("T512", "a list cannot hold or be asked for a value that ONNX cannot hold");
    return v;
  }
  Argument result(ir::Value* v) const {
    return gives_list && !is_sequence(*v) ? Argument::stacked(v) : Argument::of(v, gives_number);
  }
};

// Whether the elements may lie along one axis: of one element type and surely of one shape.
bool are_even(Arguments items, GraphBuilder& builder) {
  const ir::Type* first = nullptr;
  for (const Argument& item : items) {
    const ir::Value* v = materialize(item, builder);
    if (v == nullptr || !v->type().is_tensor() || v->type().rank() < 0) return false;
    if (first == nullptr) first = &v->type();
    if (v->type().dtype() != first->dtype() || v->type().rank() != first->rank()) return false;
    for (int i = 0; i < first->rank(); ++i) {
      if (!((*v->type().shape())[static_cast<size_t>(i)] == (*first->shape())[static_cast<size_t>(i)]))
        return false;
    }
  }
  return first != nullptr;
}

void refuse_complex(const ir::Value* v) {
  if (v != nullptr && v->type().stands_for_complex())
    throw Error(
        "T512",
        "a list of complex tensors has a length, or is read at a position, that is known at run time only",
        {}, "keep real and imaginary parts in lists of their own");
}

// A known list as one value, stacked where that is exact.
ir::Value* one_value(Arguments items, GraphBuilder& builder) {
  for (const Argument& item : items) refuse_complex(item.value());
  if (are_even(items, builder)) return stack_elements(items, builder);
  std::vector<ir::Value*> values;
  for (const Argument& item : items) values.push_back(materialize(item, builder));
  if (values.empty() || std::find(values.begin(), values.end(), nullptr) != values.end()) {
    throw Error("T512",
                "a list is read at a position that is known at run time only, and what it holds is no "
                "tensor or number, or it is empty",
                {}, "use constant positions, or stack what the list holds to one tensor");
  }
  const ir::DType dtype = values[0]->type().dtype();
  for (const ir::Value* v : values) {
    if (v->type().dtype() != dtype)
      throw Error("T512",
                  "a list of tensors of different element types is read at a position that is known at "
                  "run time only",
                  {}, "give all of them one element type");
  }
  return builder.emit("", "SequenceConstruct", values, {}, 1)[0];
}

// The item of a known list; of one of tuples, the tuple of the items.
Argument item_at(Arguments items, ir::Value* index, const ListCall& call) {
  const auto is_tuple = [&](const Argument& a) {
    return a.list() != nullptr && !a.is_maybe() && a.list()->size() == items[0].list()->size();
  };
  if (items.empty() || items[0].list() == nullptr || !std::all_of(items.begin(), items.end(), is_tuple)) {
    const bool numbers = !items.empty() && std::all_of(items.begin(), items.end(),
                                                       [](const Argument& a) { return a.is_number(); });
    ir::Value* found = list_item(one_value(items, call.builder), index, call.builder);
    return call.gives_list ? call.result(found) : Argument::of(found, numbers);
  }
  std::vector<Argument> parts;
  for (size_t k = 0; k < items[0].items().size(); ++k) {
    std::vector<Argument> column;
    for (const Argument& item : items) column.push_back(item.items()[k]);
    parts.push_back(item_at(column, index, call));
  }
  return Argument::list_of(std::move(parts), items[0].list()->form());
}

// Both in one form: a known list in that of the other; sequences where a stacked one would not be exact.
std::pair<ir::Value*, ir::Value*> alike(const Argument& a, const Argument& b, GraphBuilder& builder) {
  const auto element_of = [&](const Argument& list) -> std::optional<ir::Type> {
    if (list.value() != nullptr) return list_element(list.value()->type());
    if (list.items().empty()) return std::nullopt;
    std::optional<ir::Type> out;
    for (const Argument& item : list.items()) {
      const ir::Value* v = materialize(item, builder);
      if (v == nullptr) throw Error("T512", "a list whose length changes holds what is no tensor or number");
      refuse_complex(v);
      const ir::Type one = list_element_type(v->type());
      out = out ? join_elements(*out, one) : one;
      if (!out) throw Error("T512", "a list whose length changes holds tensors of different element types");
    }
    return out;
  };
  const auto x = element_of(a), y = element_of(b);
  const auto element = !x ? y : !y ? x : join_elements(*x, *y);
  if (!element) throw Error("T512", "lists of different element types are joined");
  const auto may_stack = [](const Argument& list) {
    return list.value() == nullptr || !is_sequence(*list.value());
  };
  const ir::Type stacked = ir::Type::tensor(element->dtype(), ir::Shape{ir::Dim()});
  const bool numbers = may_stack(a) && may_stack(b) && element->rank() == 0;
  const ir::Type type = numbers ? stacked : ir::Type::list(*element);
  return {as_run_time_list(a, type, builder), as_run_time_list(b, type, builder)};
}

// Of two in one form; the elements that are known go in one by one.
ir::Value* joined(const Argument& a, const Argument& b, GraphBuilder& builder) {
  const auto [x, y] = alike(a, b, builder);
  if (!is_sequence(*x) || b.list() == nullptr) return lists_joined(x, y, builder);
  ir::Value* out = x;
  for (const Argument& item : b.items())
    out = builder.emit1("SequenceInsert", {out, materialize(item, builder)});
  return out;
}

// ---- structure ----

std::optional<Argument> length(const ListCall& c) {
  if (c.list() == nullptr) return std::nullopt;
  return Argument::of(list_length(c.list(), c.builder), true);
}

std::optional<Argument> item(const ListCall& c) {
  ir::Value* index = c.value(1);
  if (is_known_list(c.arguments[0])) return item_at(c.arguments[0].items(), index, c);
  return c.result(list_item(c.list(), index, c.builder));
}

ir::Value* list_value(const ListCall& c) {
  return c.list() != nullptr ? c.list() : one_value(c.arguments[0].items(), c.builder);
}

// One whose elements may change in shape: a stacked list of tensors cannot take any tensor.
ir::Value* writable(const ListCall& c, const Argument& element) {
  return alike(c.arguments[0], Argument::list_of({element}), c.builder).first;
}

std::optional<Argument> with(const ListCall& c) {
  return as_list(list_with(writable(c, c.arguments[2]), c.value(1), c.value(2), c.builder));
}
std::optional<Argument> inserted(const ListCall& c) {
  return as_list(list_inserted(writable(c, c.arguments[2]), c.value(1), c.value(2), c.builder));
}
std::optional<Argument> without(const ListCall& c) {
  return as_list(list_without(list_value(c), c.value(1), c.builder));
}

std::optional<Argument> added(const ListCall& c) {
  if (c.arguments.size() != 2) return std::nullopt;
  for (const Argument& a : c.arguments) {
    if (!is_run_time_list(a) && !is_known_list(a)) return std::nullopt;
  }
  return as_list(joined(c.arguments[0], c.arguments[1], c.builder));
}

// Positions [from, to) in steps, counted from the front, as Slice understands them.
ir::Value* sliced(ir::Value* list, ir::Value* from, ir::Value* to, ir::Value* step, GraphBuilder& builder) {
  const auto vector = [&](ir::Value* v) {
    return v->type().rank() == 1 ? v
                                 : builder.emit1("Unsqueeze", {v, builder.constant(ir::Tensor::ints({0}))});
  };
  ir::Value* axis = builder.constant(ir::Tensor::ints({0}));
  if (!is_sequence(*list))
    return builder.emit1("Slice", {list, vector(from), vector(to), axis, vector(step)});
  ir::Value* all = builder.emit1(
      "Range", {builder.constant(int64_t{0}), list_length(list, builder), builder.constant(int64_t{1})});
  return list_selection(list, builder.emit1("Slice", {all, vector(from), vector(to), axis, vector(step)}),
                        builder);
}

std::optional<Argument> slice(const ListCall& c) {
  ir::Value* step = c.has(3) ? c.value(3) : c.builder.constant(int64_t{1});
  const ir::Tensor* known = step->constant();
  const bool down = known != nullptr && (*known->to_ints())[0] < 0;
  if (known == nullptr && !(c.has(1) && c.has(2))) return std::nullopt;  // its sign says which ends are meant
  ir::Value* from = c.has(1) ? c.value(1) : c.builder.constant(int64_t{down ? INT64_MAX : 0});
  ir::Value* to = c.has(2) ? c.value(2) : c.builder.constant(int64_t{down ? INT64_MIN : INT64_MAX});
  return as_list(sliced(list_value(c), from, to, step, c.builder));
}

std::optional<Argument> reversed(const ListCall& c) {
  return as_list(sliced(list_value(c), c.builder.constant(int64_t{-1}),
                        c.builder.constant(int64_t{INT64_MIN}), c.builder.constant(int64_t{-1}), c.builder));
}

std::optional<Argument> copy(const ListCall& c) { return c.arguments[0]; }

std::optional<Argument> unpacked(const ListCall& c) {
  std::vector<Argument> items;
  for (size_t i = 0; i < c.results; ++i) {
    items.push_back(c.result(list_item(c.list(), c.builder.constant(static_cast<int64_t>(i)), c.builder)));
  }
  return Argument::list_of(std::move(items), Form::tuple);
}

// ---- contents: of lists of numbers, as 1-D values ----

// Null: a list of other things.
ir::Value* numbers(const Argument& list, GraphBuilder& builder) {
  if (ir::Value* v = list.value()) return is_sequence(*v) || v->type().rank() != 1 ? nullptr : v;
  ir::DType dtype = ir::DType::boolean;
  std::vector<ir::Value*> values;
  for (const Argument& item : list.items()) {
    ir::Value* v = item.is_number() ? materialize(item, builder) : nullptr;
    if (v == nullptr || v->type().rank() != 0) return nullptr;
    const ir::DType own = v->type().dtype();
    if (ir::is_floating(own) || dtype == ir::DType::boolean) dtype = own;
    values.push_back(v);
  }
  if (values.empty()) return nullptr;
  for (ir::Value*& v : values) {
    if (v->type().dtype() != dtype)
      v = builder.emit1("Cast", {v}, {builder.attribute("to", static_cast<int64_t>(dtype))});
    v = builder.emit1("Unsqueeze", {v, builder.constant(ir::Tensor::ints({0}))});
  }
  return values.size() == 1
             ? values[0]
             : builder.emit("", "Concat", values, {builder.attribute("axis", int64_t{0})}, 1)[0];
}

ir::Value* cast(ir::Value* v, ir::DType dtype, GraphBuilder& builder) {
  return v->type().dtype() == dtype
             ? v
             : builder.emit1("Cast", {v}, {builder.attribute("to", static_cast<int64_t>(dtype))});
}

ir::Value* reduced(std::string_view op, ir::Value* v, GraphBuilder& builder) {
  return builder.emit1(op, {v}, {builder.attribute("keepdims", int64_t{0})});
}

ir::Value* how_many(ir::Value* flags, GraphBuilder& builder) {
  return reduced("ReduceSum", cast(flags, ir::DType::i64, builder), builder);
}

template <bool kMax>
std::optional<Argument> extreme(const ListCall& c) {
  if (c.arguments.size() != 1) return std::nullopt;
  ir::Value* list = numbers(c.arguments[0], c.builder);
  if (list == nullptr) return std::nullopt;
  return Argument::of(reduced(kMax ? "ReduceMax" : "ReduceMin", list, c.builder), true);
}

std::optional<Argument> sum(const ListCall& c) {
  if (c.arguments.size() != 1) return std::nullopt;
  ir::Value* list = numbers(c.arguments[0], c.builder);
  if (list == nullptr) return std::nullopt;
  if (list->type().dtype() == ir::DType::boolean) list = cast(list, ir::DType::i64, c.builder);
  return Argument::of(reduced("ReduceSum", list, c.builder), true);
}

std::optional<Argument> sorted(const ListCall& c) {
  ir::Value* list = numbers(c.arguments[0], c.builder);
  if (list == nullptr || list->type().dtype() == ir::DType::boolean) return std::nullopt;
  if (c.has(1) && c.arguments[1].as<bool>() == nullptr) return std::nullopt;
  const bool down = c.has(1) && *c.arguments[1].as<bool>();
  ir::Value* count = c.builder.emit1("Shape", {list});
  ir::Value* out = c.builder.emit("", "TopK", std::array{list, count},
                                  {c.builder.attribute("largest", int64_t{down ? 1 : 0})}, 2)[0];
  if (!is_known_list(c.arguments[0])) return Argument::stacked(out);
  std::vector<Argument> items;
  for (size_t i = 0; i < c.arguments[0].items().size(); ++i)
    items.push_back(
        Argument::of(list_item(out, c.builder.constant(static_cast<int64_t>(i)), c.builder), true));
  return Argument::list_of(std::move(items));
}

// Where the list holds the number.
ir::Value* places(const ListCall& c) {
  ir::Value* list = numbers(c.arguments[0], c.builder);
  if (list == nullptr || !c.arguments[1].is_number()) return nullptr;
  return c.builder.emit1("Equal", {list, cast(c.value(1), list->type().dtype(), c.builder)});
}

std::optional<Argument> contains(const ListCall& c) {
  ir::Value* here = c.arguments.size() == 2 ? places(c) : nullptr;
  if (here == nullptr) return std::nullopt;
  return Argument::of(c.builder.emit1("Greater", {how_many(here, c.builder), c.builder.constant(int64_t{0})}),
                      true);
}

std::optional<Argument> count(const ListCall& c) {
  ir::Value* here = c.arguments.size() == 2 ? places(c) : nullptr;
  if (here == nullptr) return std::nullopt;
  return Argument::of(how_many(here, c.builder), true);
}

std::optional<Argument> index(const ListCall& c) {
  ir::Value* here = c.arguments.size() == 2 ? places(c) : nullptr;
  if (here == nullptr) return std::nullopt;
  ir::Value* first = c.builder.emit1("ArgMax", {cast(here, ir::DType::i64, c.builder)},
                                     {c.builder.attribute("keepdims", int64_t{0})});
  return Argument::of(first, true);
}

template <bool kAll>
std::optional<Argument> truth(const ListCall& c) {
  ir::Value* list = numbers(c.arguments[0], c.builder);
  if (list == nullptr) return std::nullopt;
  ir::Value* set = cast(list, ir::DType::boolean, c.builder);
  ir::Value* wrong = kAll ? c.builder.emit1("Not", {set}) : set;
  ir::Value* some = how_many(wrong, c.builder);
  ir::Value* zero = c.builder.constant(int64_t{0});
  return Argument::of(c.builder.emit1(kAll ? "Equal" : "Greater", {some, zero}), true);
}

template <bool kEqual>
std::optional<Argument> compared(const ListCall& c) {
  if (c.arguments.size() != 2) return std::nullopt;
  ir::Value* a = numbers(c.arguments[0], c.builder);
  ir::Value* b = numbers(c.arguments[1], c.builder);
  if (a == nullptr || b == nullptr || a->type().dtype() != b->type().dtype()) return std::nullopt;
  GraphBuilder& build = c.builder;
  // Compared as far as both go.
  ir::Value *x = build.dim(a, 0), *y = build.dim(b, 0), *least = build.emit1("Min", {x, y});
  ir::Value *zero = build.constant(int64_t{0}), *one = build.constant(int64_t{1});
  ir::Value* same =
      build.emit1("Equal", {sliced(a, zero, least, one, build), sliced(b, zero, least, one, build)});
  ir::Value* none = build.emit1("Equal", {how_many(build.emit1("Not", {same}), build), zero});
  ir::Value* equal = build.emit1("And", {none, build.emit1("Equal", {x, y})});
  return Argument::of(kEqual ? equal : build.emit1("Not", {equal}), true);
}

// ---- tensors made of lists ----

int64_t axis_of(const ListCall& c, int rank) {
  const auto dim = c.has(1) ? c.arguments[1].to_int() : std::optional<int64_t>(0);
  if (!dim)
    throw Error("T512",
                "the axis along which a list of run-time length is joined is not known while exporting");
  return *dim < 0 ? *dim + rank : *dim;
}

int element_rank(const ir::Value& list) {
  const auto element = list_element(list.type());
  return element ? element->rank() : -1;
}

ir::Value* front_axis_to(ir::Value* stacked, int64_t axis, GraphBuilder& builder) {
  if (axis == 0) return stacked;
  std::vector<int64_t> order(static_cast<size_t>(stacked->type().rank()));
  std::iota(order.begin(), order.end(), 0);
  order.erase(order.begin());
  order.insert(order.begin() + axis, 0);
  return builder.emit1("Transpose", {stacked}, {builder.attribute("perm", order)});
}

ir::Value* from_sequence(ir::Value* list, int64_t axis, bool new_axis, GraphBuilder& builder) {
  return builder.emit1(
      "ConcatFromSequence", {list},
      {builder.attribute("axis", axis), builder.attribute("new_axis", int64_t{new_axis ? 1 : 0})});
}

std::optional<Argument> stack(const ListCall& c) {
  const int rank = element_rank(*c.list());
  if (rank < 0 && !(c.has(1) && c.arguments[1].to_int())) return std::nullopt;
  const int64_t axis = axis_of(c, rank + 1);
  if (is_sequence(*c.list())) return Argument::of(from_sequence(c.list(), axis, true, c.builder));
  return Argument::of(front_axis_to(c.list(), axis, c.builder));
}

std::optional<Argument> cat(const ListCall& c) {
  const int rank = element_rank(*c.list());
  const int64_t axis = axis_of(c, rank);
  if (is_sequence(*c.list())) return Argument::of(from_sequence(c.list(), axis, false, c.builder));
  if (rank < 1) return std::nullopt;
  GraphBuilder& build = c.builder;
  ir::Value* moved = front_axis_to(c.list(), axis, build);
  std::vector<ir::Value*> sizes;
  for (int64_t i = 0; i <= rank; ++i) {
    ir::Value* size = build.dim(moved, i);
    if (i == axis + 1) {
      sizes.back() = build.emit1("Mul", {sizes.back(), size});
    } else {
      sizes.push_back(size);
    }
  }
  return Argument::of(build.emit1("Reshape", {moved, build.shape(sizes)}));
}

using Handler = std::optional<Argument> (*)(const ListCall&);
struct Entry {
  Handler handler;
  bool known_lists =
      false;  // also of a known list, at a position or with items that are known at run time only
};

const Entry* entry_of(std::string_view name) {
  static const std::unordered_map<std::string_view, Entry> kHandlers = {
      {"aten::len", {length}},
      {"aten::__getitem__", {item, true}},
      {"prim::list_set", {with, true}},
      {"prim::list_insert", {inserted, true}},
      {"prim::list_delete", {without, true}},
      {"prim::list_reversed", {reversed}},
      {"prim::list_sorted", {sorted, true}},
      {"aten::add", {added}},
      {"aten::slice", {slice, true}},
      {"aten::list", {copy}},
      {"aten::copy", {copy}},
      {"prim::ListUnpack", {unpacked}},
      {"prim::max", {extreme<true>, true}},
      {"prim::min", {extreme<false>, true}},
      {"aten::sum", {sum, true}},
      {"aten::sorted", {sorted, true}},
      {"aten::__contains__", {contains, true}},
      {"aten::count", {count, true}},
      {"aten::index", {index, true}},
      {"aten::any", {truth<false>, true}},
      {"aten::all", {truth<true>, true}},
      {"aten::eq", {compared<true>, true}},
      {"aten::ne", {compared<false>, true}},
      {"aten::stack", {stack}},
      {"aten::cat", {cat}},
      {"aten::concat", {cat}},
      {"aten::concatenate", {cat}},
  };
  const auto found = kHandlers.find(name);
  return found == kHandlers.end() ? nullptr : &found->second;
}

Argument rows_of(ir::Value* x, GraphBuilder& builder) {
  if (x->type().rank() == 0) return Argument::of(x, true);
  const ir::Dim& rows = (*x->type().shape())[0];
  if (!rows.is_constant()) {
    if (x->type().rank() == 1) return Argument::stacked(x);
    throw Error("T512", "tolist() of a tensor whose number of rows is known at run time only", {},
                "work on the tensor, or make its first size static");
  }
  std::vector<Argument> out;
  for (int64_t i = 0; i < rows.value(); ++i)
    out.push_back(rows_of(list_item(x, builder.constant(i), builder), builder));
  return Argument::list_of(std::move(out));
}

// What is taken out of a list is a list.
bool is_inner_list(std::string_view op, const ir::Type& type) {
  return type.kind() == ir::Type::Kind::list &&
         (op.starts_with("aten::__getitem__") || op == "prim::ListUnpack");
}

bool has_inside(const Argument& a, bool (*is)(const Argument&)) {
  return is(a) || std::any_of(a.items().begin(), a.items().end(),
                              [&](const Argument& i) { return has_inside(i, is); });
}

}  // namespace

// A list of tuples whose length is known at run time only: every operator works on the lists of the tuples' parts.
std::optional<Argument> Translator::of_columns(ir::Node& node, const std::vector<Argument>& arguments) {
  const auto zipped =
      std::find_if(arguments.begin(), arguments.end(), [](const Argument& a) { return a.is_zipped(); });
  if (zipped == arguments.end()) return std::nullopt;
  const std::string_view op = node.op_text(), name = op.substr(0, op.find('.'));
  const Entry* entry = entry_of(name);
  const bool gives_item = name == "aten::__getitem__", gives_length = name == "aten::len";
  const bool takes_element = name == "prim::list_set" || name == "prim::list_insert";
  const bool gives_list = takes_element || name == "prim::list_delete" || name == "prim::list_reversed" ||
                          name == "aten::add" || name == "aten::slice" || name == "aten::list" ||
                          name == "aten::copy";
  if (entry == nullptr || !(gives_item || gives_length || gives_list)) {
    throw Error("T512", subject(node) + " takes a list of tuples whose length is known at run time only", {},
                "keep one list for each part of the tuples");
  }
  const std::vector<ir::Type>& types = node.output()->type().elements();
  std::vector<Argument> parts;
  for (size_t k = 0; k < zipped->items().size(); ++k) {
    std::vector<Argument> given = arguments;
    for (size_t i = 0; i < given.size(); ++i) {
      if (takes_element && i == 2 && given[i].list() != nullptr) {
        given[i] = Argument(given[i].items()[k]);
      } else if (given[i].is_zipped() || (name == "aten::add" && is_known_list(given[i]))) {
        given[i] = column_of(given[i], k);
      }
    }
    const bool number = gives_item && k < types.size() && types[k].is_scalar();
    auto part = entry->handler({*builder_, given, number, 1});
    if (!part) return std::nullopt;
    if (gives_length) return part;
    parts.push_back(std::move(*part));
  }
  return Argument::list_of(std::move(parts), gives_item ? Form::tuple : Form::zipped);
}

// A tensor as a list of numbers: of 1-D ones, or of lists of those whose number is known.
bool Translator::translate_tolist(ir::Node& node, const std::vector<Argument>& arguments) {
  ir::Value* x = arguments[0].value();
  if (x == nullptr || !x->type().is_tensor() || x->type().rank() < 0) return false;
  const ir::Type* type = &node.output()->type();
  while (type->kind() == ir::Type::Kind::list) type = &type->elements().at(0);
  const ir::DType dtype = type->kind() == ir::Type::Kind::real      ? ir::DType::f32
                          : type->kind() == ir::Type::Kind::boolean ? ir::DType::boolean
                                                                    : ir::DType::i64;
  bind(node.output(), rows_of(cast(x, dtype, *builder_), *builder_));
  return true;
}

bool Translator::translate_list(ir::Node& node, const std::vector<Argument>& arguments) {
  if (arguments.empty() || node.output_count() == 0) return false;
  const std::string_view op = node.op_text();
  if (auto columns = of_columns(node, arguments)) {
    bind(node.output(), std::move(*columns));
    return true;
  }
  if (op == "prim::tolist") return translate_tolist(node, arguments);
  const bool at_run_time = std::any_of(arguments.begin(), arguments.end(), is_run_time_list);
  const Entry* entry = entry_of(op.substr(0, op.find('.')));
  if (entry != nullptr && (at_run_time || (entry->known_lists && is_known_list(arguments[0])))) {
    const ir::Type& type = node.output()->type();
    const ListCall call{*builder_, arguments, type.is_scalar(), node.output_count(), is_inner_list(op, type)};
    if (auto result = entry->handler(call)) {
      if (op == "prim::ListUnpack") {
        for (size_t i = 0; i < node.output_count(); ++i) bind(node.output(i), result->items()[i]);
      } else {
        bind(node.output(), std::move(*result));
      }
      return true;
    }
  }
  if (op.starts_with("prim::list_") || op.starts_with("prim::dict_")) {
    throw Error("T512",
                std::string("a ") + (op[6] == 'l' ? "list" : "dict") +
                    " is changed at a place that is known at run time only, or to what it cannot hold then",
                {}, "use constant positions and keys, and elements of one type; or build a new list or dict");
  }
  const auto of_tensors = [](const Argument& a) {
    return is_run_time_list(a) && (is_sequence(*a.value()) || a.value()->type().rank() != 1);
  };
  if (std::none_of(arguments.begin(), arguments.end(),
                   [&](const Argument& a) { return has_inside(a, of_tensors); }))
    return false;
  throw Error("T512", subject(node) + " takes a list of tensors whose length is known at run time only", {},
              "join the list with torch.stack or torch.cat first, and work on the tensor");
}

}  // namespace onnxport
