#include "core/onnx/convert.h"

#include <cstring>
#include <string>

#include "onnxport/errors.h"

namespace onnxport::onnx {

// ---- types ----

namespace {

void set_tensor(const ir::Type& type, pb::TypeProto::Tensor& out, For purpose) {
  out.set_elem_type(static_cast<int32_t>(type.dtype()));
  if (!type.shape()) return;
  pb::TensorShapeProto& shape = *out.mutable_shape();
  for (const ir::Dim& dim : *type.shape()) {
    auto* d = shape.add_dim();
    if (dim.is_constant()) {
      d->set_dim_value(dim.value());
    } else if (dim.is_expression() && (purpose == For::inference || !dim.is_anonymous())) {
      d->set_dim_param(dim.text());
    }
  }
}

void set_scalar(ir::DType dtype, pb::TypeProto& out) {
  out.mutable_tensor_type()->set_elem_type(static_cast<int32_t>(dtype));
  out.mutable_tensor_type()->mutable_shape();
}

}  // namespace

void to_proto(const ir::Type& type, pb::TypeProto& out, For purpose) {
  out.Clear();
  const bool file = purpose == For::file;
  switch (type.kind()) {
    case ir::Type::Kind::tensor:
      if (!file || type.dtype() != ir::DType::undefined)
        set_tensor(type, *out.mutable_tensor_type(), purpose);
      return;
    case ir::Type::Kind::integer:
      if (!file) set_scalar(ir::DType::i64, out);
      return;
    case ir::Type::Kind::real:
      if (!file) set_scalar(ir::DType::f64, out);
      return;
    case ir::Type::Kind::boolean:
      if (!file) set_scalar(ir::DType::boolean, out);
      return;
    case ir::Type::Kind::list: {
      pb::TypeProto& element = *out.mutable_sequence_type()->mutable_elem_type();
      to_proto(type.elements()[0], element, purpose);
      if (file && element.value_case() == pb::TypeProto::VALUE_NOT_SET) out.Clear();
      return;
    }
    case ir::Type::Kind::optional: {
      pb::TypeProto& element = *out.mutable_optional_type()->mutable_elem_type();
      to_proto(type.elements()[0], element, purpose);
      if (file && element.value_case() == pb::TypeProto::VALUE_NOT_SET) out.Clear();
      return;
    }
    default:
      return;
  }
}

ir::Dim to_dim(const pb::TensorShapeProto::Dimension& proto) {
  if (proto.has_dim_value()) return proto.dim_value() < 0 ? ir::Dim() : ir::Dim(proto.dim_value());
  if (!proto.has_dim_param() || proto.dim_param().empty()) return {};
  const auto parsed = ir::Dim::parse(proto.dim_param());
  // Of other people's names an arithmetic must not be made: "seq-len" is no difference.
  return parsed && parsed->text() == proto.dim_param() ? *parsed : ir::Dim::symbol(proto.dim_param());
}

ir::DType to_dtype(int32_t number) {
  return pb::TensorProto::DataType_IsValid(number) ? static_cast<ir::DType>(number) : ir::DType::undefined;
}

ir::Type to_type(const pb::TypeProto& proto) {
  switch (proto.value_case()) {
    case pb::TypeProto::kTensorType: {
      const auto& tensor = proto.tensor_type();
      const ir::DType dtype = to_dtype(tensor.elem_type());
      if (!tensor.has_shape()) return ir::Type::tensor(dtype);
      ir::Shape shape;
      shape.reserve(static_cast<size_t>(tensor.shape().dim_size()));
      for (const auto& dim : tensor.shape().dim()) shape.push_back(to_dim(dim));
      return ir::Type::tensor(dtype, std::move(shape));
    }
    case pb::TypeProto::kSequenceType:
      return ir::Type::list(to_type(proto.sequence_type().elem_type()));
    case pb::TypeProto::kOptionalType:
      return ir::Type::optional(to_type(proto.optional_type().elem_type()));
    default:
      return {};
  }
}

// ---- tensors ----

void to_proto_header(const ir::Tensor& tensor, pb::TensorProto& out) {
  out.set_data_type(static_cast<int32_t>(tensor.dtype()));
  for (int64_t dim : tensor.dims()) out.add_dims(dim);
}

void to_proto(const ir::Tensor& tensor, pb::TensorProto& out) {
  out.Clear();
  to_proto_header(tensor, out);
  const ir::Tensor dense = tensor.contiguous();
  out.set_raw_data(dense.bytes().data(), dense.bytes().size());
}

namespace {

// Packs what a typed field holds into elements of T.
template <typename T, typename Field>
ir::Tensor from_field(ir::DType dtype, std::vector<int64_t> dims, const Field& field) {
  std::vector<T> values;
  values.reserve(static_cast<size_t>(field.size()));
  for (const auto& v : field) values.push_back(static_cast<T>(v));
  return ir::Tensor::of<T>(dtype, std::move(dims), values);
}

ir::Tensor from_typed_fields(ir::DType dtype, std::vector<int64_t> dims, const pb::TensorProto& proto) {
  switch (dtype) {
    case ir::DType::f32:
    case ir::DType::c64:
      return from_field<float>(dtype, std::move(dims), proto.float_data());
    case ir::DType::f64:
    case ir::DType::c128:
      return from_field<double>(dtype, std::move(dims), proto.double_data());
    case ir::DType::i64:
      return from_field<int64_t>(dtype, std::move(dims), proto.int64_data());
    case ir::DType::u64:
      return from_field<uint64_t>(dtype, std::move(dims), proto.uint64_data());
    case ir::DType::u32:
      return from_field<uint32_t>(dtype, std::move(dims), proto.uint64_data());
    case ir::DType::i32:
      return from_field<int32_t>(dtype, std::move(dims), proto.int32_data());
    default:
      break;
  }
  if (ir::size_of(dtype) == 2) return from_field<uint16_t>(dtype, std::move(dims), proto.int32_data());
  return from_field<uint8_t>(dtype, std::move(dims), proto.int32_data());
}

}  // namespace

ir::Tensor to_tensor(const pb::TensorProto& proto) {
  const ir::DType dtype = to_dtype(proto.data_type());
  const std::string name = proto.name().empty() ? "a constant" : "the tensor '" + proto.name() + "'";
  if (ir::bits_of(dtype) == 0) {
    throw Error("I125",
                name + " has element type " + std::to_string(proto.data_type()) +
                    ", whose contents this version does not hold",
                {}, "tensors of numbers and bools are read; strings are not");
  }
  if (proto.data_location() == pb::TensorProto::EXTERNAL)
    throw Error("I124", name + " lies in another file, which cannot be followed from here");
  std::vector<int64_t> dims(proto.dims().begin(), proto.dims().end());
  try {
    if (proto.has_raw_data())
      return ir::Tensor::copy_of(dtype, std::move(dims), std::as_bytes(std::span(proto.raw_data())));
    return from_typed_fields(dtype, std::move(dims), proto);
  } catch (const std::invalid_argument&) {
    throw Error("I123", name + " has another number of bytes than its dims say", {},
                "the file is damaged: write it again");
  }
}

// ---- attributes ----

namespace {

struct AttributeWriter {
  pb::AttributeProto& out;

