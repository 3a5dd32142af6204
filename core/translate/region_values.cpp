#include "core/translate/region_values.h"

#include <algorithm>
#include <array>

#include "core/builder/materialize.h"
#include "core/translate/run_time_list.h"
#include "onnxport/errors.h"

namespace onnxport {

std::optional<ir::Type> join(const ir::Type& a, const ir::Type& b, GraphBuilder& builder) {
  if (!a.is_tensor() || !b.is_tensor()) return a == b ? std::optional(a) : std::nullopt;
  if (a.dtype() != b.dtype() || a.rank() != b.rank() || a.stands_for_complex() != b.stands_for_complex()) {
    return std::nullopt;
  }
  if (a.rank() < 0) return a;
  ir::Shape shape = *a.shape();
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!(shape[i] == (*b.shape())[i])) shape[i] = builder.fresh_dim();
  }
  ir::Type out = ir::Type::tensor(a.dtype(), std::move(shape));
  out.set_stands_for_complex(a.stands_for_complex());
  return out;
}

namespace {

using Kind = RegionForm::Kind;

ir::Type number_type(const Argument& number) {
  const ir::DType dtype = number.kind() == Argument::Kind::real      ? ir::DType::f32
                          : number.kind() == Argument::Kind::boolean ? ir::DType::boolean
                                                                     : ir::DType::i64;
  return ir::Type::tensor(dtype, ir::Shape{});
}

bool is_known_number(const RegionForm& form) {
  return form.kind == Kind::known && (form.known.to_real().has_value());
}

bool is_none(const RegionForm& form) { return form.kind == Kind::known && form.known.is_none(); }

RegionForm as_value(const RegionForm& form) {
  if (form.kind != Kind::known) return form;
  RegionForm out;
  out.kind = Kind::value;
  out.type = number_type(form.known);
  out.is_number = true;
  return out;
}

RegionForm maybe_of(const RegionForm& form) {
  if (form.kind == Kind::maybe) return form;
  RegionForm out;
  out.kind = Kind::maybe;
  out.parts = {form};
  open_numbers(out.parts[0]);
  return out;
}

RegionForm list_form(ir::Type type) {
  RegionForm out;
  out.kind = Kind::run_time_list;
  out.type = std::move(type);
  return out;
}

// Of a list of numbers inside a list: one 1-D tensor, as of any list of numbers whose length a run decides.
std::optional<ir::Type> inner_list(const RegionForm& part) {
  if (part.kind == Kind::run_time_list && !part.is_sequence()) return list_element_type(part.type);
  if (part.kind != Kind::list || part.list_form != ArgumentList::Form::list) return std::nullopt;
  ir::DType dtype = ir::DType::i64;
  for (const RegionForm& number : part.parts) {
    const RegionForm one = as_value(number);
    if (one.kind != Kind::value || !one.is_number || !ir::is_integral(one.type.dtype())) return std::nullopt;
    dtype = one.type.dtype();
  }
  return ir::Type::tensor(dtype, ir::Shape{ir::Dim()});
}

// The element type that a list's parts have in common; nullopt, with a reason, where they have none.
std::optional<ir::Type> element_of(const RegionForm& list, bool& numbers, std::string& why) {
  std::optional<ir::Type> out;
  if (list.kind == Kind::run_time_list) {
    numbers = numbers && !list.is_sequence() && list.type.rank() == 1;
    return list_element(list.type);
  }
  for (const RegionForm& part : list.parts) {
    RegionForm one = is_known_number(part) ? as_value(part) : part;
    if (const auto inner = inner_list(part)) one = {Kind::value, {}, {}, {}, *inner};
    if (one.kind != Kind::value) {
      why = "lists of different lengths that hold lists of tensors, dicts, strings or optional values";
      return std::nullopt;
    }
    if (one.type.stands_for_complex()) {
      why = "lists of different lengths that hold complex tensors";
      return std::nullopt;
    }
    numbers = numbers && one.is_number;
    out = out ? join_elements(*out, one.type) : list_element_type(one.type);
    if (!out) {
      why = "lists of different lengths whose tensors have different element types";
      return std::nullopt;
    }
  }
  return out;
}

bool is_zipped(const RegionForm& form) {
  return form.kind == Kind::list && form.list_form == ArgumentList::Form::zipped;
}

// How many parts the tuples of a list have; 0 when it holds none.
size_t tuple_size(const RegionForm& list) {
  if (is_zipped(list)) return list.parts.size();
  if (list.kind != Kind::list || list.parts.empty()) return 0;
  const RegionForm& first = list.parts[0];
  const bool tuples = std::all_of(list.parts.begin(), list.parts.end(), [&](const RegionForm& part) {
    return part.kind == Kind::list && part.list_form == ArgumentList::Form::tuple &&
           part.parts.size() == first.parts.size();
  });
  return tuples ? first.parts.size() : 0;
}

// The list of the tuples' parts at `k`.
RegionForm column(const RegionForm& list, size_t k) {
  if (is_zipped(list)) return list.parts[k];
  RegionForm out;
  out.kind = Kind::list;
  for (const RegionForm& tuple : list.parts) out.parts.push_back(tuple.parts[k]);
  return out;
}

std::optional<RegionForm> common_list(const RegionForm& a, const RegionForm& b, std::string& why);

std::optional<RegionForm> common_columns(const RegionForm& a, const RegionForm& b, size_t count,
                                         std::string& why) {
  RegionForm out;
  out.kind = Kind::list;
  out.list_form = ArgumentList::Form::zipped;
  for (size_t k = 0; k < count; ++k) {
    auto part = common_list(column(a, k), column(b, k), why);
    if (!part) return std::nullopt;
    out.parts.push_back(std::move(*part));
  }
  return out;
}

// Lists of different lengths, or of a length that is known at run time only.
std::optional<RegionForm> common_list(const RegionForm& a, const RegionForm& b, std::string& why) {
  const size_t of_a = tuple_size(a), of_b = tuple_size(b);
  const auto is_empty = [](const RegionForm& f) { return f.kind == Kind::list && f.parts.empty(); };
  if (of_a + of_b > 0 && (of_a == of_b || is_empty(a) || is_empty(b)))
    return common_columns(a, b, std::max(of_a, of_b), why);
  bool numbers = true;
  const auto x = element_of(a, numbers, why), y = element_of(b, numbers, why);
  if (!why.empty()) return std::nullopt;
  if (!x && !y) return a;  // both empty
  const auto element = !x ? y : !y ? x : join_elements(*x, *y);
  if (!element) {
    why = "lists of " + x->text() + " and of " + y->text();
    return std::nullopt;
  }
  if (numbers && element->rank() == 0)
    return list_form(ir::Type::tensor(element->dtype(), ir::Shape{ir::Dim()}));
  return list_form(ir::Type::list(*element));
}

std::optional<RegionForm> common_parts(const RegionForm& a, const RegionForm& b, std::string& why) {
  RegionForm out = a;
  for (size_t i = 0; i < out.parts.size(); ++i) {
    auto part = common_form(a.parts[i], b.parts[i], why);
    if (!part) return std::nullopt;
    out.parts[i] = std::move(*part);
  }
  return out;
}

std::optional<RegionForm> common_value(const RegionForm& a, const RegionForm& b, std::string& why) {
  RegionForm out = as_value(a);
  const RegionForm other = as_value(b);
  if (out.type.dtype() != other.type.dtype()) {
    why = "different element types: " + out.type.text() + " and " + other.type.text();
    return std::nullopt;
  }
  out.is_number = out.is_number && other.is_number;
  if (out.type.rank() == other.type.rank()) {
    out.may_be_empty = out.may_be_empty || other.may_be_empty;
    if (out.may_be_empty) out.type = join_elements(out.type, other.type).value_or(out.type);
    return out;
  }
  // The empty vector that a program begins with stands among tensors of more dims.
  const auto becomes = [](const RegionForm& first, const RegionForm& later) {
    return is_empty_vector(first.type) && later.type.rank() > 1 && !later.type.stands_for_complex();
  };
  const bool first = becomes(out, other);
  if (first || becomes(other, out)) {
    out.type = list_element_type(first ? other.type : out.type);
    out.may_be_empty = true;
  } else if (out.may_be_empty || other.may_be_empty) {
    why = "tensors of different ranks: " + out.type.text() + " and " + other.type.text();
    return std::nullopt;
  }
  return out;
}

std::string words(const RegionForm& form) {
  switch (form.kind) {
    case Kind::known:
      return form.known.is_none() ? "None" : "a constant";
    case Kind::value:
      return form.type.text();
    case Kind::list:
      return form.list_form == ArgumentList::Form::list
                 ? "a list of " + std::to_string(form.parts.size())
                 : std::string(form.list_form == ArgumentList::Form::tuple ? "a tuple" : "a dict") + " of " +
                       std::to_string(form.parts.size());
    case Kind::maybe:
      return "None or a value";
    case Kind::run_time_list:
      return "a list";
    case Kind::unset:
      break;
  }
  return "nothing";
}

}  // namespace

