// Nodes whose operator does not take an element type compute in another one.
#pragma once

#include <map>
#include <utility>

#include "core/fit/limits.h"

namespace onnxport {

class ThroughCast {
 public:
  ThroughCast(ir::Graph& graph, Limits& limits) : graph_(graph), limits_(limits) {}

  // The types that the node does not take, each with the one to compute in. Empty when it takes all, or when one of them
  // cannot be helped: the node then stays as it is.
  std::map<ir::DType, ir::DType> plan(const ir::Node& node);
  void apply(ir::Node& node, const std::map<ir::DType, ir::DType>& wider);

 private:
  ir::Value* cast(ir::Value* value, ir::DType to);
  void cast_outputs(ir::Node& node, const std::map<ir::DType, ir::DType>& wider);

  ir::Graph& graph_;
  Limits& limits_;
  std::map<std::pair<ir::Value*, ir::DType>, ir::Value*>
      done_;  // stand behind what they read, so serve the whole graph
};

}  // namespace onnxport
