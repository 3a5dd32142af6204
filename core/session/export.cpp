#include "onnxport/export.h"

#include <unistd.h>

#include "core/host/host.h"
#include "core/onnx/read_model.h"
#include "core/session/pipeline.h"
#include "core/verify/verify.h"

namespace onnxport {
namespace {

void verify_into(Pipeline& pipeline, const std::filesystem::path& onnx, const ExportOptions& options) {
  const std::unique_ptr<ir::Graph> captured = pipeline.capture_again();
  VerifyReport verified = verify(*captured, pipeline.inputs(), onnx, pipeline.registry(), options.verify);
  ExportReport& report = pipeline.report();
  report.verify_runs = std::move(verified.runs);
  report.not_independently_checked = std::move(verified.not_independently_checked);
}

// One V801 for each run that did not pass.
std::vector<Diagnostic> mismatches(const ExportReport& report) {
  std::vector<Diagnostic> out;
  for (const VerifyRun& run : report.verify_runs) {
    if (run.passed) continue;
    std::string sizes;
    for (const auto& [name, size] : run.sizes)
      sizes += (sizes.empty() ? " at " : ", ") + name + "=" + std::to_string(size);
    Location place;
    place.node = run.first_diverging_node;
    out.push_back({Severity::error, "V801", "ONNX Runtime and libtorch differ" + sizes + ": " + run.message,
                   place,
                   "onnxport show MODEL --after legalize shows the graph; tolerances: --rtol, --atol"});
  }
  return out;
}

// A scratch folder, gone with the scope: verify needs a file that external data can sit beside.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
    std::string pattern = (folder / "onnxport-XXXXXX").string();
    if (error || mkdtemp(pattern.data()) == nullptr) {
      const std::string why = error ? error.message() : std::generic_category().message(errno);
      throw Error("S708", "no temporary folder can be made: " + why, {},
                  "point TMPDIR to a folder that exists, can be written to and has room");
    }
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

ExportResult export_to_sink(const std::filesystem::path& model,
                            const std::function<void(std::span<const std::byte>)>& sink,
                            const ExportOptions& options) {
  if (options.weights == Weights::external || options.weights == Weights::reference) {
    throw Error("S707", "external weights need an output file", {},
                "export to a file, or keep the weights inline");
  }
  Pipeline pipeline(model, options);
  ir::Graph& graph = pipeline.after(options.dry_run ? "translate" : "legalize");
  ExportResult out;
  if (!options.dry_run) {
    SerializeOptions serialize = pipeline.serialize_options();
    serialize.weights = Weights::inline_;
    if (options.verify.enabled) {
      const ScratchFolder scratch;
      const std::filesystem::path file = scratch.path() / "model.onnx";
      pipeline.stage("serialize", 0.7, [&] { write_model(graph, file, serialize); });
      pipeline.stage("verify", 0.8, [&] { verify_into(pipeline, file, options); });
      std::vector<Diagnostic> wrong = mismatches(pipeline.report());
      if (!wrong.empty()) throw Error(std::move(wrong));
    }
    pipeline.stage("serialize", 0.9, [&] { write_model(graph, sink, serialize); });
  }
  pipeline.finish_report();
  out.report = std::move(pipeline.report());
  return out;
}

bool folder_is_writable(const std::filesystem::path& output) {
  const std::filesystem::path folder =
      output.has_parent_path() ? output.parent_path() : std::filesystem::path(".");
  return access(folder.c_str(), W_OK) == 0;
}

}  // namespace

ExportResult export_file(const std::filesystem::path& model, const std::filesystem::path& output,
                         const ExportOptions& options) {
  std::error_code error;
  if (!options.dry_run) {
    if (!options.overwrite && std::filesystem::exists(output, error)) {
      throw Error("S709", output.string() + " exists already", {},
                  "give another output, or allow overwriting");
    }
    if (std::filesystem::is_directory(output, error)) {
      throw Error("S705", output.string() + " is a folder", {}, "give a file name, such as model.onnx");
    }
    const std::filesystem::path folder =
        output.has_parent_path() ? output.parent_path() : std::filesystem::path(".");
    if (!std::filesystem::is_directory(folder, error)) {
      throw Error("S705", "the folder " + folder.string() + " does not exist", {}, "create it first");
    }
    // Before minutes of work, not after.
    if (!folder_is_writable(output))
      throw Error("S705", "the folder " + folder.string() + " is not writable");
    if (std::filesystem::equivalent(model, output, error)) {
      throw Error("S705", "the output is the model itself", {}, "give another output");
    }
  }
  Pipeline pipeline(model, options);
  ir::Graph& graph = pipeline.after(options.dry_run ? "translate" : "legalize");
  ExportResult out;
  if (!options.dry_run) {
    if (options.verify.enabled) {
      // Verified under a scratch name first: a file that fails never takes the place of a good one.
      const ScratchFolder scratch;
      const std::filesystem::path file = scratch.path() / output.filename();
      SerializeOptions serialize = pipeline.serialize_options();
      if (serialize.weights == Weights::reference) serialize.weights = Weights::external;
      pipeline.stage("serialize", 0.7, [&] { write_model(graph, file, serialize); });
      pipeline.stage("verify", 0.75, [&] { verify_into(pipeline, file, options); });
      std::vector<Diagnostic> wrong = mismatches(pipeline.report());
      if (!wrong.empty()) throw Error(std::move(wrong));
    }
    pipeline.stage("serialize", 0.9, [&] { write_model(graph, output, pipeline.serialize_options()); });
  }
  pipeline.finish_report();
  out.report = std::move(pipeline.report());
  return out;
}

ExportResult export_to_memory(const std::filesystem::path& model, const ExportOptions& options) {
  std::vector<std::byte> bytes;
  ExportResult out = export_to_sink(
      model, [&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); },
      options);
  out.model = std::move(bytes);
  return out;
}

ExportResult export_to_callback(const std::filesystem::path& model,
                                const std::function<void(std::span<const std::byte>)>& sink,
                                const ExportOptions& options) {
  return export_to_sink(model, sink, options);
}

ExportReport verify_files(const std::filesystem::path& model, const std::filesystem::path& onnx,
                          const ExportOptions& options) {
  Pipeline pipeline(model, options);
  pipeline.stage("verify", 0.2, [&] { verify_into(pipeline, onnx, options); });
  std::vector<Diagnostic> wrong = mismatches(pipeline.report());
  if (!wrong.empty()) throw Error(std::move(wrong));
  return std::move(pipeline.report());
}

std::string show(const std::filesystem::path& model, std::string_view after, const ExportOptions& options) {
  if (model.extension() == ".onnx") return ir::print(*read_model(model), {.max_elements = 16});
  Pipeline pipeline(model, options);
  return ir::print(pipeline.after(after), {.max_elements = 16});
}

std::vector<PluginInfo> list_plugins(const PluginOptions& options) {
  return Registry(options, plugin_host()).list();
}

std::vector<WhichInfo> which(std::string_view torch_op, int opset, const PluginOptions& options) {
  return Registry(options, plugin_host()).which(torch_op, opset);
}

}  // namespace onnxport
