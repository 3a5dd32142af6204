#include "core/libtorch/convert.h"

#include <ATen/ops/from_blob.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace onnxport {
namespace {

constexpr std::array<std::pair<at::ScalarType, ir::DType>, 19> kTypes{{
    {at::kFloat, ir::DType::f32},
    {at::kByte, ir::DType::u8},
    {at::kChar, ir::DType::i8},
    {at::kUInt16, ir::DType::u16},
    {at::kShort, ir::DType::i16},
    {at::kInt, ir::DType::i32},
    {at::kLong, ir::DType::i64},
    {at::kBool, ir::DType::boolean},
    {at::kHalf, ir::DType::f16},
    {at::kDouble, ir::DType::f64},
    {at::kUInt32, ir::DType::u32},
    {at::kUInt64, ir::DType::u64},
    {at::kComplexFloat, ir::DType::c64},
    {at::kComplexDouble, ir::DType::c128},
    {at::kBFloat16, ir::DType::bf16},
    {at::kFloat8_e4m3fn, ir::DType::f8e4m3fn},
    {at::kFloat8_e4m3fnuz, ir::DType::f8e4m3fnuz},
    {at::kFloat8_e5m2, ir::DType::f8e5m2},
    {at::kFloat8_e5m2fnuz, ir::DType::f8e5m2fnuz},
}};

// The text of a schema type, as native_functions.yaml writes it: sizes are ints to us, list lengths are kept.
std::string type_text(const c10::Argument& argument) {
  std::string text = argument.real_type()->str();
  for (size_t at = text.find("SymInt"); at != std::string::npos; at = text.find("SymInt"))
    text.replace(at, 6, "int");
  if (argument.N()) {
    const size_t at = text.find("[]");
    if (at != std::string::npos) text.insert(at + 1, std::to_string(*argument.N()));
  }
  return text;
}

template <typename T, typename List>
std::vector<T> to_vector(const List& list) {
  std::vector<T> out;
  for (const auto& item : list) out.push_back(static_cast<T>(item));
  return out;
}

std::optional<ir::DefaultValue> default_value(const std::optional<c10::IValue>& value) {
  if (!value) return std::nullopt;
  if (value->isInt()) return value->toInt();
  if (value->isDouble()) return value->toDouble();
  if (value->isBool()) return value->toBool();
  if (value->isString()) return value->toStringRef();
  if (value->isIntList()) return to_vector<int64_t>(value->toIntVector());
  if (value->isDoubleList()) return to_vector<double>(value->toDoubleVector());
  if (value->isBoolList()) return to_vector<bool>(value->toBoolList());
  return ir::DefaultValue{};
}

ir::SchemaArgument to_argument(const c10::Argument& argument) {
  ir::SchemaArgument out;
  out.name = argument.name();
  out.type = type_text(argument);
  out.default_value = default_value(argument.default_value());
  out.keyword_only = argument.kwarg_only();
  if (const c10::AliasInfo* alias = argument.alias_info()) {
    for (const c10::Symbol set : alias->beforeSets()) out.alias_set = set.toUnqualString();
    out.is_written = alias->isWrite();
  }
  return out;
}

ir::Type container(const c10::Type& type) {
  std::vector<ir::Type> elements;
  for (const c10::TypePtr& element : type.containedTypes()) elements.push_back(from_torch(*element));
  switch (type.kind()) {
    case c10::TypeKind::ListType:
      return ir::Type::list(std::move(elements.at(0)));
    case c10::TypeKind::OptionalType:
      return ir::Type::optional(std::move(elements.at(0)));
    case c10::TypeKind::DictType:
      return ir::Type::dict(std::move(elements.at(0)), std::move(elements.at(1)));
    default: {
      std::vector<std::string> names;
      if (const auto& schema = type.expectRef<c10::TupleType>().schema()) {
        for (const c10::Argument& field : schema->arguments()) names.push_back(field.name());
      }
      return ir::Type::tuple(std::move(elements), std::move(names));
    }
  }
}

ir::Type tensor_type(const c10::TensorType& type) {
  const ir::DType dtype = type.scalarType() ? to_dtype(*type.scalarType()) : ir::DType::undefined;
  const auto sizes = type.sizes().sizes();
  if (!sizes) return ir::Type::tensor(dtype);
  ir::Shape shape;
  for (const std::optional<int64_t>& size : *sizes) shape.push_back(size ? ir::Dim(*size) : ir::Dim());
  return ir::Type::tensor(dtype, std::move(shape));
}

}  // namespace

ir::DType to_dtype(at::ScalarType type) {
  for (const auto& [torch, ours] : kTypes) {
    if (torch == type) return ours;
  }
  return ir::DType::undefined;
}

std::optional<at::ScalarType> to_scalar_type(ir::DType dtype) {
  for (const auto& [torch, ours] : kTypes) {
    if (ours == dtype) return torch;
  }
  return std::nullopt;
}

