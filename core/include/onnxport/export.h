// The C++ API: what the command line does, in one call. Who exports one model for several targets, or many models, opens a
// Session instead (onnxport/session.h), whose three steps each of these calls takes.
//
//   onnxport::ExportOptions options;
//   options.inputs = {"x:f32[batch,3,224,224]"};
//   onnxport::ExportResult result = onnxport::export_file("model.pt", "model.onnx", options);
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "onnxport/errors.h"
#include "onnxport/options.h"
#include "onnxport/output.h"
#include "onnxport/report.h"
#include "onnxport/session.h"

namespace onnxport {

struct ExportResult {
  ExportReport report;
  std::vector<std::byte> model;  // of export_to_memory
};

#pragma GCC visibility push(default)

// Exports a .pt or .pt2 file. Writes `output` and, with external weights, `output`.data beside it; either all
// or nothing is written. Throws Error. May be called from many threads.
ExportResult export_file(const Source& model, const std::filesystem::path& output,
                         const ExportOptions& options = {});
// The same with plugins that were found already; `options.plugins` is not looked at.
ExportResult export_file(const Session& session, const Source& model, const std::filesystem::path& output,
                         const ExportOptions& options = {});
// The model's bytes; weights are inline (Error S702 above 2 GiB).
ExportResult export_to_memory(const Source& model, const ExportOptions& options = {});
// The model's bytes in pieces, in order, as they are made.
ExportResult export_to_callback(const Source& model, const Sink& sink, const ExportOptions& options = {});
ExportResult export_to_callback(const Session& session, const Source& model, const Sink& sink,
                                const ExportOptions& options = {});
// Compares an exported file with its model. Throws Error V801 on a mismatch.
ExportReport verify_files(const Source& model, const std::filesystem::path& onnx,
                          const ExportOptions& options = {});
ExportReport verify_files(const Session& session, const Source& model, const std::filesystem::path& onnx,
                          const ExportOptions& options = {});
// The graph as text. `model`: .pt or .onnx; `after`: "capture", "prepare", "translate", "legalize" (a .onnx
// has no stages).
std::string show(const Source& model, std::string_view after, const ExportOptions& options = {});
std::string show(const Session& session, const Source& model, std::string_view after,
                 const ExportOptions& options = {});

// Every manifest found. Checks the files of their libraries too (there, whole, the sha256), but opens none.
PluginListing list_plugins(const PluginOptions& options = {});

// All that the manifest of one plugin says, by its id or by the path of a manifest. Opens no library. Throws
// Error C405 when there is none.
PluginDetails inspect_plugin(const std::string& id_or_manifest, PluginOptions options = {});

// Who maps a torch operator at a target opset: the candidates in order, the winner first, each with its
// reason. Nobody wins where plugins are in conflict or the first one cannot be used.
std::vector<WhichInfo> which(std::string_view torch_op, int opset, const PluginOptions& options = {});

#pragma GCC visibility pop

}  // namespace onnxport
