// What a program says of the call of its outermost module: the names of arguments and results.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/capture/exported_program/json.h"
#include "core/capture/exported_program/pytree_names.h"

namespace onnxport {

// The signature of the outermost call; newer programs keep it in the graph module, older ones beside it.
inline std::optional<Json> outer_call(const Json& program) {
  const Json module = program.at("graph_module");
  const Json& holder = module.has("module_call_graph") ? module : program;
  if (!holder.has("module_call_graph")) return std::nullopt;
  for (const Json& call : holder.at("module_call_graph").items()) {
    if (call.at("fqn").text().empty() && call.has("signature")) return call.at("signature");
  }
  return std::nullopt;
}

// One name per leaf of the arguments, as forward calls them; empty when the program does not say.
inline std::vector<std::string> call_input_names(const Json& program) {
  const std::optional<Json> call = outer_call(program);
  if (!call || !call->has("in_spec") || !call->has("forward_arg_names")) return {};
  std::vector<std::string> arguments;
  for (const Json& name : call->at("forward_arg_names").items()) arguments.emplace_back(name.text());
  return pytree_input_names(call->at("in_spec").text(), arguments);
}

// One name per leaf of the results.
inline std::vector<std::string> call_output_names(const Json& program) {
  const std::optional<Json> call = outer_call(program);
  if (!call || !call->has("out_spec")) return {};
  return pytree_output_names(call->at("out_spec").text());
}

}  // namespace onnxport
