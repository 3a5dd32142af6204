#include "core/onnx/schemas.h"

#include <algorithm>
#include <limits>

#include "onnx/defs/data_type_utils.h"

namespace onnxport::onnx {

bool Parameter::allows(const ir::Type& type) const {
  if (any) return true;
  if (!type.is_tensor()) return type.kind() == ir::Type::Kind::unknown || sequences;
  if (type.dtype() == ir::DType::undefined) return true;
  const auto bit = static_cast<uint32_t>(type.dtype());
  return bit < 32 && (tensors >> bit & 1U) != 0;
}

std::string Parameter::allowed_text() const {
  std::vector<std::string> names;
  for (uint32_t bit = 1; bit < 32; ++bit) {
    if ((tensors >> bit & 1U) != 0) names.emplace_back(ir::short_name(static_cast<ir::DType>(bit)));
  }
  std::erase(names, "?");
  if (sequences) names.emplace_back("a sequence or optional");
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
    out += names[i];
  }
  return out;
}

namespace {

Parameter prepare(const pb::OpSchema::FormalParameter& formal) {
  Parameter p;
  p.name = formal.GetName();
  p.type_name = formal.GetTypeStr();
  p.optional = formal.GetOption() == pb::OpSchema::Optional;
  p.variadic = formal.GetOption() == pb::OpSchema::Variadic;
  p.homogeneous = formal.GetIsHomogeneous();
  p.any = formal.GetTypes().empty();
  for (const pb::DataType type : formal.GetTypes()) {
    const pb::TypeProto& proto = pb::Utils::DataTypeUtils::ToTypeProto(type);
    if (proto.value_case() == pb::TypeProto::kTensorType) {
      const int32_t dtype = proto.tensor_type().elem_type();
      if (dtype > 0 && dtype < 32) p.tensors |= 1U << static_cast<uint32_t>(dtype);
    } else {
      p.sequences = true;
    }
  }
  return p;
}

size_t limit(int count) {
  return count == std::numeric_limits<int>::max() ? std::numeric_limits<size_t>::max()
                                                  : static_cast<size_t>(count);
}

std::unique_ptr<Signature> prepare(const pb::OpSchema& schema) {
  auto out = std::make_unique<Signature>();
  out->schema = &schema;
  if (schema.has_type_and_shape_inference_function()) out->infer = schema.GetTypeAndShapeInferenceFunction();
  for (const auto& formal : schema.inputs()) out->inputs.push_back(prepare(formal));
  for (const auto& formal : schema.outputs()) out->outputs.push_back(prepare(formal));
  out->min_inputs = limit(schema.min_input());
  out->max_inputs = limit(schema.max_input());
  out->min_outputs = limit(schema.min_output());
  out->max_outputs = limit(schema.max_output());
  return out;
}

std::string canonical(std::string_view domain) {
  return domain == "ai.onnx" ? std::string() : std::string(domain);
}

}  // namespace

bool is_onnx_domain(std::string_view domain) {
  return pb::OpSchemaRegistry::DomainToVersionRange::Instance().Map().count(canonical(domain)) > 0;
}

int latest_opset() { return pb::OpSchemaRegistry::DomainToVersionRange::Instance().Map().at("").second; }

const pb::OpSchema* find_schema(std::string_view op_type, std::string_view domain, int opset) {
  const std::string name = canonical(domain);
  int version = opset;
  if (!name.empty()) {
    const auto& versions = pb::OpSchemaRegistry::DomainToVersionRange::Instance().LastReleaseVersionMap();
    const auto found = versions.find(name);
    if (found == versions.end()) return nullptr;
    version = found->second;
  }
  const pb::OpSchema* schema = pb::OpSchemaRegistry::Schema(std::string(op_type), version, name);
  return schema == nullptr || schema->deprecated() ? nullptr : schema;
}

const Signature* Signatures::find(std::string_view op_type, std::string_view domain, int opset) {
  key_.assign(op_type);
  key_ += ':';
  key_ += domain;
  key_ += ':';
  key_ += std::to_string(opset);
  const auto found = known_.find(key_);
  if (found != known_.end()) return found->second.get();
  const pb::OpSchema* schema = find_schema(op_type, domain, opset);
  return known_.emplace(key_, schema == nullptr ? nullptr : prepare(*schema)).first->second.get();
}

}  // namespace onnxport::onnx
