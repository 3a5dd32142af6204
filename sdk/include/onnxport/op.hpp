// Op: the torch operator that a mapping translates. Part of onnxport/plugin.hpp.
#pragma once

#include <algorithm>
#include <numeric>

#include "onnxport/builder.hpp"

namespace onnxport {
inline namespace sdk_v1 ONNXPORT_SDK_HIDDEN {

// Arguments are read by their ATen schema names. Where the call gave none, the schema's default is seen.
// The typed readers (integer, real, …) decline when the argument is known at run time only.
class Op : public Builder {
 public:
  using Builder::Builder;

  // Qualified name with overload: "aten::add.Tensor".
  std::string_view name() const { return from_abi(api_.op->name(context_)); }

  // ---- arguments ----
  // The argument as an ONNX value: a number is a 0-d constant, a list of ints one 1-D i64 value, None the
  // absent value. An argument the schema does not have is absent too, so that one mapping serves several
  // overloads.
  Value operator[](std::string_view arg) const {
    const onnxport_arg a = find(arg);
    return a == 0 || kind(a) == ONNXPORT_ARG_NONE ? Value() : read_value(a);
  }
  // The argument in that element type. A number of the model becomes a constant of the type at once: 0.1 as
  // f64 is 0.1, not the f32 nearest to it.
  Value as(std::string_view arg, DType t) const {
    const onnxport_arg a = find(arg);
    return a == 0 || kind(a) == ONNXPORT_ARG_NONE ? Value() : read_as(a, t);
  }
  // Number of elements of a list argument.
  size_t size(std::string_view arg) const { return items(arg, find(arg)).size(); }
  // Present and not None.
  bool has(std::string_view arg) const {
    const onnxport_arg a = find(arg);
    return a != 0 && kind(a) != ONNXPORT_ARG_NONE;
  }
  // Known while exporting (an int, real, bool, string, dtype, or a list of those), or None.
  bool is_known(std::string_view arg) const { return known(find(arg)); }
  bool is_list(std::string_view arg) const {
    const onnxport_arg a = find(arg);
    return a != 0 && kind(a) == ONNXPORT_ARG_LIST;
  }

  int64_t integer(std::string_view arg) const { return read_integer(arg, find(arg)); }
  int64_t integer(std::string_view arg, int64_t when_none) const {
    return has(arg) ? integer(arg) : when_none;
  }
  double real(std::string_view arg) const { return read_real(arg, find(arg)); }
  double real(std::string_view arg, double when_none) const { return has(arg) ? real(arg) : when_none; }
  bool boolean(std::string_view arg) const { return read_integer(arg, find(arg)) != 0; }
  bool boolean(std::string_view arg, bool when_none) const { return has(arg) ? boolean(arg) : when_none; }
  std::string string(std::string_view arg) const {
    const onnxport_arg a = find(arg);
    if (a == 0 || kind(a) != ONNXPORT_ARG_STRING) unknown(arg, "a string");
    return std::string(from_abi(api_.op->arg_string(context_, a)));
  }
  std::string string(std::string_view arg, std::string_view when_none) const {
    return has(arg) ? string(arg) : std::string(when_none);
  }
  // A dtype argument; `when_none` where it is None.
  DType dtype(std::string_view arg, DType when_none) const {
    const onnxport_arg a = find(arg);
    if (a == 0 || kind(a) == ONNXPORT_ARG_NONE) return when_none;
    if (kind(a) != ONNXPORT_ARG_DTYPE && kind(a) != ONNXPORT_ARG_INT) unknown(arg, "a dtype");
    const auto t = static_cast<DType>(api_.op->arg_int(context_, a));
    asked_complex_ = asked_complex_ || onnxport::is_complex(t);
    return seen_type(t);
  }
  // A list of ints; a single int counts as a list of one.
  std::vector<int64_t> integers(std::string_view arg) const {
    const onnxport_arg a = find(arg);
    if (a != 0 && kind(a) == ONNXPORT_ARG_INT) return {api_.op->arg_int(context_, a)};
    std::vector<int64_t> out;
    for (onnxport_arg item : items(arg, a)) out.push_back(read_integer(arg, item));
    return out;
  }
  // The same, `count` of them, repeated where one number is given: kernel_size=3 of a 2-D pool is {3, 3}.
  std::vector<int64_t> integers(std::string_view arg, size_t count) const {
    std::vector<int64_t> out = integers(arg);
    if (out.size() == 1) out.resize(count, out[0]);
    if (out.size() != count) unknown(arg, ("a list of " + std::to_string(count) + " ints").c_str());
    return out;
  }
  std::vector<double> reals(std::string_view arg) const {
    std::vector<double> out;
    for (onnxport_arg item : items(arg, find(arg))) out.push_back(read_real(arg, item));
    return out;
  }
  // A list of tensors (or of ints known at run time); elements that are None are absent values.
  Values values(std::string_view arg) const {
    Values out;
    for (onnxport_arg item : items(arg, find(arg))) {
      out.push_back(kind(item) == ONNXPORT_ARG_NONE ? Value() : read_value(item));
    }
    return out;
  }
  // Axes as non-negative numbers, sorted as given. `when_none_or_empty` is used for None and the empty list.
  int64_t axis(std::string_view arg, const Value& x) const {
    return self().normalized(integer(arg), x.rank());
  }
  std::vector<int64_t> axes(std::string_view arg, const Value& x) const {
    std::vector<int64_t> out = has(arg) ? integers(arg) : std::vector<int64_t>{};
    for (int64_t& a : out) a = self().normalized(a, x.rank());
    return out;
  }
  // The same, but None and the empty list mean every axis, as in sum(dim=None).
  std::vector<int64_t> axes_or_all(std::string_view arg, const Value& x) const {
    std::vector<int64_t> out = axes(arg, x);
    if (out.empty()) {
      out.resize(static_cast<size_t>(x.rank()));
      std::iota(out.begin(), out.end(), 0);
    }
    return out;
  }

  // A list of ints, some known at run time only, as one 1-D i64 value; a constant when all are known.
  using Builder::shape;
  Value shape(std::string_view arg) const {
    const onnxport_arg a = find(arg);
    if (a == 0) unknown(arg, "a list of ints");
    return self().checked(api_.op->arg_value(context_, a));
  }

  // ---- promotion ----
  // torch's result dtype of these arguments.
  DType result_type(std::initializer_list<std::string_view> args) const {
    std::vector<onnxport_arg> list;
    for (std::string_view arg : args) list.push_back(find(arg));
    const int32_t t = api_.op->result_type(context_, list.data(), static_cast<uint32_t>(list.size()));
    if (t == ONNXPORT_UNDEFINED) self().decline("the result type of its arguments is not known");
    return seen_type(static_cast<DType>(t));
  }
  // The arguments, cast to their common result dtype: auto [a, b] = op.promoted("self", "other").
  std::pair<Value, Value> promoted(std::string_view a, std::string_view b) const {
    const DType t = result_type({a, b});
    return {as(a, t), as(b, t)};
  }
  // The same for true division and the functions that make floats of ints: an integral result becomes f32.
  std::pair<Value, Value> promoted_to_float(std::string_view a, std::string_view b) const {
    const DType t = floating(result_type({a, b}));
    return {as(a, t), as(b, t)};
  }
  // The tensors of a list, cast to their common result dtype.
  Values promoted(std::string_view list) const {
    const DType t = result_type({list});
    Values out;
    for (onnxport_arg item : items(list, find(list))) out.push_back(read_as(item, t));
    return out;
  }
  // The argument, an integral or bool one cast to f32: sin(int64) is a float in torch.
  Value promoted_to_float(std::string_view arg) const {
    Value x = (*this)[arg];
    return self().cast(x, floating(x.dtype()));
  }
  static DType floating(DType t) { return is_floating(t) || onnxport::is_complex(t) ? t : DType::f32; }

  // What `run` makes of the real parts and, where it has met a complex argument, of the imaginary ones too,
  // joined. Of a real tensor among complex ones the imaginary part is 0.
  template <typename Run>
  Values by_parts(Run run) {
    part_ = Part::real;
    Values out = run();
    if (asked_complex_ && !met_complex_) decline("a complex result of real tensors");
    if (met_complex_) {
      part_ = Part::imaginary;
      const Values imaginary = run();
      for (size_t i = 0; i < out.size(); ++i) out[i] = complex_of(out[i], imaginary.at(i));
    }
    part_ = Part::both;
    return out;
  }

  // Python's // on integers (towards minus infinity) or floats. The quotient of floats is rounded before Floor
  // sees it (1 / 0.1 is 10, 1 // 0.1 is 9): what Mod leaves is taken away first, and the whole number that
  // remains is one less where the rest is not of the divisor's sign.
  Value floor_divide(const Value& a, const Value& b) {
    if (!is_floating(a.dtype()))
      return (a - Mod(a, b)) / b;  // Mod takes the divisor's sign and leaves nothing
    Value rest = Mod(a, b, {attr::fmod(1)});
    Value crosses = Sign(rest) * b < 0;
    Value whole = Round((a - rest) / b) - cast_like(crosses, a);
    const auto divisor = b.constant_reals();
    const bool never_zero = divisor && std::find(divisor->begin(), divisor->end(), 0.0) == divisor->end();
    return never_zero ? whole : Where(b == 0, a / b, whole);
  }

  // ---- results ----
  size_t output_count() const { return api_.op->output_count(context_); }
  // Whether anything reads result `index`: the indices of max_pool2d_with_indices often are not.
  bool is_used(size_t index) const {
    return api_.op->output_used(context_, static_cast<uint32_t>(index)) != 0;
  }
  DType recorded_dtype(size_t index) const {
    return seen_type(static_cast<DType>(api_.op->output_dtype(context_, static_cast<uint32_t>(index))));
  }

  // Exporting with training behaviour (dropout kept, batch statistics)?
  bool training() const { return api_.op->training(context_) != 0; }

 private:
  Op& self() const { return const_cast<Op&>(*this); }  // emitting changes the graph, not this view of it
  onnxport_arg find(std::string_view arg) const { return api_.op->arg(context_, to_abi(arg)); }
  int32_t kind(onnxport_arg a) const { return api_.op->arg_kind(context_, a); }
  // As the part being worked on sees it. Floats are data; integers and bools say where, for both parts alike.
  Value read_value(onnxport_arg a) const {
    const Value x = self().checked(api_.op->arg_value(context_, a));
    if (part_ == Part::both) return x;
    if (!x.is_complex())
      return part_ == Part::imaginary && is_floating(x.dtype()) ? self().no_part_of(x, x.dtype()) : x;
    met_complex_ = true;
    return part_ == Part::real ? self().real_part(x) : self().imaginary_part(x);
  }
  Value no_part_of(const Value& x, DType t) { return full(shape_of(x), 0, t); }
  Value read_as(onnxport_arg a, DType t) const {
    if (part_ == Part::imaginary) {
      const Value x = self().checked(api_.op->arg_value(context_, a));
      if (!x.is_complex()) return self().no_part_of(x, t);
    }
    switch (kind(a)) {
      case ONNXPORT_ARG_REAL:
        return self().constant(api_.op->arg_real(context_, a), t);
      case ONNXPORT_ARG_INT:
        if (t == DType::i64) return self().constant(api_.op->arg_int(context_, a));
        return self().constant(api_.op->arg_real(context_, a), t);
      case ONNXPORT_ARG_BOOL:
        return self().constant(api_.op->arg_real(context_, a), t);
      default:
        return self().cast(read_value(a), t);
    }
  }
  DType seen_type(DType t) const {
    if (part_ == Part::both || !onnxport::is_complex(t)) return t;
    return t == DType::c128 ? DType::f64 : DType::f32;
  }
  bool known(onnxport_arg a) const {
    if (a == 0) return true;
    const int32_t k = kind(a);
    if (k == ONNXPORT_ARG_VALUE || k == ONNXPORT_ARG_SEQUENCE) return false;
    if (k != ONNXPORT_ARG_LIST) return true;
    for (uint32_t i = 0; i < api_.op->arg_size(context_, a); ++i) {
      if (!known(api_.op->arg_item(context_, a, i))) return false;
    }
    return true;
  }
  std::vector<onnxport_arg> items(std::string_view arg, onnxport_arg a) const {
    if (a != 0 && kind(a) == ONNXPORT_ARG_NONE) return {};
    if (a == 0 || kind(a) != ONNXPORT_ARG_LIST) unknown(arg, "a list");
    std::vector<onnxport_arg> out;
    for (uint32_t i = 0; i < api_.op->arg_size(context_, a); ++i)
      out.push_back(api_.op->arg_item(context_, a, i));
    return out;
  }
  int64_t read_integer(std::string_view arg, onnxport_arg a) const {
    const int32_t k = a == 0 ? ONNXPORT_ARG_NONE : kind(a);
    if (k == ONNXPORT_ARG_INT || k == ONNXPORT_ARG_BOOL) return api_.op->arg_int(context_, a);
    unknown(arg, "an int");
  }
  double read_real(std::string_view arg, onnxport_arg a) const {
    const int32_t k = a == 0 ? ONNXPORT_ARG_NONE : kind(a);
    if (k == ONNXPORT_ARG_REAL || k == ONNXPORT_ARG_INT || k == ONNXPORT_ARG_BOOL)
      return api_.op->arg_real(context_, a);
    unknown(arg, "a number");
  }
  [[noreturn]] void unknown(std::string_view arg, const char* wanted) const {
    self().decline("needs " + std::string(wanted) + " that is known while exporting for '" +
                   std::string(arg) + "'");
  }

  enum class Part { both, real, imaginary };
  Part part_ = Part::both;
  mutable bool met_complex_ = false, asked_complex_ = false;
};

}  // namespace ONNXPORT_SDK_HIDDEN
}  // namespace onnxport