at::Tensor to_torch(const ir::Tensor& tensor) {
  const auto type = to_scalar_type(tensor.dtype());
  if (!type)
    throw std::invalid_argument("libtorch has no element type " + std::string(short_name(tensor.dtype())));
  // Kernels read numbers where they lie; a view of a file may lie anywhere.
  const bool aligned = reinterpret_cast<uintptr_t>(tensor.extent().data()) % at::elementSize(*type) == 0;
  const auto copied = [&] {
    const ir::Tensor dense = tensor.contiguous();
    return ir::Tensor::copy_of(dense.dtype(), dense.dims(), dense.bytes());
  };
  auto owner = std::make_shared<ir::Tensor>(aligned ? tensor : copied());
  auto* bytes = const_cast<std::byte*>(owner->extent().data());
  return at::from_blob(
      bytes, owner->dims(), owner->strides(), [owner](void*) {},
      at::TensorOptions().dtype(*type).device(at::kCPU));
}

bool fits_its_storage(const at::Tensor& tensor) {
  if (!tensor.defined() || !tensor.has_storage() || tensor.numel() == 0) return true;
  uint64_t elements = 1;  // from the first to the last
  uint64_t end = 0;
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    if (tensor.size(i) < 0 || tensor.stride(i) < 0) return false;
    uint64_t step = 0;
    if (__builtin_mul_overflow(static_cast<uint64_t>(tensor.size(i) - 1),
                               static_cast<uint64_t>(tensor.stride(i)), &step) ||
        __builtin_add_overflow(elements, step, &elements))
      return false;
  }
  if (tensor.storage_offset() < 0 ||
      __builtin_add_overflow(elements, static_cast<uint64_t>(tensor.storage_offset()), &elements) ||
      __builtin_mul_overflow(elements, static_cast<uint64_t>(tensor.itemsize()), &end))
    return false;
  return end <= tensor.storage().nbytes() && (tensor.is_meta() || tensor.storage().data() != nullptr);
}

std::string unsupported_kind(const at::Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  if (tensor.is_quantized()) return "quantized (" + std::string(c10::toString(tensor.scalar_type())) + ")";
  if (tensor.layout() != at::kStrided) return "not dense";
  if (tensor.is_meta()) return "not in memory (device meta)";
  if (!fits_its_storage(tensor)) return "larger than the storage it lies in";
  if (to_dtype(tensor.scalar_type()) == ir::DType::undefined)
    return "of an element type ONNX does not have (" + std::string(c10::toString(tensor.scalar_type())) + ")";
  return {};
}

ir::Tensor from_torch(const at::Tensor& given, std::optional<ir::FileRegion> file) {
  // Of a model on another device one tensor after another is copied to where it is written from.
  const bool elsewhere = given.defined() && !given.device().is_cpu() && !given.is_meta();
  const at::Tensor tensor = elsewhere ? given.cpu() : given;
  if (std::string why = unsupported_kind(tensor); !why.empty())
    throw std::invalid_argument("the tensor is " + why);
  auto dense = std::make_shared<at::Tensor>(tensor.resolve_conj().resolve_neg().contiguous());
  if (!dense->is_same(tensor)) file.reset();
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(dense->const_data_ptr()),
                                         dense->nbytes());
  return ir::Tensor(to_dtype(dense->scalar_type()), dense->sizes().vec(), bytes, dense, std::move(file));
}

ir::Type from_torch(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::TensorType:
      return tensor_type(type.expectRef<c10::TensorType>());
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
      return ir::Type::integer();
    case c10::TypeKind::FloatType:
    case c10::TypeKind::SymFloatType:
      return ir::Type::real();
    case c10::TypeKind::BoolType:
    case c10::TypeKind::SymBoolType:
      return ir::Type::boolean();
    case c10::TypeKind::StringType:
    case c10::TypeKind::DeviceObjType:
      return ir::Type::string();
    case c10::TypeKind::NoneType:
      return ir::Type::none();
    case c10::TypeKind::ScalarTypeType:
      return ir::Type::dtype_kind();
    case c10::TypeKind::ListType:
    case c10::TypeKind::OptionalType:
    case c10::TypeKind::DictType:
    case c10::TypeKind::TupleType:
      return container(type);
    case c10::TypeKind::ClassType:
    case c10::TypeKind::InterfaceType:
      return ir::Type::object();
    default:
      return {};  // Scalar, Any, unions: known only when the values are
  }
}

std::string qualified_name(const c10::FunctionSchema& schema) {
  return schema.overload_name().empty() ? schema.name() : schema.name() + "." + schema.overload_name();
}

bool takes_dtype(const c10::Argument& argument) {
  return argument.real_type()->str().find("ScalarType") != std::string::npos;
}

ir::Schema from_torch(const c10::FunctionSchema& schema) {
  ir::Schema out;
  out.name = schema.name();
  out.overload = schema.overload_name();
  for (const c10::Argument& argument : schema.arguments()) out.arguments.push_back(to_argument(argument));
  for (const c10::Argument& result : schema.returns()) out.returns.push_back(to_argument(result));
  return out;
}

}  // namespace onnxport
