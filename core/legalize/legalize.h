// legalize: ONNX graph at one opset -> the same computation at another, one opset plugin at a time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/ir/graph.h"
#include "core/plugin/registry.h"

namespace onnxport {

// Walks from graph.opsets[""] to `target`. legal -> keep; else the plugin's rule; else a generic rule; else
// the official body; else Error O6xx (all of them collected) naming node, operator and the lowest opset that
// works. Afterwards the result is checked against table `target`, independently of the rules.
// `domains`: the versions asked for of other domains; those that the graph uses are walked to them first.
using DomainOpsets = std::map<std::string, int>;
void legalize(ir::Graph& graph, int target, Registry& registry, std::vector<Diagnostic>& notes,
              const DomainOpsets& domains = {});

// Every node that is not legal at `version` of ai.onnx, or at the version that the graph states of a domain whose
// opsets plugins provide, by its plugin's table: O601…O603 diagnostics, O605 for a version that nobody has.
std::vector<Diagnostic> check_legality(const ir::Graph& graph, int version, Registry& registry);

}  // namespace onnxport