RegionForm form_of(const Argument& argument, GraphBuilder& builder) {
  RegionForm out;
  switch (argument.kind()) {
    case Argument::Kind::unset:
      return out;
    case Argument::Kind::value:
      out.type = argument.value()->type();
      out.is_number = argument.is_number();
      if (const auto& later = argument.as<GraphValue>()->later) {
        out.may_be_empty = true;
        out.type = *later;
      }
      out.kind = argument.as<GraphValue>()->is_list || out.is_sequence() ? Kind::run_time_list : Kind::value;
      if (out.kind == Kind::run_time_list) out.type = open_list_type(out.type);
      return out;
    case Argument::Kind::list:
      out.kind = argument.is_maybe() ? Kind::maybe : Kind::list;
      out.list_form = argument.list()->form();
      for (const Argument& item : argument.items().subspan(argument.is_maybe() ? 1 : 0))
        out.parts.push_back(form_of(item, builder));
      return out;
    case Argument::Kind::complex_number:
    case Argument::Kind::tensor: {
      const ir::Value* value = materialize(argument, builder);
      out.kind = Kind::value;
      out.type = value->type();
      out.is_number = argument.is_number();
      return out;
    }
    default:
      out.kind = Kind::known;
      out.known = argument;
      return out;
  }
}

bool is_empty_vector(const ir::Type& type) {
  return type.rank() == 1 && (*type.shape())[0] == ir::Dim(0) && !type.stands_for_complex();
}

