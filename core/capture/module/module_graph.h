// The recorded runs of a live model as one graph.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/capture/module/module_recording.h"
#include "core/capture/module/size_plan.h"
#include "core/libtorch/recorded_graph.h"
#include "onnxport/errors.h"

namespace onnxport {

// The next step where forward does not depend on its arguments and the model's own tensors alone.
inline constexpr const char* kKeptHint =
    "forward may depend on its arguments, parameters and buffers only; what it keeps for the next call is "
    "for "
    "a buffer (register_buffer), written in place: h.copy_(next), not h = next";

// What one run gave.
struct ModuleRun {
  std::unique_ptr<ModuleRecording> recording;
  Sizes sizes;
  bool other_values = false;          // than the examples'
  std::vector<at::Tensor> inputs;     // as forward was given them, and may have written them
  std::vector<at::Tensor> originals;  // as they were
  std::vector<size_t> input_numbers;
  // Of forward's results, flat: as recorded, and as they were.
  std::vector<RecordedItem> results;
  std::vector<at::Tensor> outputs;
  std::vector<std::string> output_names;
};

class ModuleGraph final : public RecordedGraph {
 public:
  ModuleGraph(ir::Graph& graph, const std::vector<ModuleRun>& runs, const ModuleState& state,
              CallSites& sites, std::string model, std::vector<Diagnostic>& notes);

  // The graph's inputs are there already, one for each tensor of the examples.
  void build();

 private:
  Error different(const std::string& what, size_t run) const override;
  ir::Value* number(const std::vector<int64_t>& seen) override;
  ir::Value* leaf(const Items& items) override;
  bool skip(size_t index) override;
  void added(ir::Node& node, size_t index) override;

  struct Size {
    size_t tensor = 0;
    int64_t axis = 0;
    std::vector<int64_t> samples{};  // in each run
  };
  // The sizes that vary of the tensors among the arguments of a call.
  std::vector<Size> sizes_of(size_t call, bool of_results) const;
  std::vector<Size> sizes_of_inputs() const;
  std::vector<Size> sizes_at_hand(const std::vector<Size>& inputs) const;
  ir::Value* size(const Size& size);
  ir::Value* size_of_input(const std::string& symbol);
  // Of the call that is added: the user's line in that run.
  Location place(size_t run = 0) const;
  // The sizes of a run that the first one has not: their names, and "n=3 (not 2)".
  std::string changed_symbols(size_t run) const;
  std::string changed_sizes(size_t run) const;
  Error changing_leaf(size_t run) const;
  // The first run in which C++ code gave the tensor other contents; 0: none.
  size_t other_contents(const Items& items) const;

  const std::vector<ModuleRun>& module_runs_;
  const ModuleState& state_;
  CallSites& sites_;
  std::string model_;
  std::vector<Diagnostic>& notes_;
  std::string module_path_;
  size_t unregistered_ = 0;
};

}  // namespace onnxport
