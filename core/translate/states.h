// What a model keeps from call to call, where later calls begin with values of another form than the first.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/ir/graph.h"

namespace onnxport {

// How a state goes into a call.
struct StateForm {
  ir::Type type;                    // an unknown dim may be any
  bool may_be_empty = false;        // the empty vector, or of `type`: see GraphValue
  std::optional<ir::Tensor> first;  // it is this, as in the first call
};

// By the name of the state's input.
using StateForms = std::map<std::string, StateForm, std::less<>>;

// Of the state that goes out of the graph under that name; null: it is as the graph says.
const StateForm* find_state(const StateForms& forms, const ir::Graph& graph, std::string_view output);

}  // namespace onnxport