ir::Tensor empty_tensor(const ir::Type& type) {
  return ir::Tensor::copy_of(type.dtype(), std::vector<int64_t>(static_cast<size_t>(type.rank()), 0), {});
}

void open_numbers(RegionForm& form) {
  if (is_known_number(form)) form = as_value(form);
  for (RegionForm& part : form.parts) open_numbers(part);
}

bool same_structure(const RegionForm& a, const RegionForm& b) {
  if (a.kind != b.kind || a.list_form != b.list_form || a.parts.size() != b.parts.size()) return false;
  if (a.kind == Kind::known) return identical(a.known, b.known);
  if (a.may_be_empty != b.may_be_empty || (a.may_be_empty && a.type.text() != b.type.text())) return false;
  if (a.kind == Kind::run_time_list) return a.type == b.type && a.type.text() == b.type.text();
  return std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), same_structure);
}

std::optional<RegionForm> common_form(const RegionForm& a, const RegionForm& b, std::string& why) {
  if (a.kind == Kind::unset) return b;
  if (b.kind == Kind::unset) return a;
  if (a.kind == Kind::known && b.kind == Kind::known && identical(a.known, b.known)) return a;
  const bool none = is_none(a) || is_none(b), maybe = a.kind == Kind::maybe || b.kind == Kind::maybe;
  if (none || maybe) {
    const RegionForm x = is_none(a) ? RegionForm{} : a.kind == Kind::maybe ? a.parts[0] : a;
    const RegionForm y = is_none(b) ? RegionForm{} : b.kind == Kind::maybe ? b.parts[0] : b;
    auto part = common_form(x, y, why);
    return part ? std::optional(maybe_of(*part)) : std::nullopt;
  }
  const auto is_value = [](const RegionForm& f) { return f.kind == Kind::value || is_known_number(f); };
  if (is_value(a) && is_value(b)) return common_value(a, b, why);
  const bool lists = a.kind == Kind::list && b.kind == Kind::list && a.list_form == b.list_form;
  if (lists && a.parts.size() == b.parts.size()) return common_parts(a, b, why);
  const auto is_list = [](const RegionForm& f) {
    const bool is_form = f.list_form == ArgumentList::Form::list || f.list_form == ArgumentList::Form::zipped;
    return f.kind == Kind::run_time_list || (f.kind == Kind::list && is_form);
  };
  if (is_list(a) && is_list(b)) return common_list(a, b, why);
  why = words(a) + " and " + words(b);
  if (a.kind == Kind::known && b.kind == Kind::known) why = "different strings or dtypes";
  return std::nullopt;
}

