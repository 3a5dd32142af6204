// Types of operators that the ONNX library does not know, as the plugins that bring them infer them.
#pragma once

#include "core/builder/graph_builder.h"
#include "core/plugin/registry.h"

namespace onnxport {

class PluginInference : public OperatorInference {
 public:
  explicit PluginInference(Registry& registry) : registry_(registry) {}
  // Throws Error T503, or what the plugin did wrong (T504, T505), naming the plugin.
  std::optional<Result> infer(const onnx::NodeView& node, GraphBuilder& builder) const override;

 private:
  Registry& registry_;
};

}  // namespace onnxport
