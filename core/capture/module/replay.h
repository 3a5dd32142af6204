// Whether a recording says all of what the model did.
#pragma once

#include <string>
#include <vector>

#include "core/capture/module/module_graph.h"

namespace onnxport {

// Interprets the graph on the inputs of every run and compares with what forward returned: what a recording cannot see, threads and
// writes through pointers, shows here. Throws Error P607. A model that uses chance is not compared; a note says so.
void check_replay(const ir::Graph& graph, const std::vector<ModuleRun>& runs, const std::string& model,
                  std::vector<Diagnostic>& notes);

}  // namespace onnxport
