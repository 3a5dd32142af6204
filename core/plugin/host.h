// The host side of the ABI: runs one mapping, opset rule or pass rule of a plugin as a transaction.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/emit/emitter.h"
#include "core/ir/graph.h"
#include "core/plugin/registry.h"

namespace onnxport {

// What a torch argument is bound to while translating. Lists and tuples are taken apart; numbers known while
// exporting are constants, others 0-d ONNX values.
struct Bound {
  enum class Kind : uint8_t {
    none,
    value,
    integer,
    real,
    boolean,
    string,
    dtype,
    list,
    sequence,
    complex_number
  };
  Kind kind = Kind::none;
  ir::Value* value = nullptr;  // value, sequence
  bool is_number = false;      // a value that is a Python number in the model (promotes weakly)
  bool is_tuple = false;
  int64_t integer = 0;  // integer, boolean, dtype
  double real = 0;
  double imaginary = 0;
  std::string string;
  std::vector<Bound> items;  // list

  static Bound of(ir::Value* v, bool number = false);
  static Bound of_int(int64_t v);
  static Bound of_real(double v);
  static Bound of_bool(bool v);
  static Bound of_string(std::string v);
  static Bound of_dtype(ir::DType v);
  static Bound of_list(std::vector<Bound> items, bool tuple = false);
  bool is_known() const;  // no value anywhere inside
};

struct Outcome {
  enum class Status { done, declined, failed } status = Status::declined;
  std::string reason;              // of decline or failure: the first cause
  std::vector<Bound> results;      // of a mapping
  std::vector<ir::Value*> values;  // of a rule: what replaces the node's outputs
  std::vector<std::string> notes;
};

// A torch call to translate.
struct Call {
  const ir::Schema* schema = nullptr;
  std::string_view name;                // qualified
  std::span<const Bound> arguments;     // parallel to the schema's
  std::span<ir::Value* const> outputs;  // of the torch node: for use counts and recorded types
  int target_opset = 0;
  bool training = false;
};

// Runs one candidate (library mapping or manifest mapping). On anything but `done` the graph is as before.
// Exceptions that cross from a plugin in spite of the rules become failed (T504), broken handles T505 in
// `reason`.
Outcome run_mapping(const Candidate& candidate, const Call& call, Emitter& emitter, Registry& registry);

// Runs one rule on `node` with nodes inserted before it. On `done` the caller replaces the outputs.
Outcome run_rule(const onnxport_rule& rule, ir::Node& node, Emitter& emitter, int target_opset);

// torch's result dtype of bound arguments (tensors > 0-d tensors > numbers), see core/translate/promotion.h.
ir::DType result_type(std::span<const Bound* const> arguments);

// Bound as an ONNX value: numbers become 0-d constants, lists of ints one 1-d value. Null when that is
// impossible.
ir::Value* materialize(const Bound& bound, Emitter& emitter);

}  // namespace onnxport
