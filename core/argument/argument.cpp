#include "core/argument/argument.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/argument/promotion.h"

namespace onnxport {

ArgumentList::ArgumentList(std::vector<Argument> items, Form form)
    : items_(items.empty() ? nullptr : std::make_shared<const std::vector<Argument>>(std::move(items))),
      form_(form) {}

std::span<const Argument> ArgumentList::items() const {
  return items_ == nullptr ? std::span<const Argument>() : std::span<const Argument>(*items_);
}

size_t ArgumentList::size() const { return items_ == nullptr ? 0 : items_->size(); }

std::span<const Argument> Argument::items() const {
  const ArgumentList* own = list();
  return own == nullptr ? std::span<const Argument>() : own->items();
}

ir::Value* Argument::value() const {
  const auto* own = as<GraphValue>();
  return own == nullptr ? nullptr : own->value;
}

bool Argument::is_number() const {
  switch (kind()) {
    case Kind::value:
      return as<GraphValue>()->is_number;
    case Kind::integer:
    case Kind::real:
    case Kind::boolean:
    case Kind::dtype:
    case Kind::complex_number:
      return true;
    default:
      return false;
  }
}

std::optional<int64_t> Argument::to_int() const {
  if (const auto* i = as<int64_t>()) return *i;
  if (const auto* b = as<bool>()) return *b ? 1 : 0;
  return std::nullopt;
}

std::optional<double> Argument::to_real() const {
  if (const auto* d = as<double>()) return *d;
  if (const auto i = to_int()) return static_cast<double>(*i);
  return std::nullopt;
}

bool Argument::is_string(std::string_view text) const {
  const auto* own = as<std::string>();
  return own != nullptr && *own == text;
}

bool Argument::is_known() const {
  if (kind() == Kind::value) return false;
  return std::all_of(items().begin(), items().end(), [](const Argument& item) { return item.is_known(); });
}

// ---- attributes ----

namespace {

struct FromAttribute {
  template <typename T>
  Argument operator()(const T& v) const {
    return {v};
  }
  template <typename T>
  Argument operator()(const std::vector<T>& v) const {
    std::vector<Argument> items;
    items.reserve(v.size());
    for (size_t i = 0; i < v.size(); ++i) items.push_back({static_cast<T>(v[i])});
    return Argument::list_of(std::move(items));
  }
  Argument operator()(ir::Block* /*unused*/) const { return {}; }
};

template <typename T>
std::optional<ir::AttributeValue> items_as(std::span<const Argument> items) {
  std::vector<T> out;
  for (const Argument& item : items) {
    const T* value = item.as<T>();
    if (value == nullptr) return std::nullopt;
    out.push_back(*value);
  }
  return out;
}

struct ToAttribute {
  template <typename T>
  std::optional<ir::AttributeValue> operator()(const T& v) const {
    return ir::AttributeValue(v);
  }
  std::optional<ir::AttributeValue> operator()(const GraphValue& /*unused*/) const { return std::nullopt; }
  std::optional<ir::AttributeValue> operator()(const Unset& /*unused*/) const { return std::nullopt; }
  std::optional<ir::AttributeValue> operator()(const ArgumentList& v) const {
    if (v.form() != ArgumentList::Form::list) return std::nullopt;
    const std::span<const Argument> items = v.items();
    if (items.empty()) return items_as<int64_t>(items);
    switch (items[0].kind()) {
      case Argument::Kind::integer:
        return items_as<int64_t>(items);
      case Argument::Kind::real:
        return items_as<double>(items);
      case Argument::Kind::boolean:
        return items_as<bool>(items);
      case Argument::Kind::string:
        return items_as<std::string>(items);
      default:
        return std::nullopt;
    }
  }
};

bool same_bits(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

}  // namespace

Argument to_argument(const ir::AttributeValue& attribute) { return std::visit(FromAttribute(), attribute); }

std::optional<ir::AttributeValue> to_attribute(const Argument& argument) {
  return std::visit(ToAttribute(), argument.content);
}

bool identical(const Argument& a, const Argument& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Argument::Kind::none:
    case Argument::Kind::unset:
      return true;
    case Argument::Kind::integer:
      return *a.as<int64_t>() == *b.as<int64_t>();
    case Argument::Kind::real:
      return same_bits(*a.as<double>(), *b.as<double>());
    case Argument::Kind::boolean:
      return *a.as<bool>() == *b.as<bool>();
    case Argument::Kind::string:
      return *a.as<std::string>() == *b.as<std::string>();
    case Argument::Kind::dtype:
      return *a.as<ir::DType>() == *b.as<ir::DType>();
    case Argument::Kind::complex_number: {
      const auto& x = *a.as<std::complex<double>>();
      const auto& y = *b.as<std::complex<double>>();
      return same_bits(x.real(), y.real()) && same_bits(x.imag(), y.imag());
    }
    case Argument::Kind::tensor:
      return a.as<ir::Tensor>()->same_storage(*b.as<ir::Tensor>());
    case Argument::Kind::value:
      return a.value() == b.value();
    case Argument::Kind::list:
      return a.list()->form() == b.list()->form() &&
             std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(), identical);
  }
  return false;
}

