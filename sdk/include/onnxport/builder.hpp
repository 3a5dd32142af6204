// The vocabulary of mappings and rules: ONNX's operators, conveniences over them, and arithmetic on values.
// Part of onnxport/plugin.hpp.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

#include "onnxport/attributes.hpp"

namespace onnxport {
inline namespace sdk_v1 ONNXPORT_SDK_HIDDEN {

// The interfaces of the host, fetched once when the plugin is loaded.
struct HostApi {
  const onnxport_op_api* op = nullptr;
  const onnxport_graph_api* graph = nullptr;
  const onnxport_dim_api* dim = nullptr;
  const onnxport_emit_api* emit = nullptr;
  const onnxport_diag_api* diag = nullptr;
  const onnxport_options_api* options = nullptr;
  const onnxport_rewrite_api* rewrite = nullptr;
  const onnxport_match_api* match = nullptr;
  const onnxport_weight_api* weight = nullptr;  // null in a host that lacks it
  const onnxport_onnx_body_api* onnx_body = nullptr;
  const onnxport_infer_result_api* infer_result = nullptr;
};

inline onnxport_str to_abi(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view from_abi(onnxport_str s) {
  return s.data == nullptr ? std::string_view() : std::string_view(s.data, static_cast<size_t>(s.size));
}

namespace detail {
inline constexpr double infinity = std::numeric_limits<double>::infinity();
}  // namespace detail

// As the end of a slice: whatever the size.
inline constexpr int64_t to_end = std::numeric_limits<int64_t>::max();

// Emits ONNX nodes. What is emitted in ai.onnx is read at the pivot opset (23) in a mapping, at the step's
// opset in an opset rule. Every emitted value has its element type and rank at once. A call that the host
// refuses throws Failed.
//
// One rule of spelling:
// * CapitalLetters are ONNX operators. Exactly that node is emitted, with the inputs and attributes that the
//   operator has at the pivot: op.Squeeze(x, op.ints({0})).
// * lower_case names are conveniences, called as numpy and torch call them: op.squeeze(x, {0}). Each emits
//   the form that is legal at current_opset() (axes are attributes below 13, …), fewer nodes where nothing is
//   to be done, and declines what the opset cannot express.
class Builder {
 public:
  Builder(const HostApi& api, onnxport_context* context) : api_(api), context_(context) {}
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  // ---- ONNX operators: op.Gemm(a, b, c, {attr::alpha(2), attr::transB(1)}). Optional inputs may be absent.
  // Several outputs come by their names: op.TopK(x, k).Indices; optional ones when asked for:
  // op.MaxPool(all_outputs, x).Indices. ----
#include "onnxport/onnx_ops.inc"

  // Any node: of a custom domain, of an operator chosen at run time, or as an older opset has it. The host
  // checks the attributes: {{"scale", 2.0}}.
  Values node(std::string_view op_type, const Values& inputs, const Attrs& attrs, size_t outputs,
              std::string_view domain = {});
  Value node(std::string_view op_type, const Values& inputs, const Attrs& attrs = {},
             std::string_view domain = {}) {
    return node(op_type, inputs, attrs, size_t{1}, domain).front();
  }

  // ---- constants ----
  // A 0-d constant. The number is converted to `dtype` as torch would (no rounding surprise is hidden: i64
  // of 2.5 is 2).
  Value constant(double number, DType dtype) { return constant(tensor(number, dtype, {})); }
  Value constant(int64_t number) { return constant(Tensor{DType::i64, {}, bytes_of(&number, 1)}); }
  Value constant(int number) { return constant(static_cast<int64_t>(number)); }
  Value constant(const Tensor& tensor);
  // Room for a constant of zeros, to be written with set_real (or through data) before a node reads it. It takes the name
  // of `model`, the constant it stands in place of.
  NewConstant new_constant(DType dtype, const std::vector<int64_t>& dims, const Value& model = {});
  // A 1-D i64 constant, as ONNX wants axes, pads and shapes.
  Value ints(const std::vector<int64_t>& numbers) {
    return constant(
        Tensor{DType::i64, {static_cast<int64_t>(numbers.size())}, bytes_of(numbers.data(), numbers.size())});
  }
  // A 0-d constant of the element type of `x`.
  template <typename N>
  Value like(const Value& x, N number) {
    if constexpr (std::is_integral_v<N>) {
      if (x.dtype() == DType::i64) return constant(static_cast<int64_t>(number));
    }
    return constant(static_cast<double>(number), x.dtype());
  }

  // ---- creation ----
  // A tensor of that shape (1-D i64 value) filled with one number.
  Value full(const Value& shape, double number, DType dtype);
  // The same in the shape of `x`; of its element type where none is given.
  Value full_like(const Value& x, double number) { return full(shape_of(x), number, x.dtype()); }
  Value full_like(const Value& x, double number, DType dtype) { return full(shape_of(x), number, dtype); }
  // start, start + step, … before `end`: 0-d values of one type. With one argument: 0, 1, … end - 1, i64.
  Value arange(const Value& start, const Value& end, const Value& step);
  Value arange(const Value& end) { return arange(constant(0), end, constant(1)); }

  // ---- element types ----
  // Cast, unless `x` is of that type already. Absent stays absent.
  Value cast(const Value& x, DType dtype) {
    return !x || x.dtype() == dtype ? x : node("Cast", {x}, {{"to", dtype}});
  }
  Value cast_like(const Value& x, const Value& model) { return cast(x, model.dtype()); }

  // ---- shapes ----
  // Size of one axis (negative counts from the end) as a 0-d i64 value; a constant when static.
  Value dim(const Value& x, int64_t axis);
  // The sizes of the axes in [from, to).
  Values dims(const Value& x, int64_t from, int64_t to);
  // Number of elements, as a 0-d i64 value.
  Value numel(const Value& x);
  // The size of one axis, which must be static: declines where it is known at run time only.
  int64_t static_size(const Value& x, int64_t axis);
  // Whether two sizes are known to be equal, static or not.
  bool same_dim(const Value& a, int64_t axis_a, const Value& b, int64_t axis_b) {
    return api_.graph->same_dim(context_, a.handle(), static_cast<uint32_t>(normalized(axis_a, a.rank())),
                                b.handle(), static_cast<uint32_t>(normalized(axis_b, b.rank()))) == 1;
  }
  // Whether two shapes are known to be equal, static or not.
  bool same_shape(const Value& a, const Value& b);
  // 0-d and 1-D i64 values joined to one 1-D value; a constant when all are.
  Value shape(const Values& parts);
  // The whole shape as a 1-D i64 value; a constant when static.
  Value shape_of(const Value& x);

  // ---- movement of elements ----
  // Reshape to dims given as a mix of numbers and values: op.reshape(x, {op.constant(0), op.dim(x, 1), ...}).
  Value reshape(const Value& x, const Values& dims) { return Reshape(x, shape(dims)); }
  Value reshape(const Value& x, const std::vector<int64_t>& dims) { return Reshape(x, ints(dims)); }
  Value reshape(const Value& x, std::initializer_list<int64_t> dims) {
    return reshape(x, std::vector<int64_t>(dims));
  }
  // The one element of `x` as a 0-d value.
  Value scalar(const Value& x) { return x.rank() == 0 ? x : reshape(x, std::vector<int64_t>{}); }
  Value squeeze(const Value& x, const std::vector<int64_t>& axes) { return with_axes("Squeeze", x, axes); }
  Value unsqueeze(const Value& x, const std::vector<int64_t>& axes) {
    return with_axes("Unsqueeze", x, axes);
  }
  // A 1-D value with its axis as number `axis` of `rank`, the others of size 1, so that it broadcasts there
  // (one number per channel); a 0-d one stays.
  Value unsqueeze_around(const Value& vector, int64_t axis, int64_t rank);
  // The axes in that order.
  Value permute(const Value& x, const std::vector<int64_t>& order);
  // Two axes exchanged.
  Value transpose(const Value& x, int64_t axis_a, int64_t axis_b);
  // x[…, start:end:step, …] along one axis; the bounds are numbers, or 0-d values.
  Value slice(const Value& x, int64_t axis, int64_t start, int64_t end, int64_t step = 1) {
    return sliced(x, axis, ints({start}), ints({end}), step);
  }
  Value slice(const Value& x, int64_t axis, const Value& start, const Value& end, int64_t step = 1) {
    return sliced(x, axis, shape({start}), shape({end}), step);
  }
  // `length` elements along one axis, from `start` on.
  Value narrow(const Value& x, int64_t axis, const Value& start, const Value& length) {
    return slice(x, axis, start, Add(start, length));
  }
  Value narrow(const Value& x, int64_t axis, int64_t start, int64_t length) {
    return slice(x, axis, start, start + length);
  }
  // Pieces of those sizes along one axis.
  Values split(const Value& x, const std::vector<int64_t>& sizes, int64_t axis);
  // That many pieces of one size along one axis, whose size they divide.
  Values chunk(const Value& x, int64_t chunks, int64_t axis);
  // Elements put before and after each axis: `pads` holds what comes before the axes, then what comes after.
  // `value` is 0-d, absent: zeros.
  Value pad(const Value& x, const std::vector<int64_t>& pads, const Value& value = {},
            const std::string& mode = "constant");
  // The greatest (or least) `count` elements along one axis, in order, and where they were.
  outputs_of::TopK topk(const Value& x, const Value& count, int64_t axis, bool largest = true);
  // Broadcast to the shape, a 1-D i64 value, both ways as ONNX's Expand does.
  Value expand(const Value& x, const Value& shape);
  // Both in the shape that they broadcast to.
  std::pair<Value, Value> broadcast_tensors(const Value& a, const Value& b) {
    return {expand(a, shape_of(b)), expand(b, shape_of(a))};
  }

  // ---- elementwise ----
  // `a` where the condition holds, else `b`: of bools too, for which runtimes have no Where.
  Value where(const Value& condition, const Value& a, const Value& b);
  // Not below `min`, not above `max` (0-d values); an absent bound is none.
  Value clip(const Value& x, const Value& min, const Value& max);
  // Neither infinite nor NaN.
  Value isfinite(const Value& x) { return node("Less", {Abs(x), like(x, detail::infinity)}); }
  // x without its fraction.
  Value trunc(const Value& x);
  // -1, 0 or 1.
  Value sign(const Value& x);
  // Comparisons and the greater or less of two, of numbers of any type that ONNX has them for at some opset; the
  // operators <, <=, ==, >= and > are these.
  Value less(const Value& a, const Value& b);
  Value less_or_equal(const Value& a, const Value& b);
  Value equal(const Value& a, const Value& b);
  Value maximum(const Value& a, const Value& b) { return extremum("Max", a, b); }
  Value minimum(const Value& a, const Value& b) { return extremum("Min", a, b); }

  // ---- reductions over axes; over all of them where none is given ----
  Value reduce_sum(const Value& x, const std::vector<int64_t>& axes, bool keepdims) {
    return reduce("ReduceSum", x, axes, keepdims);
  }
  Value reduce_mean(const Value& x, const std::vector<int64_t>& axes, bool keepdims) {
    return reduce("ReduceMean", x, axes, keepdims);
  }
  Value reduce_max(const Value& x, const std::vector<int64_t>& axes, bool keepdims) {
    return reduce("ReduceMax", x, axes, keepdims);
  }
  Value reduce_min(const Value& x, const std::vector<int64_t>& axes, bool keepdims) {
    return reduce("ReduceMin", x, axes, keepdims);
  }
  // The same by the name of the ONNX operator, for what is chosen at run time.
  Value reduce(std::string_view onnx_op, const Value& x, const std::vector<int64_t>& axes, bool keepdims);
  // Whether a bool tensor, an empty one too, has a true element.
  Value any(const Value& x) {
    const Value count = reduce_sum(cast(x, DType::i64), {}, false);
    return current_opset() >= 9 ? Greater(count, constant(0)) : less(constant(0), count);
  }

  // ---- axes ----
  // 0 <= axis < rank, or declines.
  int64_t normalized(int64_t axis, int64_t rank) {
    const int64_t end =
        std::max<int64_t>(rank, 1);  // torch lets 0 and -1 name the one axis that a 0-d tensor lacks
    const int64_t r = axis < 0 ? axis + end : axis;
    if (r < 0 || r >= end) {
      decline("axis " + std::to_string(axis) + " does not exist in " + std::to_string(rank) + " dimensions");
    }
    return r;
  }

  // ---- blocks: bodies of If, Loop, Scan ----
  struct Param {
    Param(std::string name_, DType dtype_, int64_t rank_ = -1)  // -1: unknown
        : name(std::move(name_)), dtype(dtype_), rank(rank_) {}
    Param(std::string name_, DType dtype_, Dims dims_)
        : name(std::move(name_)),
          dtype(dtype_),
          rank(static_cast<int64_t>(dims_.size())),
          dims(std::move(dims_)) {}
    // Of the type of `like_`, its sizes and whether it is complex included: what a loop carries and does not reshape.
    Param(std::string name_, Value like_) : name(std::move(name_)), like(like_) {}

    std::string name;
    DType dtype = DType::undefined;
    int64_t rank = -1;
    Dims dims;  // empty: unknown ones
    Value like;
    bool is_sequence = false;  // of such tensors
  };
  // Builds a block: `body` receives the parameters and returns the results. Outer values may be used inside.
  Block block(const std::vector<Param>& params, const std::function<Values(const Values&)>& body);
  // The state after at most `trip_count` steps (a 0-d i64 value): step(i, state, go_on) returns the next
  // state, of the same types, and may put into `go_on` (a 0-d bool) whether another step is worth it.
  using LoopStep = std::function<Values(const Value& i, const Values& state, Value& go_on)>;
  Values loop(const Value& trip_count, const Values& state, const LoopStep& step);
  // Running results along an axis: y[i] = step(y[i - 1], x[i]), where y[-1] is `initial`.
  using AccumulateStep = std::function<Value(const Value& so_far, const Value& next)>;
  Value accumulate(const Value& x, int64_t axis, double initial, const AccumulateStep& step);

  // ---- complex values ----
  // The same value, flagged as standing for a complex tensor (last axis of 2: real, imaginary), or not.
  Value as_complex(const Value& x) { return checked(api_.emit->set_complex(context_, x.handle(), 1)); }
  Value as_real(const Value& x) { return checked(api_.emit->set_complex(context_, x.handle(), 0)); }
  // The parts of a complex value, and a complex value of its parts, which have one shape.
  Value real_part(const Value& x) { return Gather(as_real(x), constant(0), {attr::axis(-1)}); }
  Value imaginary_part(const Value& x) { return Gather(as_real(x), constant(1), {attr::axis(-1)}); }
  Value complex_of(const Value& real, const Value& imaginary) {
    return as_complex(Concat({unsqueeze(real, {-1}), unsqueeze(imaginary, {-1})}, {attr::axis(-1)}));
  }

  // State the type of a node's result where ONNX cannot infer it (custom domains, loops): typed(y, DType::f32,
  // {x.size(0), 2 * x.size(1) + 1, 3}); Dim() is a size known at run time only.
  Value typed(const Value& x, DType dtype, const Dims& dims);
  Value typed_like(const Value& x, const Value& model);
  Value with_shape(const Value& x, const Dims& dims);
  // A size that nothing is known of, but that it equals itself.
  Dim fresh_dim() { return {*this, api_.dim->fresh(context_)}; }

  // ---- the target ----
  // The opset the export ends at. Only for choosing an operator newer than the pivot.
  int target_opset() const { return api_.graph->target_opset(context_); }
  // The opset in which emitted nodes are read.
  int current_opset() const { return api_.graph->current_opset(context_); }

  // ---- words ----
  // Not this mapping's case: the next candidate, then splitting, is tried. The reason reaches the user if
  // none succeeds.
  [[noreturn]] void decline(const std::string& reason) { throw Declined(reason); }
  // Cannot be exported at all.
  [[noreturn]] void fail(const std::string& reason) { throw Failed(reason); }
  // Declines unless `condition` holds: op.require(groups == 1, "grouped transposed convolution").
  void require(bool condition, const std::string& reason) {
    if (!condition) decline(reason);
  }
  // The same with a hint, what to do next, and a code of the plugin's own ("E12"): see docs/plugins.md.
  [[noreturn]] void decline(Words words) { throw Declined(std::move(words)); }
  [[noreturn]] void fail(Words words) { throw Failed(std::move(words)); }
  void note(std::string_view text) { tell(ONNXPORT_NOTE, text); }
  void warn(std::string_view text) { tell(ONNXPORT_WARNING, text); }

  // ---- options: what the user set for this plugin ----
  bool has_option(std::string_view name) const { return api_.options->has(context_, to_abi(name)) != 0; }
  std::string option(std::string_view name, std::string_view otherwise) const {
    return std::string(from_abi(api_.options->text(context_, to_abi(name), to_abi(otherwise))));
  }
  int64_t integer_option(std::string_view name, int64_t otherwise) const {
    return api_.options->integer(context_, to_abi(name), otherwise);
  }
  double real_option(std::string_view name, double otherwise) const {
    return api_.options->real(context_, to_abi(name), otherwise);
  }
  bool boolean_option(std::string_view name, bool otherwise) const {
    return api_.options->boolean(context_, to_abi(name), otherwise ? 1 : 0) != 0;
  }

  const HostApi& api() const { return api_; }
  onnxport_context* context() const { return context_; }
  Value checked(onnxport_value handle) {
    if (handle == 0) throw Failed("");  // the host already holds the cause
    return {*this, handle};
  }

  // Constant data: `number` as `dtype`, repeated over `dims`.
  static Tensor tensor(double number, DType dtype, const std::vector<int64_t>& dims);
  template <typename T>
  static std::vector<unsigned char> bytes_of(const T* data, size_t count) {
    std::vector<unsigned char> bytes(count * sizeof(T));
    if (count != 0) std::memcpy(bytes.data(), data, bytes.size());
    return bytes;
  }

 protected:
  static Values join(Values head, const Values& tail) {
    head.insert(head.end(), tail.begin(), tail.end());
    return head;
  }
  // An operator whose axes became an input with opset 13; nothing without axes.
  Value with_axes(std::string_view onnx_op, const Value& x, const std::vector<int64_t>& axes);
  Value sliced(const Value& x, int64_t axis, const Value& start, const Value& end, int64_t step);
  // What opsets have no operator for yet: see conveniences_before_11.hpp.
  Value range_by_loop(const Value& start, const Value& end, const Value& step);
  Value where_by_gather(const Value& condition, const Value& a, const Value& b);
  Value less_by_reals(const Value& a, const Value& b);
  Value equal_by_less(const Value& a, const Value& b);
  Value accumulate_by_loop(const Value& x, int64_t axis, double initial, const AccumulateStep& step);
  Value extremum(const char* onnx_op, const Value& a, const Value& b);
  // The numbers of a constant that the opset wants as an attribute.
  std::vector<int64_t> as_attribute(const Value& x, const char* what);

  void tell(int32_t severity, std::string_view text) {
    const onnxport_message message{
        sizeof(onnxport_message), severity, {nullptr, 0}, to_abi(text), {nullptr, 0}};
    api_.diag->tell(context_, &message);
  }

  const HostApi& api_;
  onnxport_context* context_;
};

// ---- arithmetic on values: both of one element type; a number takes the other's type. Integer `/` is ONNX's
// (towards zero); Python's floor division is Op::floor_divide. ----
inline Value operator+(const Value& a, const Value& b) { return a.builder().Add(a, b); }
inline Value operator-(const Value& a, const Value& b) { return a.builder().Sub(a, b); }
inline Value operator*(const Value& a, const Value& b) { return a.builder().Mul(a, b); }
inline Value operator/(const Value& a, const Value& b) { return a.builder().Div(a, b); }
template <typename N>
using if_number = std::enable_if_t<std::is_arithmetic_v<N>, int>;
template <typename N, if_number<N> = 0>
inline Value operator+(const Value& a, N b) {
  return a + a.builder().like(a, b);
}
template <typename N, if_number<N> = 0>
inline Value operator-(const Value& a, N b) {
  return a - a.builder().like(a, b);
}
template <typename N, if_number<N> = 0>
inline Value operator*(const Value& a, N b) {
  return a * a.builder().like(a, b);
}
template <typename N, if_number<N> = 0>
inline Value operator/(const Value& a, N b) {
  return a / a.builder().like(a, b);
}
template <typename N, if_number<N> = 0>
inline Value operator+(N a, const Value& b) {
  return b.builder().like(b, a) + b;
}
template <typename N, if_number<N> = 0>
inline Value operator-(N a, const Value& b) {
  return b.builder().like(b, a) - b;
}
template <typename N, if_number<N> = 0>
inline Value operator*(N a, const Value& b) {
  return b.builder().like(b, a) * b;
}
template <typename N, if_number<N> = 0>
inline Value operator/(N a, const Value& b) {
  return b.builder().like(b, a) / b;
}
inline Value operator-(const Value& a) { return a.builder().Neg(a); }
inline Value operator<(const Value& a, const Value& b) { return a.builder().less(a, b); }
inline Value operator>(const Value& a, const Value& b) {
  return a.builder().current_opset() >= 9 ? a.builder().Greater(a, b) : a.builder().less(b, a);
}
inline Value operator<=(const Value& a, const Value& b) { return a.builder().less_or_equal(a, b); }
inline Value operator>=(const Value& a, const Value& b) {
  return a.builder().current_opset() >= 12 ? a.builder().GreaterOrEqual(a, b)
                                           : a.builder().less_or_equal(b, a);
}
inline Value operator==(const Value& a, const Value& b) { return a.builder().equal(a, b); }
template <typename N, if_number<N> = 0>
inline Value operator<(const Value& a, N b) {
  return a < a.builder().like(a, b);
}
template <typename N, if_number<N> = 0>
inline Value operator>(const Value& a, N b) {
  return a > a.builder().like(a, b);
}
template <typename N, if_number<N> = 0>
inline Value operator<=(const Value& a, N b) {
  return a <= a.builder().like(a, b);
}
template <typename N, if_number<N> = 0>
inline Value operator>=(const Value& a, N b) {
  return a >= a.builder().like(a, b);
}
template <typename N, if_number<N> = 0>
inline Value operator==(const Value& a, N b) {
  return a == a.builder().like(a, b);
}
// Logic of bool values. Not !, && and ||, which ask of a C++ condition whether a value is there.
inline Value operator~(const Value& a) { return a.builder().Not(a); }
inline Value operator&(const Value& a, const Value& b) { return a.builder().And(a, b); }
inline Value operator|(const Value& a, const Value& b) { return a.builder().Or(a, b); }
inline Value operator^(const Value& a, const Value& b) { return a.builder().Xor(a, b); }

}  // namespace ONNXPORT_SDK_HIDDEN
}  // namespace onnxport

#include "onnxport/builder_impl.hpp"
#include "onnxport/conveniences.hpp"
#include "onnxport/conveniences_before_11.hpp"
