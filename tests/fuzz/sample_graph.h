// A graph in which rules find something: MatMul and Add, in a branch too, a gate, an activation, sizes that are symbolic.
#pragma once

#include <memory>
#include <vector>

#include "core/builder/graph_builder.h"
#include "core/plugin/registry.h"

namespace onnxport::fuzz {

std::unique_ptr<ir::Graph> sample_graph();
// Every node, those of branches too.
std::vector<ir::Node*> nodes_of(ir::Graph& graph);
// Whether the node is still reached from the graph's body.
bool is_in_graph(const ir::Node* node);
// Of one plugin, com.test.plugin, that has the domain com.test and a few options.
Registry& one_plugin();

}  // namespace onnxport::fuzz
