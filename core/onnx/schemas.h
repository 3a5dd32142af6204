// ONNX's operator schemas, prepared for checking and inferring many nodes quickly.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/ir/type.h"
#include "core/onnx/proto.h"
#include "onnx/defs/schema.h"

namespace onnxport::onnx {

// One formal input or output.
struct Parameter {
  std::string name;
  std::string type_name;   // "T" of a type variable, or a type's own text
  uint32_t tensors = 0;    // bit n: tensors of dtype n are allowed
  bool sequences = false;  // sequence or optional types are allowed
  bool any = false;        // no constraint
  bool optional = false;
  bool variadic = false;
  bool homogeneous = true;

  bool allows(const ir::Type& type) const;
  std::string allowed_text() const;  // "f32, f16 or i64"
};

struct Signature {
  const pb::OpSchema* schema = nullptr;
  pb::InferenceFunction infer;  // empty: none
  std::vector<Parameter> inputs;
  std::vector<Parameter> outputs;
  size_t min_inputs = 0, max_inputs = 0;
  size_t min_outputs = 0, max_outputs = 0;

  // The formal parameter of an actual one; the last serves all of a variadic tail.
  const Parameter& input(size_t i) const { return inputs[i < inputs.size() ? i : inputs.size() - 1]; }
  const Parameter& output(size_t i) const { return outputs[i < outputs.size() ? i : outputs.size() - 1]; }
};

// The schema in force at `opset` of the domain ("" or "ai.onnx"); other domains that ONNX defines answer with
// their latest. Null when ONNX has none.
const pb::OpSchema* find_schema(std::string_view op_type, std::string_view domain, int opset);
// True for domains whose operators ONNX itself defines.
bool is_onnx_domain(std::string_view domain);
// The newest ai.onnx opset that the library has schemas of.
int latest_opset();

// Signatures by operator, each prepared once. Not thread-safe: one per builder.
class Signatures {
 public:
  // Null when ONNX has no such operator at `opset`.
  const Signature* find(std::string_view op_type, std::string_view domain, int opset);

 private:
  std::unordered_map<std::string, std::unique_ptr<Signature>> known_;
  std::string key_;
};

}  // namespace onnxport::onnx
