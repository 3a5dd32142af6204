// One target of a program that is an ONNX file: read, convert, serialize.
#pragma once

#include <filesystem>
#include <memory>

#include "core/onnx/model_file.h"
#include "core/plugin/registry.h"
#include "core/serialize/serialize.h"
#include "core/session/program_state.h"
#include "core/session/stages.h"
#include "onnxport/session.h"

namespace onnxport {

class ConversionRun {
 public:
  ConversionRun(std::shared_ptr<ProgramState> program, const Target& target);

  // The graph as it is written.
  const ir::Graph& converted();
  // With verification, nothing appears before it has passed.
  void write(const std::filesystem::path& file);
  void write(const Sink& sink);
  ExportReport take_report();

 private:
  void convert_to_target();
  void keep_made_constants_inside();
  void verify(const std::filesystem::path& name);
  template <typename Write>
  void blaming_the_file(const Write& write) const;
  void check_not_a_weight(const std::filesystem::path& file) const;
  SerializeOptions serialize_options() const;
  void add_graph_to_report();

  std::shared_ptr<ProgramState> program_;
  Target target_;
  Registry registry_;
  Stages stages_;
  ExportReport report_;
  onnx::ModelForm model_;
};

// Every opset that plugins offer, and what stands in the way of it.
ReachReport reach_of(const ProgramState& program);
// Compares two files of one model, and puts what was measured into the report. Throws Error V801.
void verify_conversion(const ProgramState& program, const std::filesystem::path& onnx,
                       const VerifyOptions& options, ExportReport& report);

}  // namespace onnxport