namespace {

// A size as a value, where a constant or an input's axis gives it; else 1.
ir::Value* some_size(const ir::Dim& dim, GraphBuilder& builder) {
  if (dim.is_constant()) return builder.constant(dim.value());
  for (ir::Value* input : builder.graph().body().parameters()) {
    if (!input->type().shape()) continue;
    for (size_t axis = 0; axis < input->type().shape()->size(); ++axis) {
      if ((*input->type().shape())[axis] == dim) return builder.dim(input, static_cast<int64_t>(axis));
    }
  }
  return builder.constant(1);
}

// Stands where no value is, and is never looked at: of the right type all the same.
ir::Value* placeholder(const ir::Type& type, GraphBuilder& builder) {
  std::vector<ir::Value*> sizes;
  for (int i = 0; i < type.rank(); ++i)
    sizes.push_back(some_size((*type.shape())[static_cast<size_t>(i)], builder));
  ir::Value* zero = builder.constant(int64_t{0});
  zero = builder.emit1("Cast", {zero}, {builder.attribute("to", static_cast<int64_t>(type.dtype()))});
  ir::Value* out = sizes.empty() ? zero : builder.emit1("Expand", {zero, builder.shape(sizes)});
  ir::Type own = out->type();
  if (type.stands_for_complex()) {
    own.set_stands_for_complex(true);
    out->set_type(own);
  }
  return out;
}

void emit_value(const Argument& argument, const RegionForm& form, GraphBuilder& builder,
                std::vector<ir::Value*>& out) {
  if (argument.is_unset() || argument.is_none()) return out.push_back(placeholder(form.type, builder));
  ir::Value* value = materialize(argument, builder);
  if (value == nullptr) throw Error("T513", "a value that ONNX cannot hold");
  const bool empties = form.may_be_empty && value->type().rank() != form.type.rank();
  out.push_back(empties ? builder.constant(empty_tensor(form.type)) : value);
}

}  // namespace

void emit_as(const Argument& argument, const RegionForm& form, GraphBuilder& builder,
             std::vector<ir::Value*>& out) {
  switch (form.kind) {
    case Kind::unset:
    case Kind::known:
      return;
    case Kind::value:
      return emit_value(argument, form, builder, out);
    case Kind::run_time_list:
      return out.push_back(
          as_run_time_list(argument.is_unset() ? Argument::list_of({}) : argument, form.type, builder));
    case Kind::list:
      for (size_t i = 0; i < form.parts.size(); ++i) {
        const Argument part = argument.list() == nullptr ? Argument{Unset{}}
                              : is_zipped(form)          ? column_of(argument, i)
                                                         : argument.items()[i];
        emit_as(part, form.parts[i], builder, out);
      }
      return;
    case Kind::maybe: {
      const bool absent = argument.is_none() || argument.is_unset();
      const Argument present = argument.is_maybe() ? argument.items()[0] : Argument{!absent};
      out.push_back(materialize(present, builder));
      const Argument inner = argument.is_maybe() ? argument.items()[1]
                             : absent            ? Argument{Unset{}}
                                                 : argument;
      return emit_as(inner, form.parts[0], builder, out);
    }
  }
}

Argument rebuild(const RegionForm& form, std::span<ir::Value* const> values, size_t& next) {
  switch (form.kind) {
    case Kind::unset:
      return {Unset{}};
    case Kind::known:
      return form.known;
    case Kind::value:
      return {GraphValue{values[next++], form.is_number, false,
                         form.may_be_empty ? std::make_shared<const ir::Type>(form.type) : nullptr}};
    case Kind::run_time_list: {
      ir::Value* list = values[next++];
      if (!form.is_sequence()) return Argument::stacked(list);
      list->set_type(form.type);  // ONNX forgets what the elements are
      return Argument::of(list);
    }
    case Kind::list: {
      std::vector<Argument> items;
      for (const RegionForm& part : form.parts) items.push_back(rebuild(part, values, next));
      return Argument::list_of(std::move(items), form.list_form);
    }
    case Kind::maybe: {
      Argument present = Argument::of(values[next++], true);
      return Argument::list_of({std::move(present), rebuild(form.parts[0], values, next)},
                               ArgumentList::Form::maybe);
    }
  }
  return {};
}

void own_results(std::vector<ir::Value*>& results, GraphBuilder& builder) {
  for (ir::Value*& v : results) {
    if (v->producer() == nullptr || v->producer()->parent() != &builder.block())
      v = builder.emit1("Identity", {v});
  }
}

}  // namespace onnxport
