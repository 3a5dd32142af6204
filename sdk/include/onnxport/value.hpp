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

#include "onnxport/abi.h"

namespace onnxport {
inline namespace sdk_v1 {

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
};

inline bool is_floating(DType t) {
  return t == DType::f32 || t == DType::f64 || t == DType::f16 || t == DType::bf16;
}
inline bool is_complex(DType t) { return t == DType::c64 || t == DType::c128; }
inline bool is_integral(DType t) {
  return !is_floating(t) && !is_complex(t) && t != DType::boolean && t != DType::string &&
         t != DType::undefined;
}

class Builder;

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
  // Stands for a complex torch tensor: real, with a last axis of 2 that rank() and dims do not count.
  bool is_complex() const;
  // A Python number of the model (int, float, bool), not a tensor.
  bool is_number() const;
  // The contents, when this is a constant (or shape arithmetic that folded to one) of an integer or bool
  // type.
  std::optional<std::vector<int64_t>> constant_ints() const;
  // The contents, when this is a constant of a real floating type.
  std::optional<std::vector<double>> constant_reals() const;
  bool is_constant() const;

 private:
  Builder* builder_ = nullptr;
  onnxport_value handle_ = 0;
};

using Values = std::vector<Value>;

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

// Thrown by the vocabulary to leave a mapping; the wrapper turns it into the status code. Never crosses the
// border.
struct Declined : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace sdk_v1
}  // namespace onnxport