// ---- types ----

ir::Type torch_type(const ir::Type& type) {
  if (!type.stands_for_complex()) return type;
  std::optional<ir::Shape> shape = type.shape();
  if (shape && !shape->empty()) shape->pop_back();
  return ir::Type::tensor(type.dtype() == ir::DType::f64 ? ir::DType::c128 : ir::DType::c64,
                          std::move(shape));
}

namespace {

void add_to(PromotionState& state, const Argument& argument) {
  switch (argument.kind()) {
    case Argument::Kind::value: {
      const ir::Type type = torch_type(argument.value()->type());
      const ir::DType dtype = type.dtype();
      const bool number = argument.is_number();
      ir::DType& slot = number ? state.numbers : type.rank() == 0 ? state.zero_dim : state.tensors;
      slot = promote(slot, number && ir::is_floating(dtype) ? ir::DType::f32 : dtype);
      break;
    }
    case Argument::Kind::integer:
      state.numbers = promote(state.numbers, ir::DType::i64);
      break;
    case Argument::Kind::boolean:
      state.numbers = promote(state.numbers, ir::DType::boolean);
      break;
    case Argument::Kind::real:
      state.numbers = promote(state.numbers, ir::DType::f32);
      break;
    case Argument::Kind::complex_number:
      state.numbers = promote(state.numbers, ir::DType::c64);
      break;
    case Argument::Kind::list:
      for (const Argument& item : argument.items()) add_to(state, item);
      break;
    default:
      break;
  }
}

constexpr std::pair<ir::DType, int64_t> kScalarTypes[] = {
    {ir::DType::u8, 0},          {ir::DType::i8, 1},        {ir::DType::i16, 2},
    {ir::DType::i32, 3},         {ir::DType::i64, 4},       {ir::DType::f16, 5},
    {ir::DType::f32, 6},         {ir::DType::f64, 7},       {ir::DType::c64, 9},
    {ir::DType::c128, 10},       {ir::DType::boolean, 11},  {ir::DType::bf16, 15},
    {ir::DType::f8e5m2, 23},     {ir::DType::f8e4m3fn, 24}, {ir::DType::f8e5m2fnuz, 25},
    {ir::DType::f8e4m3fnuz, 26}, {ir::DType::u16, 27},      {ir::DType::u32, 28},
    {ir::DType::u64, 29},
};

}  // namespace

ir::DType result_type(std::span<const Argument* const> arguments) {
  PromotionState state;
  for (const Argument* argument : arguments) add_to(state, *argument);
  return state.result();
}

int64_t torch_scalar_type(ir::DType dtype) {
  for (const auto& [own, number] : kScalarTypes) {
    if (own == dtype) return number;
  }
  return -1;
}

ir::DType dtype_of_torch(int64_t scalar_type) {
  for (const auto& [dtype, number] : kScalarTypes) {
    if (number == scalar_type) return dtype;
  }
  return ir::DType::undefined;
}

}  // namespace onnxport
