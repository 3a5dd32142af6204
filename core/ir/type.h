// Types of values: tensors with symbolic dims, and the scalars and containers of the torch dialect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ir/dims/dim.h"

namespace onnxport::ir {

// Element types, with the numbers of ONNX's TensorProto.DataType.
enum class DType : int32_t {
  undefined = 0,
  f32 = 1,
  u8 = 2,
  i8 = 3,
  u16 = 4,
  i16 = 5,
  i32 = 6,
  i64 = 7,
  string = 8,
  boolean = 9,
  f16 = 10,
  f64 = 11,
  u32 = 12,
  u64 = 13,
  c64 = 14,
  c128 = 15,
  bf16 = 16,
  f8e4m3fn = 17,
  f8e4m3fnuz = 18,
  f8e5m2 = 19,
  f8e5m2fnuz = 20,
  u4 = 21,  // from here on packed, but for f8e8m0: the first element in the lowest bits of a byte
  i4 = 22,
  f4e2m1 = 23,
  f8e8m0 = 24,
  u2 = 25,
  i2 = 26,
};
inline constexpr int kLastDType = 26;

// Bytes of one element; 0 for undefined, string, and what is packed (4 and 2 bits).
size_t size_of(DType dtype);
// Bits of one element; 0 for undefined and string.
size_t bits_of(DType dtype);
// Bytes of so many elements, packed where the type is.
uint64_t bytes_of(DType dtype, uint64_t count);
// "f32", "bool", …; "?" for undefined.
std::string_view short_name(DType dtype);
// Accepts the short names and torch's long ones ("float32", "int64", "bool", "half", …).
std::optional<DType> parse_dtype(std::string_view name);
bool is_floating(DType dtype);
bool is_integral(DType dtype);  // bool is not
bool is_complex(DType dtype);

using Shape = std::vector<Dim>;

class Type {
 public:
  enum class Kind : uint8_t {
    unknown,
    none,
    tensor,
    integer,
    real,
    boolean,
    string,
    dtype,
    list,
    tuple,
    optional,
    dict,
    object
  };

  Type() = default;
  static Type none() { return Type(Kind::none); }
  static Type integer() { return Type(Kind::integer); }
  static Type real() { return Type(Kind::real); }
  static Type boolean() { return Type(Kind::boolean); }
  static Type string() { return Type(Kind::string); }
  static Type dtype_kind() { return Type(Kind::dtype); }
  static Type object() { return Type(Kind::object); }
  // shape nullopt: rank unknown.
  static Type tensor(DType dtype = DType::undefined, std::optional<Shape> shape = std::nullopt);
  static Type list(Type element);
  static Type optional(Type element);
  static Type tuple(std::vector<Type> elements, std::vector<std::string> names = {});
  static Type dict(Type key, Type value);

  Kind kind() const { return kind_; }
  bool is_tensor() const { return kind_ == Kind::tensor; }
  bool is_scalar() const { return kind_ == Kind::integer || kind_ == Kind::real || kind_ == Kind::boolean; }
  DType dtype() const { return dtype_; }                        // of a tensor
  const std::optional<Shape>& shape() const { return shape_; }  // of a tensor
  int rank() const { return shape_ ? static_cast<int>(shape_->size()) : -1; }
  // ONNX dialect: a real tensor with a last axis of 2 that stands for a complex one.
  bool stands_for_complex() const { return complex_; }
  void set_stands_for_complex(bool on) { complex_ = on; }
  const std::vector<Type>& elements() const {
    return elements_;
  }  // list, optional: one; tuple: all; dict: two
  const std::vector<std::string>& names() const { return names_; }  // of a named tuple's elements

  // "f32[batch,3]", "f32[*]" (rank unknown), "?[..]", "int", "list<int>", "tuple<f32[2],int>", …
  std::string text() const;
  // nullopt when the text is no type.
  static std::optional<Type> parse(std::string_view text);
  friend bool operator==(const Type& a, const Type& b);  // unknown dims compare equal here

 private:
  explicit Type(Kind kind) : kind_(kind) {}

  Kind kind_ = Kind::unknown;
  bool complex_ = false;
  DType dtype_ = DType::undefined;
  std::optional<Shape> shape_;
  std::vector<Type> elements_;
  std::vector<std::string> names_;
};

}  // namespace onnxport::ir
