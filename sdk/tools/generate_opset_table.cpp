// generate_table N FILE: writes the legality table of ai.onnx opset N as C++, from the ONNX library's own
// schemas. Runs while building; nothing of ONNX is left in the plugin.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "onnx/defs/schema.h"
#include "onnxport/abi.h"

namespace {

namespace onnx = ONNX_NAMESPACE;

// Newest IR version of the ONNX release that introduced an opset; the format has no other source for this
// than onnx/docs/Versioning.md.
int ir_version_of(int opset) {
  struct Row {
    int first_opset;
    int ir_version;
  };
  static constexpr Row rows[] = {{1, 3},  {9, 4},   {10, 5},  {11, 6},  {12, 7},  {15, 8},
                                 {19, 9}, {21, 10}, {23, 11}, {24, 12}, {25, 13}, {28, 14}};
  int ir_version = rows[0].ir_version;
  for (const Row& row : rows) {
    if (opset >= row.first_opset) ir_version = row.ir_version;
  }
  return ir_version;
}

// Bit n: element type n is allowed as a plain tensor. The last bit says that the two before it tell whether lists of tensors
// and optional values are; a table without it says nothing of them.
constexpr uint64_t kSaysOthers = uint64_t{1} << 63, kSequences = uint64_t{1} << 62,
                   kOptionals = uint64_t{1} << 61;

uint64_t type_mask(const onnx::OpSchema::FormalParameter& parameter) {
  static const std::map<std::string, int> numbers = {
      {"float", 1},         {"uint8", 2},           {"int8", 3},        {"uint16", 4},
      {"int16", 5},         {"int32", 6},           {"int64", 7},       {"string", 8},
      {"bool", 9},          {"float16", 10},        {"double", 11},     {"uint32", 12},
      {"uint64", 13},       {"complex64", 14},      {"complex128", 15}, {"bfloat16", 16},
      {"float8e4m3fn", 17}, {"float8e4m3fnuz", 18}, {"float8e5m2", 19}, {"float8e5m2fnuz", 20},
      {"uint4", 21},        {"int4", 22},           {"float4e2m1", 23}, {"float8e8m0", 24},
      {"uint2", 25},        {"int2", 26},           {"float6e2m3", 27}, {"float6e3m2", 28}};
  uint64_t mask = kSaysOthers;
  for (const std::string* type : parameter.GetTypes()) {
    if (type->rfind("seq(", 0) == 0) mask |= kSequences;
    if (type->rfind("optional(", 0) == 0) mask |= kOptionals;
    if (type->rfind("tensor(", 0) != 0) continue;
    const std::string element = type->substr(7, type->size() - 8);
    const auto it = numbers.find(element);
    if (it == numbers.end())
      throw std::runtime_error("element type '" + element + "' is new: add its number here");
    mask |= uint64_t{1} << it->second;
  }
  return mask;
}

int32_t attribute_kind(onnx::AttributeProto::AttributeType type) {
  switch (type) {
    case onnx::AttributeProto::INT:
      return ONNXPORT_ATTR_INT;
    case onnx::AttributeProto::FLOAT:
      return ONNXPORT_ATTR_FLOAT;
    case onnx::AttributeProto::STRING:
      return ONNXPORT_ATTR_STRING;
    case onnx::AttributeProto::TENSOR:
      return ONNXPORT_ATTR_TENSOR;
    case onnx::AttributeProto::INTS:
      return ONNXPORT_ATTR_INTS;
    case onnx::AttributeProto::FLOATS:
      return ONNXPORT_ATTR_FLOATS;
    case onnx::AttributeProto::STRINGS:
      return ONNXPORT_ATTR_STRINGS;
    case onnx::AttributeProto::GRAPH:
      return ONNXPORT_ATTR_BLOCK;
    default:
      return 0;
  }
}

int32_t parameter_option(onnx::OpSchema::FormalParameterOption option) {
  switch (option) {
    case onnx::OpSchema::Optional:
      return ONNXPORT_PARAM_OPTIONAL;
    case onnx::OpSchema::Variadic:
      return ONNXPORT_PARAM_VARIADIC;
    default:
      return ONNXPORT_PARAM_SINGLE;
  }
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

class TableWriter {
 public:
  explicit TableWriter(int version) : version_(version) {}

  std::string text() {
    std::ostringstream ops;
    size_t count = 0;
    for (const auto& [name, schema] : schemas()) {
      ops << "    " << row(*schema) << ",\n";
      ++count;
    }
    std::ostringstream out;
    out << "// Generated from the ONNX schemas by generate_table. Do not edit.\n#include "
           "\"table_data.h\"\n\nnamespace {\n\n"
        << "constexpr onnxport_param params[] = {\n"
        << params_.str() << "    {nullptr, 0, 0, 0}};\n\n"
        << "constexpr onnxport_attr_def attrs[] = {\n"
        << attrs_.str() << "    {nullptr, 0, 0, 0, 0, 0, 0.0, nullptr, nullptr, nullptr, nullptr}};\n\n"
        << "constexpr onnxport_op_def table[] = {\n"
        << ops.str() << "};\n\n}  // namespace\n\nnamespace opset_table {\n\n"
        << "const int version = " << version_ << ";\nconst int ir_version = " << ir_version_of(version_)
        << ";\n"
        << "const uint32_t op_count = " << count << ";\nconst onnxport_op_def* const ops = table;\n\n"
        << "}  // namespace opset_table\n";
    return out.str();
  }

 private:
  // The newest schema at or below the version, by name; deprecated ones too: a file may hold them.
  std::map<std::string, const onnx::OpSchema*> schemas() const {
    std::map<std::string, const onnx::OpSchema*> out;
    for (const onnx::OpSchema& s : onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
      if (!s.domain().empty() || s.since_version() > version_ ||
          s.support_level() == onnx::OpSchema::SupportType::EXPERIMENTAL) {
        continue;
      }
      out[s.Name()] = onnx::OpSchemaRegistry::Schema(s.Name(), version_, "");
    }
    return out;
  }

  std::string row(const onnx::OpSchema& schema) {
    const size_t first_input = param_count_;
    for (const auto& p : schema.inputs()) add(p);
    const size_t first_output = param_count_;
    for (const auto& p : schema.outputs()) add(p);
    const size_t first_attr = attr_count_;
    const std::map<std::string, onnx::OpSchema::Attribute> sorted(schema.attributes().begin(),
                                                                  schema.attributes().end());
    for (const auto& [name, attribute] : sorted) add(attribute);

    const int body = schema.HasFunction() ? 1 : schema.HasContextDependentFunction() ? 2 : 0;
    std::ostringstream out;
    out << '{' << quoted(schema.Name()) << ", " << schema.since_version() << ", "
        << (schema.deprecated() ? 1 : 0) << ", " << body << ", " << schema.inputs().size() << ", "
        << schema.outputs().size() << ", " << sorted.size() << ", params + " << first_input << ", params + "
        << first_output << ", attrs + " << first_attr << ", nullptr, 0, 0}";
    return out.str();
  }

  void add(const onnx::OpSchema::FormalParameter& p) {
    params_ << "    {" << quoted(p.GetName()) << ", " << parameter_option(p.GetOption()) << ", 0, "
            << type_mask(p) << "u},\n";
    ++param_count_;
  }

  void add(const onnx::OpSchema::Attribute& a) {
    const onnx::AttributeProto& value = a.default_value;
    const int32_t kind = attribute_kind(a.type);
    const bool scalar =
        kind == ONNXPORT_ATTR_INT || kind == ONNXPORT_ATTR_FLOAT || kind == ONNXPORT_ATTR_STRING;
    const bool has_default = scalar && !a.required && value.type() == a.type;
    attrs_.precision(17);
    attrs_ << "    {" << quoted(a.name) << ", " << kind << ", " << (a.required ? 1 : 0) << ", "
           << (has_default ? 1 : 0) << ", 0, " << (has_default ? value.i() : 0) << ", " << std::showpoint
           << static_cast<double>(has_default ? value.f() : 0.0F) << ", "
           << (has_default && kind == ONNXPORT_ATTR_STRING ? quoted(value.s()) : "nullptr")
           << ", nullptr, nullptr, nullptr},\n";
    ++attr_count_;
  }

  int version_;
  std::ostringstream params_;
  std::ostringstream attrs_;
  size_t param_count_ = 0;
  size_t attr_count_ = 0;
};

int run(int version, const char* path) {
  const auto range = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map().at("");
  if (version < range.first || version > range.second) {
    std::cerr << "generate_table: this ONNX library knows ai.onnx opsets " << range.first << " to "
              << range.second << ", not " << version << '\n';
    return 1;
  }
  std::ofstream out(path, std::ios::binary);
  out << TableWriter(version).text();
  out.close();
  if (!out) {
    std::cerr << "generate_table: cannot write " << path << '\n';
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: generate_table OPSET FILE\n";
    return 2;
  }
  try {
    return run(std::stoi(argv[1]), argv[2]);
  } catch (const std::exception& e) {
    std::cerr << "generate_table: " << e.what() << '\n';
    return 1;
  }
}
