// What `onnxport export` is asked to write: one target for each --config and each --opset, each with its own file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/cli/commands.h"
#include "onnxport/export.h"

namespace onnxport::cli {

// One target, the file it goes to, and what became of it.
struct TargetFile {
  Target target;
  std::filesystem::path file;
  ExportReport report;
  std::vector<Diagnostic> errors;  // why it was not written
};

// "18", "ai.onnx=18,com.acme=2": the versions a target writes. Throws Error I111.
void read_opsets(std::string_view text, Target& target);

// The versions that the text gives, in the place of those that are there.
void override_opsets(std::string_view text, Target& target);

// A target for each of `bases` (a profile each, or what the command line says) and each text of --opset, when there is any.
// `output` may hold "{opset}" and "{config}"; when it is empty, files are named after the model: model.onnx, or
// model.opset18.onnx, model.tensorrt-10.onnx, where there are several. Throws Error I111.
std::vector<TargetFile> targets_of(const std::vector<std::string>& opsets,
                                   const std::vector<ExportOptions>& bases,
                                   const std::filesystem::path& model, const std::filesystem::path& output);

// Whether the name is to hold the target's opset.
bool names_opset(const std::filesystem::path& output);

// Captures the model once and writes (or, dry, translates) each target. A target that fails does not keep the others from being
// written. Every file and opset is checked before work starts.
CaptureReport export_targets(const Session& session, const Source& model, const ExportOptions& options,
                             std::vector<TargetFile>& targets);

// {"capture": {…}, "targets": [{"output": …, …}]}
std::string to_json(const CaptureReport& capture, const std::vector<TargetFile>& targets);

}  // namespace onnxport::cli
