// Values, element types and attributes as a plugin sees them. Part of onnxport/plugin.hpp.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// Containers of the structs of abi.h are the plugin's own too: another plugin's may be longer.
#if !defined(_WIN32)
#pragma GCC visibility push(hidden)
#endif
#include "onnxport/abi.h"
#if !defined(_WIN32)
#pragma GCC visibility pop
#endif

// Whatever flags a plugin is compiled with: what the wrapper defines is the plugin's own, and is never taken for that
// of another one in the process, which may be of another version. A type that holds one of these belongs into an
// unnamed namespace.
#if defined(_WIN32)
#define ONNXPORT_SDK_HIDDEN
#else
#define ONNXPORT_SDK_HIDDEN __attribute__((visibility("hidden")))
#endif

namespace onnxport {
inline namespace sdk_v1 ONNXPORT_SDK_HIDDEN {

// Element types, with the numbers of ONNX's TensorProto.DataType.
enum class DType : int32_t {
  undefined = ONNXPORT_UNDEFINED,
  f32 = ONNXPORT_F32,
  u8 = ONNXPORT_U8,
  i8 = ONNXPORT_I8,
  u16 = ONNXPORT_U16,
  i16 = ONNXPORT_I16,
  i32 = ONNXPORT_I32,
  i64 = ONNXPORT_I64,
  string = ONNXPORT_STRING,
  boolean = ONNXPORT_BOOL,
  f16 = ONNXPORT_F16,
  f64 = ONNXPORT_F64,
  u32 = ONNXPORT_U32,
  u64 = ONNXPORT_U64,
  c64 = ONNXPORT_C64,
  c128 = ONNXPORT_C128,
  bf16 = ONNXPORT_BF16,
  f8e4m3fn = ONNXPORT_F8E4M3FN,
  f8e4m3fnuz = ONNXPORT_F8E4M3FNUZ,
  f8e5m2 = ONNXPORT_F8E5M2,
  f8e5m2fnuz = ONNXPORT_F8E5M2FNUZ,
  u4 = ONNXPORT_U4,
  i4 = ONNXPORT_I4,
  f4e2m1 = ONNXPORT_F4E2M1,
  f8e8m0 = ONNXPORT_F8E8M0,
  u2 = ONNXPORT_U2,
  i2 = ONNXPORT_I2,
};

inline bool is_floating(DType t) {
  return t == DType::f32 || t == DType::f64 || t == DType::f16 || t == DType::bf16 ||
         (t >= DType::f8e4m3fn && t <= DType::f8e5m2fnuz) || t == DType::f4e2m1 || t == DType::f8e8m0;
}
inline bool is_complex(DType t) { return t == DType::c64 || t == DType::c128; }
inline bool is_integral(DType t) {
  return !is_floating(t) && !is_complex(t) && t != DType::boolean && t != DType::string &&
         t != DType::undefined;
}

class Builder;

// The elements of a constant of the model. Lives as long as the call it was asked for in.
struct ConstantView {
  DType dtype = DType::undefined;
  std::vector<int64_t> dims;
  const void* data = nullptr;
  size_t bytes = 0;
  size_t count = 0;  // elements
  // Element `i` of a real floating type of 16 bits or more; 0 for any other.
  double real(size_t i) const;
};

// The size of an axis: a number, an expression of names ("batch", "2*seq+1"), or unknown. Arithmetic is exact: of
// 2*seq+1, minus 1, is 2*seq. Cheap to copy; lives as long as the call it was made in.
class Dim {
 public:
  Dim() = default;  // unknown
  template <typename T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
  Dim(T number) : known_(true), number_(static_cast<int64_t>(number)) {}
  Dim(Builder& builder, onnxport_dim handle) : builder_(&builder), handle_(handle), known_(handle != 0) {}

  // Something is known of it: that it equals itself, at least.
  explicit operator bool() const { return known_; }
  // The number, when it is one that is not negative.
  std::optional<int64_t> number() const;
  // "2*batch+1", "?"; for messages.
  std::string text() const;
  // As the builder knows it; 0: unknown.
  onnxport_dim handle(Builder& builder) const;

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  friend Dim operator/(const Dim& a, const Dim& b);  // towards minus infinity, as Python's //
  friend Dim operator%(const Dim& a, const Dim& b);  // the sign of the divisor, as Python's %
  friend Dim min(const Dim& a, const Dim& b);
  friend Dim max(const Dim& a, const Dim& b);
  // Known to be equal: what is unknown equals nothing.
  friend bool operator==(const Dim& a, const Dim& b);
  friend bool operator!=(const Dim& a, const Dim& b) { return !(a == b); }

 private:
  using Operation = onnxport_dim (*onnxport_dim_api::*)(onnxport_context*, onnxport_dim, onnxport_dim);
  static Dim combine(const Dim& a, const Dim& b, Operation operation);

  Builder* builder_ = nullptr;  // null: a number, or unknown
  onnxport_dim handle_ = 0;
  bool known_ = false;
  int64_t number_ = 0;
};

using Dims = std::vector<Dim>;

// An ONNX value of the graph being built, or the absent value: an omitted ONNX input, an argument that is
// None. Cheap to copy; lives as long as the call it was made in.
class Value {
 public:
  Value() = default;
  Value(Builder& builder, onnxport_value handle) : builder_(&builder), handle_(handle) {}

  explicit operator bool() const { return handle_ != 0; }
  onnxport_value handle() const { return handle_; }
  // The graph being built; an absent value belongs to none, which fails the call.
  Builder& builder() const;

  DType dtype() const;
  // Number of axes. Declines when it is unknown.
  int64_t rank() const;
  bool has_rank() const;
  // The size of `axis` (negative counts from the end) when it is static.
  std::optional<int64_t> static_dim(int64_t axis) const;
  // The size of `axis` as it is known now, a name or an expression too: to state what another value's size is.
  // Builder::dim gives it as a value of the graph.
  Dim size(int64_t axis) const;
  Dims sizes() const;
  // What an integer value is known to hold at `index`, when shape arithmetic made it.
  Dim element(int64_t index) const;
  // Stands for a complex torch tensor: real, with a last axis of 2 that rank() and dims do not count.
  bool is_complex() const;
  // A Python number of the model (int, float, bool), not a tensor.
  bool is_number() const;
  // The contents, when this is a constant (or shape arithmetic that folded to one) of an integer or bool type.
  std::optional<std::vector<int64_t>> constant_ints() const;
  // The contents, when this is a constant of a real floating type.
  std::optional<std::vector<double>> constant_reals() const;
  // The constant where it lies, whatever its size: nothing is copied. Absent for any other value.
  std::optional<ConstantView> constant() const;
  bool is_constant() const;

 private:
  Builder* builder_ = nullptr;
  onnxport_value handle_ = 0;
};

using Values = std::vector<Value>;

// A constant that is being written.
struct NewConstant {
  Value value;
  DType dtype = DType::undefined;
  void* data = nullptr;
  size_t count = 0;
  // Element `i` of a real floating type of 16 bits or more, rounded to it; nothing for any other.
  void set_real(size_t i, double number);
};

// A block made by Builder::block, to be used as a graph attribute.
struct Block {
  int64_t number = -1;
};

// Dense constant data for attributes and constants: row-major, little-endian.
struct Tensor {
  DType dtype = DType::undefined;
  std::vector<int64_t> dims;
  std::vector<unsigned char> data;
};

// One attribute: {"axis", 1}, {"pads", {0, 0}}, {"mode", "reflect"}, {"to", DType::f32}.
class Attr {
 public:
  using Data = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>,
                            std::vector<std::string>, Tensor, Block>;

  template <typename T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
  Attr(std::string name, T value) : name_(std::move(name)), data_(static_cast<int64_t>(value)) {}
  Attr(std::string name, double value) : name_(std::move(name)), data_(value) {}
  Attr(std::string name, DType value) : name_(std::move(name)), data_(static_cast<int64_t>(value)) {}
  Attr(std::string name, const char* value) : name_(std::move(name)), data_(std::string(value)) {}
  Attr(std::string name, std::string_view value) : name_(std::move(name)), data_(std::string(value)) {}
  Attr(std::string name, std::string value) : name_(std::move(name)), data_(std::move(value)) {}
  Attr(std::string name, std::vector<int64_t> value) : name_(std::move(name)), data_(std::move(value)) {}
  Attr(std::string name, std::initializer_list<int64_t> value)
      : name_(std::move(name)), data_(std::vector<int64_t>(value)) {}
  Attr(std::string name, std::vector<double> value) : name_(std::move(name)), data_(std::move(value)) {}
  Attr(std::string name, std::vector<std::string> value) : name_(std::move(name)), data_(std::move(value)) {}
  Attr(std::string name, Tensor value) : name_(std::move(name)), data_(std::move(value)) {}
  Attr(std::string name, Block value) : name_(std::move(name)), data_(value) {}

  const std::string& name() const { return name_; }
  const Data& data() const { return data_; }

 private:
  std::string name_;
  Data data_;
};

using Attrs = std::vector<Attr>;

// What is said to the user.
struct Words {
  std::string text;
  std::string hint;  // what to do next
  std::string code;  // the plugin's own
};

// Thrown by the vocabulary to leave a mapping; the wrapper turns it into the status code. Never crosses the border.
class Declined : public std::runtime_error {
 public:
  explicit Declined(const std::string& text) : std::runtime_error(text) {}
  explicit Declined(Words words) : std::runtime_error(words.text), words_(std::move(words)) {}
  const std::string& hint() const { return words_.hint; }
  const std::string& code() const { return words_.code; }

 private:
  Words words_;
};

class Failed : public std::runtime_error {
 public:
  explicit Failed(const std::string& text) : std::runtime_error(text) {}
  explicit Failed(Words words) : std::runtime_error(words.text), words_(std::move(words)) {}
  const std::string& hint() const { return words_.hint; }
  const std::string& code() const { return words_.code; }

 private:
  Words words_;
};

}  // namespace ONNXPORT_SDK_HIDDEN
}  // namespace onnxport
