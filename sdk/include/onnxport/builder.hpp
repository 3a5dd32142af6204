// The ONNX vocabulary: one method per operator, arithmetic on values, and the few verbs every mapping needs.
// Part of onnxport/plugin.hpp.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>

#include "onnxport/value.hpp"

namespace onnxport {
inline namespace sdk_v1 {

// The interfaces of the host, fetched once when the plugin is loaded.
struct HostApi {
  const onnxport_op_api* op = nullptr;
  const onnxport_graph_api* graph = nullptr;
  const onnxport_emit_api* emit = nullptr;
  const onnxport_diag_api* diag = nullptr;
  const onnxport_rewrite_api* rewrite = nullptr;
  const onnxport_onnx_body_api* onnx_body = nullptr;
};

inline onnxport_str to_abi(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view from_abi(onnxport_str s) { return {s.data, static_cast<size_t>(s.size)}; }

// Emits ONNX nodes. What is emitted in ai.onnx is read at the pivot opset (23) in a mapping, at the step's
// opset in an opset rule. Every emitted value has its element type and rank at once. A call that the host
// refuses throws Failed.
class Builder {
 public:
  Builder(const HostApi& api, onnxport_context* context) : api_(api), context_(context) {}
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  // ---- ONNX operators, by their own names: op.Gemm(a, b, c, {{"alpha", 2.0}}). Optional inputs may be
  // absent. ----
#include "onnxport/onnx_ops.inc"

  // Any node: of a custom domain, or with other than the required outputs.
  Values node(std::string_view op_type, const Values& inputs, const Attrs& attrs, size_t outputs,
              std::string_view domain = {});
  Value node(std::string_view op_type, const Values& inputs, const Attrs& attrs = {},
             std::string_view domain = {}) {
    return node(op_type, inputs, attrs, size_t{1}, domain).front();
  }

  // ---- constants ----
  // A 0-d constant. The number is converted to `dtype` as torch would (no rounding surprise is hidden: i64
  // of 2.5 is 2).
  Value constant(double number, DType dtype) { return fill(number, dtype, {}); }
  Value constant(int64_t number) { return constant(Tensor{DType::i64, {}, bytes_of(&number, 1)}); }
  Value constant(int number) { return constant(static_cast<int64_t>(number)); }
  Value constant(const Tensor& tensor);
  // A 1-D i64 constant, as ONNX wants axes, pads and shapes.
  Value ints(const std::vector<int64_t>& numbers) {
    return constant(
        Tensor{DType::i64, {static_cast<int64_t>(numbers.size())}, bytes_of(numbers.data(), numbers.size())});
  }
  // A 0-d constant of the element type of `x`.
  Value like(const Value& x, double number) { return constant(number, x.dtype()); }

  // ---- element types ----
  // Cast, unless `x` is of that type already. Absent stays absent.
  Value cast(const Value& x, DType dtype) {
    return !x || x.dtype() == dtype ? x : node("Cast", {x}, {{"to", dtype}});
  }
  Value cast_like(const Value& x, const Value& model) { return cast(x, model.dtype()); }

  // ---- shapes ----
  // Size of one axis (negative counts from the end) as a 0-d i64 value; a constant when static.
  Value dim(const Value& x, int64_t axis);
  // Whether two sizes are known to be equal, static or not.
  bool same_dim(const Value& a, int64_t axis_a, const Value& b, int64_t axis_b) {
    return api_.graph->same_dim(context_, a.handle(), static_cast<uint32_t>(normalized(axis_a, a.rank())),
                                b.handle(), static_cast<uint32_t>(normalized(axis_b, b.rank()))) == 1;
  }
  // 0-d and 1-D i64 values joined to one 1-D value; a constant when all are.
  Value shape(const Values& parts);
  // The whole shape as a 1-D i64 value; a constant when static.
  Value shape_of(const Value& x);
  // Reshape to dims given as a mix of numbers and values: op.reshape(x, {op.constant(0), op.dim(x, 1), ...}).
  Value reshape(const Value& x, const Values& dims) { return Reshape(x, shape(dims)); }
  Value reshape(const Value& x, const std::vector<int64_t>& dims) { return Reshape(x, ints(dims)); }
  Value reshape(const Value& x, std::initializer_list<int64_t> dims) {
    return reshape(x, std::vector<int64_t>(dims));
  }
  Value squeeze(const Value& x, const std::vector<int64_t>& axes) {
    return axes.empty() ? x : node("Squeeze", {x, ints(axes)});
  }
  Value unsqueeze(const Value& x, const std::vector<int64_t>& axes) {
    return axes.empty() ? x : node("Unsqueeze", {x, ints(axes)});
  }
  Value transpose(const Value& x, const std::vector<int64_t>& perm) { return Transpose(x, {{"perm", perm}}); }
  // x[..., start:end, ...] along one axis.
  Value slice(const Value& x, int64_t axis, int64_t start, int64_t end) {
    return Slice(x, ints({start}), ints({end}), ints({axis}));
  }
  // A 1-D value laid along `axis` of `rank` axes, the others of size 1, so that it broadcasts there (one
  // number per channel); a 0-d one stays.
  Value along(const Value& vector, int64_t axis, int64_t rank) {
    if (vector.rank() == 0) return vector;
    std::vector<int64_t> ones;
    for (int64_t i = 0; i < rank; ++i) {
      if (i != axis) ones.push_back(i);
    }
    return unsqueeze(vector, ones);
  }
  // A tensor of that shape (1-D i64 value) filled with one number.
  Value full(const Value& shape, double number, DType dtype) {
    return ConstantOfShape(shape, {{"value", tensor(number, dtype, {1})}});
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
    std::string name;
    DType dtype;
    int64_t rank = -1;  // -1: unknown
  };
  // Builds a block: `body` receives the parameters and returns the results. Outer values may be used inside.
  Block block(const std::vector<Param>& params, const std::function<Values(const Values&)>& body);

  // ---- complex values ----
  // The same value, flagged as standing for a complex tensor (last axis of 2: real, imaginary), or not.
  Value as_complex(const Value& x) { return checked(api_.emit->set_complex(context_, x.handle(), 1)); }
  Value as_real(const Value& x) { return checked(api_.emit->set_complex(context_, x.handle(), 0)); }
  // The parts of a complex value, and a complex value of its parts, which have one shape.
  Value real_part(const Value& x) { return Gather(as_real(x), constant(0), {{"axis", -1}}); }
  Value imaginary_part(const Value& x) { return Gather(as_real(x), constant(1), {{"axis", -1}}); }
  Value complex_of(const Value& real, const Value& imaginary) {
    return as_complex(Concat({unsqueeze(real, {-1}), unsqueeze(imaginary, {-1})}, {{"axis", -1}}));
  }

  // States the type of a node's result where ONNX cannot infer it (custom domains). -1: a size known at run
  // time.
  Value typed(const Value& x, DType dtype, const std::vector<int64_t>& dims);

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
  void note(std::string_view text) { api_.diag->note(context_, to_abi(text)); }

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
  Value fill(double number, DType dtype, const std::vector<int64_t>& dims) {
    return constant(tensor(number, dtype, dims));
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
inline Value operator+(const Value& a, double b) { return a + a.builder().like(a, b); }
inline Value operator-(const Value& a, double b) { return a - a.builder().like(a, b); }
inline Value operator*(const Value& a, double b) { return a * a.builder().like(a, b); }
inline Value operator/(const Value& a, double b) { return a / a.builder().like(a, b); }
inline Value operator+(double a, const Value& b) { return b.builder().like(b, a) + b; }
inline Value operator-(double a, const Value& b) { return b.builder().like(b, a) - b; }
inline Value operator*(double a, const Value& b) { return b.builder().like(b, a) * b; }
inline Value operator/(double a, const Value& b) { return b.builder().like(b, a) / b; }
inline Value operator-(const Value& a) { return a.builder().Neg(a); }
inline Value operator<(const Value& a, const Value& b) { return a.builder().Less(a, b); }
inline Value operator>(const Value& a, const Value& b) { return a.builder().Greater(a, b); }
inline Value operator<=(const Value& a, const Value& b) { return a.builder().LessOrEqual(a, b); }
inline Value operator>=(const Value& a, const Value& b) { return a.builder().GreaterOrEqual(a, b); }
inline Value operator==(const Value& a, const Value& b) { return a.builder().Equal(a, b); }
inline Value operator<(const Value& a, double b) { return a < a.builder().like(a, b); }
inline Value operator>(const Value& a, double b) { return a > a.builder().like(a, b); }
inline Value operator<=(const Value& a, double b) { return a <= a.builder().like(a, b); }
inline Value operator>=(const Value& a, double b) { return a >= a.builder().like(a, b); }
inline Value operator==(const Value& a, double b) { return a == a.builder().like(a, b); }
// Logic of bool values. Not !, && and ||, which ask of a C++ condition whether a value is there.
inline Value operator~(const Value& a) { return a.builder().Not(a); }
inline Value operator&(const Value& a, const Value& b) { return a.builder().And(a, b); }
inline Value operator|(const Value& a, const Value& b) { return a.builder().Or(a, b); }
inline Value operator^(const Value& a, const Value& b) { return a.builder().Xor(a, b); }

}  // namespace sdk_v1
}  // namespace onnxport

#include "onnxport/builder_impl.hpp"
