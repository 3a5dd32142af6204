#include <array>
#include <utility>

#include "core/ir/type.h"

namespace onnxport::ir {

namespace {

struct DTypeFacts {
  DType dtype;
  std::string_view short_name;
  uint32_t bits;
  enum class Class : uint8_t { other, integer, real, complex } kind;
};

using Class = DTypeFacts::Class;

constexpr std::array kFacts = {
    DTypeFacts{DType::undefined, "?", 0, Class::other},
    DTypeFacts{DType::f32, "f32", 32, Class::real},
    DTypeFacts{DType::u8, "u8", 8, Class::integer},
    DTypeFacts{DType::i8, "i8", 8, Class::integer},
    DTypeFacts{DType::u16, "u16", 16, Class::integer},
    DTypeFacts{DType::i16, "i16", 16, Class::integer},
    DTypeFacts{DType::i32, "i32", 32, Class::integer},
    DTypeFacts{DType::i64, "i64", 64, Class::integer},
    DTypeFacts{DType::string, "string", 0, Class::other},
    DTypeFacts{DType::boolean, "bool", 8, Class::other},
    DTypeFacts{DType::f16, "f16", 16, Class::real},
    DTypeFacts{DType::f64, "f64", 64, Class::real},
    DTypeFacts{DType::u32, "u32", 32, Class::integer},
    DTypeFacts{DType::u64, "u64", 64, Class::integer},
    DTypeFacts{DType::c64, "c64", 64, Class::complex},
    DTypeFacts{DType::c128, "c128", 128, Class::complex},
    DTypeFacts{DType::bf16, "bf16", 16, Class::real},
    DTypeFacts{DType::f8e4m3fn, "f8e4m3fn", 8, Class::real},
    DTypeFacts{DType::f8e4m3fnuz, "f8e4m3fnuz", 8, Class::real},
    DTypeFacts{DType::f8e5m2, "f8e5m2", 8, Class::real},
    DTypeFacts{DType::f8e5m2fnuz, "f8e5m2fnuz", 8, Class::real},
    DTypeFacts{DType::u4, "u4", 4, Class::integer},
    DTypeFacts{DType::i4, "i4", 4, Class::integer},
    DTypeFacts{DType::f4e2m1, "f4e2m1", 4, Class::real},
    DTypeFacts{DType::f8e8m0, "f8e8m0", 8, Class::real},
    DTypeFacts{DType::u2, "u2", 2, Class::integer},
    DTypeFacts{DType::i2, "i2", 2, Class::integer},
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
    {"float8_e8m0fnu", DType::f8e8m0},
    {"uint4", DType::u4},
    {"int4", DType::i4},
    {"uint2", DType::u2},
    {"int2", DType::i2},
    {"str", DType::string},
};

// The table is in the order of the numbers; a number from a file may be outside it.
const DTypeFacts& facts(DType dtype) {
  const auto i = static_cast<size_t>(dtype);
  return i < kFacts.size() ? kFacts[i] : kFacts[0];
}

}  // namespace

size_t size_of(DType dtype) { return facts(dtype).bits / 8; }

size_t bits_of(DType dtype) { return facts(dtype).bits; }

uint64_t bytes_of(DType dtype, uint64_t count) { return (count * facts(dtype).bits + 7) / 8; }

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
