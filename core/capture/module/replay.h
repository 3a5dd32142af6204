// Whether a recording says all of what the model did.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/capture/module/module_graph.h"

namespace onnxport {

// Where a replay deviates from what forward returned.
struct Deviation {
  size_t result = 0;
  std::string why;  // the replay does not even come to its end
  Location place;   // of the operator that made the result
};
// Interprets the graph on the inputs of a run.
std::optional<Deviation> deviation(const ir::Graph& graph, const ModuleRun& run, CallSites& sites);

// Interprets the graph on the inputs of every run and compares with what forward returned: what a recording cannot see, threads and
// writes through pointers, shows here. Throws Error P607. A model that uses chance is not compared; a note says so.
void check_replay(const ir::Graph& graph, const std::vector<ModuleRun>& runs, CallSites& sites,
                  const std::string& model, std::vector<Diagnostic>& notes);

}  // namespace onnxport
