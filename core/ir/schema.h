// Torch operator schemas: "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/ir/type.h"

namespace onnxport::ir {

// A default value: none is monostate; lists of numbers keep their kind.
using DefaultValue = std::variant<std::monostate, int64_t, double, bool, std::string, std::vector<int64_t>,
                                  std::vector<double>, std::vector<bool>>;

struct SchemaArgument {
  std::string name;
  // As written, alias marks removed: "Tensor", "Tensor?", "int[2]", "Scalar", "ScalarType?", …
  std::string type;
  std::optional<DefaultValue> default_value;  // nullopt: required
  bool keyword_only = false;
  std::string alias_set;    // "a" of Tensor(a!), empty: none
  bool is_written = false;  // the '!' of Tensor(a!)

  bool is_list() const { return type.find('[') != std::string::npos; }
  bool is_optional() const { return !type.empty() && type.back() == '?'; }
};

struct Schema {
  std::string name;      // "aten::add"
  std::string overload;  // "Tensor"; empty: the default overload
  std::vector<SchemaArgument> arguments;
  std::vector<SchemaArgument> returns;
  bool more_arguments = false;  // "..." : any further operands
  bool more_returns = false;

  std::string qualified_name() const { return overload.empty() ? name : name + "." + overload; }
  // Index of the argument, or -1.
  int find(std::string_view argument) const;
  bool is_mutating() const;  // writes to some argument
  std::string text() const;
};

// Throws onnxport::Error M112 naming the column when the text is no schema.
Schema parse_schema(std::string_view text);

}  // namespace onnxport::ir
