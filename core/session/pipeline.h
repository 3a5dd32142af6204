// One export, stage by stage, as export.h's functions run it.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/ir/graph.h"
#include "core/passes/passes.h"
#include "core/plugin/registry.h"
#include "core/serialize/serialize.h"
#include "core/torch_interface/torch_interface.h"
#include "onnxport/export.h"

namespace onnxport {

class Pipeline {
 public:
  Pipeline(std::filesystem::path model, const ExportOptions& options);

  // The graph after a stage: "capture", "prepare", "translate", "legalize". Runs what is missing.
  ir::Graph& after(std::string_view stage);
  // The model as captured, untouched by prepare: what verify runs.
  std::unique_ptr<ir::Graph> capture_again();

  Registry& registry() { return registry_; }
  const std::vector<InputSpec>& inputs() const { return inputs_; }
  ExportReport& report() { return report_; }
  SerializeOptions serialize_options() const;
  // Fills what the report says of the finished graph.
  void finish_report();
  // Runs `work` as a timed, announced stage.
  void stage(std::string_view name, double fraction, const std::function<void()>& work);

 private:
  ir::Graph& run_until(std::string_view stage);
  Error with_warnings(const Error& error) const;
  void capture();
  bool is_exported_program() const;
  Captured capture_model() const;
  std::vector<InputSpec> inputs_of(const ir::Graph& graph,
                                   const std::vector<std::optional<ir::Tensor>>& samples) const;
  void translate_and_optimize();
  void legalize_to_target();
  void parameters_to_inputs();
  void give_states_their_defaults();
  void check_opset();
  CaptureOptions capture_options() const;
  PassOptions pass_options() const;
  void add_written_states(ir::Graph& graph);

  std::filesystem::path model_;
  const ExportOptions& options_;
  Registry registry_;
  std::map<std::string, ir::SymbolInfo, std::less<>> symbols_;
  std::vector<InputSpec> asked_;   // as the options give them
  std::vector<InputSpec> inputs_;  // of the model: a program has more than was asked for
  ExportReport report_;
  std::unique_ptr<ir::Graph> torch_;
  std::unique_ptr<ir::Graph> onnx_;
  std::shared_future<void> weights_checked_;  // while the rest goes on
  int done_ = 0;
};

}  // namespace onnxport
