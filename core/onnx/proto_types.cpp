#include "core/onnx/proto_types.h"

#include <cstring>
#include <limits>

#include "onnxport/errors.h"

namespace onnxport {

namespace {

void tensor_type_to_proto(const ir::Type& type, pb::TypeProto::Tensor& out) {
  out.set_elem_type(static_cast<int32_t>(type.dtype()));
  if (!type.shape()) return;
  pb::TensorShapeProto* shape = out.mutable_shape();
  for (const ir::Dim& dim : *type.shape()) {
    auto* d = shape->add_dim();
    if (dim.is_constant()) {
      d->set_dim_value(dim.value());
    } else if (dim.is_expression() && !dim.is_anonymous()) {
      d->set_dim_param(dim.text());
    }
  }
}

ir::Dim dim_from_proto(const pb::TensorShapeProto::Dimension& dim) {
  if (dim.has_dim_value() && dim.dim_value() >= 0) return ir::Dim(dim.dim_value());
  if (!dim.has_dim_param() || dim.dim_param().empty()) return ir::Dim();
  // Any text may stand in a file; what is no expression of ours is a name all the same.
  if (auto parsed = ir::Dim::parse(dim.dim_param())) return *parsed;
  return ir::Dim::symbol(dim.dim_param());
}

// Numbers that this version of the format does not give to a type become the unknown type.
ir::DType dtype_from_proto(int32_t number) {
  return pb::TensorProto::DataType_IsValid(number) ? static_cast<ir::DType>(number) : ir::DType::undefined;
}

[[noreturn]] void malformed(const pb::TensorProto& tensor, const std::string& what) {
  throw Error("I123", "the tensor '" + tensor.name() + "' " + what, {},
              "the file is damaged: write it again");
}

// Typed fields hold wider elements than the tensor: each is narrowed to the stored one.
template <typename Stored, typename Field>
std::vector<std::byte> narrowed(const Field& field) {
  std::vector<std::byte> out(static_cast<size_t>(field.size()) * sizeof(Stored));
  for (int i = 0; i < field.size(); ++i) {
    const auto element = static_cast<Stored>(field.Get(i));
    std::memcpy(out.data() + static_cast<size_t>(i) * sizeof(Stored), &element, sizeof(Stored));
  }
  return out;
}

// int32_data carries the small types: the low bytes of each element are the element.
std::vector<std::byte> from_int32_data(const pb::TensorProto& tensor, size_t element_size) {
  switch (element_size) {
    case 1:
      return narrowed<uint8_t>(tensor.int32_data());
    case 2:
      return narrowed<uint16_t>(tensor.int32_data());
    default:
      return narrowed<int32_t>(tensor.int32_data());
  }
}

std::vector<std::byte> typed_data(const pb::TensorProto& tensor, ir::DType dtype) {
  switch (dtype) {
    case ir::DType::f32:
    case ir::DType::c64:
      return narrowed<float>(tensor.float_data());
    case ir::DType::f64:
    case ir::DType::c128:
      return narrowed<double>(tensor.double_data());
    case ir::DType::i64:
      return narrowed<int64_t>(tensor.int64_data());
    case ir::DType::u64:
      return narrowed<uint64_t>(tensor.uint64_data());
    case ir::DType::u32:
      return narrowed<uint32_t>(tensor.uint64_data());
    default:
      return from_int32_data(tensor, ir::size_of(dtype));
  }
}

}  // namespace

void type_to_proto(const ir::Type& type, pb::TypeProto& out) {
  switch (type.kind()) {
    case ir::Type::Kind::tensor:
      if (type.dtype() != ir::DType::undefined) tensor_type_to_proto(type, *out.mutable_tensor_type());
      break;
    case ir::Type::Kind::list:
      type_to_proto(type.elements().at(0), *out.mutable_sequence_type()->mutable_elem_type());
      if (out.sequence_type().elem_type().value_case() == pb::TypeProto::VALUE_NOT_SET) out.Clear();
      break;
    case ir::Type::Kind::optional:
      type_to_proto(type.elements().at(0), *out.mutable_optional_type()->mutable_elem_type());
      if (out.optional_type().elem_type().value_case() == pb::TypeProto::VALUE_NOT_SET) out.Clear();
      break;
    default:
      break;
  }
}

ir::Type type_from_proto(const pb::TypeProto& type) {
  switch (type.value_case()) {
    case pb::TypeProto::kTensorType: {
      const ir::DType dtype = dtype_from_proto(type.tensor_type().elem_type());
      if (!type.tensor_type().has_shape()) return ir::Type::tensor(dtype);
      ir::Shape shape;
      for (const auto& dim : type.tensor_type().shape().dim()) shape.push_back(dim_from_proto(dim));
      return ir::Type::tensor(dtype, std::move(shape));
    }
    case pb::TypeProto::kSequenceType:
      return ir::Type::list(type_from_proto(type.sequence_type().elem_type()));
    case pb::TypeProto::kOptionalType:
      return ir::Type::optional(type_from_proto(type.optional_type().elem_type()));
    default:
      return {};
  }
}

void tensor_header(const ir::Tensor& tensor, pb::TensorProto& out) {
  out.set_data_type(static_cast<int32_t>(tensor.dtype()));
  for (int64_t dim : tensor.dims()) out.add_dims(dim);
}

void tensor_to_proto(const ir::Tensor& tensor, pb::TensorProto& out) {
  tensor_header(tensor, out);
  const auto bytes = tensor.bytes();
  out.set_raw_data(bytes.data(), bytes.size());
}

ir::Tensor tensor_from_proto(const pb::TensorProto& tensor) {
  const ir::DType dtype = dtype_from_proto(tensor.data_type());
  if (ir::size_of(dtype) == 0) {
    throw Error("I125",
                "the tensor '" + tensor.name() + "' has element type " + std::to_string(tensor.data_type()) +
                    ", whose contents this version does not hold",
                {}, "tensors of numbers and bools are read; strings and types below one byte are not");
  }
  if (tensor.data_location() == pb::TensorProto::EXTERNAL) {
    throw Error("I124", "the tensor '" + tensor.name() +
                            "' lies in another file, which cannot be followed from here");
  }
  std::vector<int64_t> dims(tensor.dims().begin(), tensor.dims().end());
  try {
    if (tensor.has_raw_data()) {
      return ir::Tensor::copy_of(dtype, std::move(dims), std::as_bytes(std::span(tensor.raw_data())));
    }
    return ir::Tensor::copy_of(dtype, std::move(dims), typed_data(tensor, dtype));
  } catch (const std::invalid_argument&) {
    malformed(tensor, "has another number of bytes than its dims say");
  }
}

}  // namespace onnxport
