// ONNX files at another opset, without a PyTorch model and without libtorch.
//
//   onnxport::ConvertOptions options;
//   options.opset = 17;
//   onnxport::convert_file("model.onnx", "model.opset17.onnx", options);
//
// Who converts one file to several opsets captures it in a Session: a Source that is an ONNX file gives a Program like any other.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "onnxport/export.h"

namespace onnxport {

// Of Target the members `passes`, `disable_passes`, `functions`, `constant_folding` and `export_params` have no meaning here. `opset` 0 is the
// file's own; Weights::automatic keeps each weight where it is, in the model or in a file beside it.
struct ConvertOptions : Target {
  ConvertOptions() { opset = 0; }
  PluginOptions plugins;
  // Of verification, which runs both files in ONNX Runtime: examples or shapes for inputs, as for an export.
  std::vector<std::string> inputs;
  std::optional<std::filesystem::path> inputs_dir;
};

#pragma GCC visibility push(default)

// Writes `output` and, where weights go there, `output`.data; both or neither. Throws Error.
ExportReport convert_file(const Source& model, const std::filesystem::path& output,
                          const ConvertOptions& options);

// How far a file can be taken: for each opset of ai.onnx that plugins offer, whether it can be written, and if not, each node
// that stands in the way.
ReachReport reach_of(const Source& model, const PluginOptions& plugins = {});

#pragma GCC visibility pop

}  // namespace onnxport
