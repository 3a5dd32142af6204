#include <array>
#include <utility>

#include "core/ir/type.h"

namespace onnxport::ir {

namespace {

struct DTypeFacts {
  DType dtype;
  std::string_view short_name;
  size_t size;
  enum class Class : uint8_t { other, integer, real, complex } kind;
};

using Class = DTypeFacts::Class;

constexpr std::array kFacts = {
    DTypeFacts{DType::undefined, "?", 0, Class::other},
    DTypeFacts{DType::f32, "f32", 4, Class::real},
    DTypeFacts{DType::u8, "u8", 1, Class::integer},
    DTypeFacts{DType::i8, "i8", 1, Class::integer},
    DTypeFacts{DType::u16, "u16", 2, Class::integer},
    DTypeFacts{DType::i16, "i16", 2, Class::integer},
    DTypeFacts{DType::i32, "i32", 4, Class::integer},
    DTypeFacts{DType::i64, "i64", 8, Class::integer},
    DTypeFacts{DType::string, "string", 0, Class::other},
    DTypeFacts{DType::boolean, "bool", 1, Class::other},
    DTypeFacts{DType::f16, "f16", 2, Class::real},
    DTypeFacts{DType::f64, "f64", 8, Class::real},
    DTypeFacts{DType::u32, "u32", 4, Class::integer},
    DTypeFacts{DType::u64, "u64", 8, Class::integer},
    DTypeFacts{DType::c64, "c64", 8, Class::complex},
    DTypeFacts{DType::c128, "c128", 16, Class::complex},
    DTypeFacts{DType::bf16, "bf16", 2, Class::real},
    DTypeFacts{DType::f8e4m3fn, "f8e4m3fn", 1, Class::real},
    DTypeFacts{DType::f8e4m3fnuz, "f8e4m3fnuz", 1, Class::real},
    DTypeFacts{DType::f8e5m2, "f8e5m2", 1, Class::real},
    DTypeFacts{DType::f8e5m2fnuz, "f8e5m2fnuz", 1, Class::real},
};

constexpr std::pair<std::string_view, DType> kLongNames[] = {
    {"float32", DType::f32},
    {"float", DType::f32},
    {"float64", DType::f64},
    {"double", DType::f64},
    {"float16", DType::f16},
    {"half", DType::f16},
    {"bfloat16", DType::bf16},
    {"int64", DType::i64},
    {"long", DType::i64},
    {"int32", DType::i32},
    {"int", DType::i32},
    {"int16", DType::i16},
    {"short", DType::i16},
    {"int8", DType::i8},
    {"char", DType::i8},
    {"uint8", DType::u8},
    {"byte", DType::u8},
    {"uint16", DType::u16},
    {"uint32", DType::u32},
    {"uint64", DType::u64},
    {"boolean", DType::boolean},
    {"complex64", DType::c64},
    {"cfloat", DType::c64},
    {"complex128", DType::c128},
    {"cdouble", DType::c128},
    {"float8_e4m3fn", DType::f8e4m3fn},
    {"float8_e4m3fnuz", DType::f8e4m3fnuz},
    {"float8_e5m2", DType::f8e5m2},
    {"float8_e5m2fnuz", DType::f8e5m2fnuz},
    {"str", DType::string},
};

// The table is in the order of the numbers; a number from a file may be outside it.
const DTypeFacts& facts(DType dtype) {
  const auto i = static_cast<size_t>(dtype);
  return i < kFacts.size() ? kFacts[i] : kFacts[0];
}

}  // namespace

size_t size_of(DType dtype) { return facts(dtype).size; }

std::string_view short_name(DType dtype) { return facts(dtype).short_name; }

std::optional<DType> parse_dtype(std::string_view name) {
  if (name.starts_with("torch.")) name.remove_prefix(6);
  for (const DTypeFacts& f : kFacts) {
    if (f.dtype != DType::undefined && f.short_name == name) return f.dtype;
  }
  for (const auto& [long_name, dtype] : kLongNames) {
    if (long_name == name) return dtype;
  }
  return std::nullopt;
}

bool is_floating(DType dtype) { return facts(dtype).kind == Class::real; }
bool is_integral(DType dtype) { return facts(dtype).kind == Class::integer; }
bool is_complex(DType dtype) { return facts(dtype).kind == Class::complex; }

}  // namespace onnxport::ir
