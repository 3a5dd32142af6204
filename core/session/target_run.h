// One target of a program, stage by stage: translate, legalize, serialize.
#pragma once

#include <filesystem>
#include <memory>

#include "core/ir/graph.h"
#include "core/passes/passes.h"
#include "core/passes/plugin_passes.h"
#include "core/plugin/registry.h"
#include "core/serialize/serialize.h"
#include "core/session/program_state.h"
#include "core/session/stages.h"
#include "onnxport/session.h"

namespace onnxport {

// Error I114 when a tolerance is no finite number from 0 up.
void check_tolerances(const VerifyOptions& options);
// The same, Error F203 for an opset that the target's plugin rules out, O605 when no plugin offers an opset that the target
// names, C405 when nobody has a pass that it names, and S716 for functions that cannot be called so.
void check_target(const Target& target, const Registry& registry);

// One V801 for each run that did not pass; `who` differ.
std::vector<Diagnostic> mismatches(const ExportReport& report, const std::string& who);

class TargetRun {
 public:
  // Shares the program; when this is its last owner, the torch graph is freed once it was translated.
  TargetRun(std::shared_ptr<ProgramState> program, const Target& target);

  // Each returns the graph as it then is.
  const ir::Graph& translate_only(bool dry_run);
  const ir::Graph& legalized();

  // Everything up to the file or the bytes; with verification, nothing appears before it has passed.
  void write(const std::filesystem::path& file);
  void write(const Sink& sink);
  ExportReport take_report();

 private:
  void translate(bool dry_run);
  void legalize_to_target();
  void fit();
  void parameters_to_inputs();
  void give_states_their_defaults();
  void verify(const std::filesystem::path& file);
  void add_graph_to_report();
  PassOptions pass_options() const;
  SerializeOptions serialize_options() const;

  std::shared_ptr<ProgramState> program_;
  const Target& target_;
  Registry registry_;
  PluginPasses passes_;
  Stages stages_;
  ExportReport report_;
  std::unique_ptr<ir::Graph> graph_;
};

// Compares a file with the captured form of the program and puts what was measured into the report. Throws Error V801 with one
// diagnostic for each run that did not pass, V806 when there is no captured form.
void verify_program(ProgramState& program, const std::filesystem::path& onnx, Registry& registry,
                    const VerifyOptions& options, ExportReport& report);

}  // namespace onnxport
