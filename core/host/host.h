// The host side of the ABI: runs one mapping, opset rule or pass rule of a plugin as a transaction.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/argument/argument.h"
#include "core/builder/graph_builder.h"
#include "core/ir/graph.h"
#include "core/plugin/registry.h"
#include "onnxport/errors.h"

namespace onnxport {

// The host's tables, by interface id: what a plugin's library is opened with.
const onnxport_host* plugin_host();

// What takes the place of a node's outputs; null for an output that nothing reads.
struct Replacement {
  ir::Node* node = nullptr;
  std::vector<ir::Value*> values;
};

struct Outcome {
  enum class Status { done, declined, failed } status = Status::declined;
  // Of decline or failure, the first cause. Without a code it is the plugin's own words; a decline without words
  // says that the candidate is not made for such a call.
  Diagnostic cause;
  std::vector<Argument> results;          // of a mapping
  std::vector<Replacement> replacements;  // of a rule: the root's first, where it is replaced
  std::vector<Diagnostic> notes;          // notes and warnings, no place filled in
};

// A torch call to translate.
struct Call {
  const ir::Schema* schema = nullptr;
  std::string_view name;                // qualified
  std::span<const Argument> arguments;  // parallel to the schema's
  std::span<ir::Value* const> outputs;  // of the torch node: for use counts and recorded types
  int target_opset = 0;
  bool training = false;
  const ir::CustomClasses* classes =
      nullptr;                    // what objects among the arguments are made of; null: there are none
  bool inline_functions = false;  // none is kept as a local function: what runs the nodes must know them all
};

// The argument, or the part of an object among them, that goes by the name; null: none does. `declared` becomes what the
// schema or the class says of it.
const Argument* find_argument(const Call& call, std::string_view name,
                              const ir::SchemaArgument** declared = nullptr);

// What no mapping can take of the objects among the arguments: the class is not described, or otherwise (T553).
std::optional<Diagnostic> wrong_object(const Call& call);

// What is wrong with the results of a mapping (how many, a list where a tensor belongs); empty: nothing.
std::string wrong_results(std::span<const Argument> results, const Call& call);

// Runs one candidate (library mapping or manifest mapping). On anything but `done` the graph is as before.
// Exceptions that cross from a plugin in spite of the rules become failed with T504, broken rules of the border with
// T505, a domain that the manifest does not list with C404.
Outcome run_mapping(const Candidate& candidate, const Call& call, GraphBuilder& builder, Registry& registry);

// A rule of a plugin, and what it may ask for.
struct RuleCall {
  const onnxport_rule* rule = nullptr;
  std::string_view plugin_id, plugin_version;
  int target_opset = 0;          // the export ends at
  Registry* registry = nullptr;  // null: any domain may be emitted, and there are no options
};

// Runs one rule on `node` with nodes inserted before it. On `done` every value that is used comes before its uses once
// the caller has put the replacements in place (else the status is failed, T506); whether types fit is the caller's to
// see.
Outcome run_rule(const RuleCall& call, ir::Node& node, GraphBuilder& builder);

}  // namespace onnxport