  void operator()(std::monostate) const { out.set_type(pb::AttributeProto::UNDEFINED); }
  void operator()(int64_t v) const {
    out.set_type(pb::AttributeProto::INT);
    out.set_i(v);
  }
  void operator()(bool v) const { (*this)(static_cast<int64_t>(v)); }
  void operator()(ir::DType v) const { (*this)(static_cast<int64_t>(v)); }
  void operator()(double v) const {
    out.set_type(pb::AttributeProto::FLOAT);
    out.set_f(static_cast<float>(v));
  }
  void operator()(const std::complex<double>& v) const { (*this)(std::vector<double>{v.real(), v.imag()}); }
  void operator()(const std::string& v) const {
    out.set_type(pb::AttributeProto::STRING);
    out.set_s(v);
  }
  void operator()(const std::vector<int64_t>& v) const {
    out.set_type(pb::AttributeProto::INTS);
    for (int64_t x : v) out.add_ints(x);
  }
  void operator()(const std::vector<bool>& v) const {
    out.set_type(pb::AttributeProto::INTS);
    for (const bool x : v) out.add_ints(x ? 1 : 0);
  }
  void operator()(const std::vector<double>& v) const {
    out.set_type(pb::AttributeProto::FLOATS);
    for (double x : v) out.add_floats(static_cast<float>(x));
  }
  void operator()(const std::vector<std::string>& v) const {
    out.set_type(pb::AttributeProto::STRINGS);
    for (const std::string& x : v) out.add_strings(x);
  }
  void operator()(const ir::Tensor& v) const {
    out.set_type(pb::AttributeProto::TENSOR);
    to_proto(v, *out.mutable_t());
  }
  void operator()(ir::Block*) const { out.set_type(pb::AttributeProto::GRAPH); }
};

}  // namespace

void to_proto(const ir::Attribute& attribute, pb::AttributeProto& out) {
  out.Clear();
  out.set_name(std::string(attribute.name.text()));
  std::visit(AttributeWriter{out}, attribute.value);
}

ir::AttributeValue to_attribute_value(const pb::AttributeProto& proto) {
  switch (proto.type()) {
    case pb::AttributeProto::INT:
      return proto.i();
    case pb::AttributeProto::FLOAT:
      return static_cast<double>(proto.f());
    case pb::AttributeProto::STRING:
      return proto.s();
    case pb::AttributeProto::TENSOR:
      return to_tensor(proto.t());
    case pb::AttributeProto::INTS:
      return std::vector<int64_t>(proto.ints().begin(), proto.ints().end());
    case pb::AttributeProto::FLOATS:
      return std::vector<double>(proto.floats().begin(), proto.floats().end());
    case pb::AttributeProto::STRINGS:
      return std::vector<std::string>(proto.strings().begin(), proto.strings().end());
    default:
      throw Error("T512", "attribute '" + proto.name() + "' is of a kind (" + std::to_string(proto.type()) +
                              ") that the graph does not hold");
  }
}

}  // namespace onnxport::onnx
