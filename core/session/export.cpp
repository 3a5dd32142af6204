#include "onnxport/export.h"

#include <iterator>

#include "core/session/output_checks.h"
#include "core/session/program_state.h"
#include "core/session/target_run.h"

namespace onnxport {
namespace {

// The two parts of one call's options, each with the progress of the whole.
struct Parts {
  explicit Parts(const ExportOptions& options) : capture(options), target(options) {
    capture.progress = options.progress;
    target.progress = options.progress;
    // What nobody will look at is not kept, and weights are read only where they become a part of what is written.
    capture.verifiable = options.verify.enabled && !options.dry_run;
    capture.check_weights = !options.dry_run && options.weights != Weights::reference;
  }
  ProgramOptions capture;
  Target target;
};

void put_before(CaptureReport first, ExportReport& report) {
  const auto prepend = [](auto& from, auto& to) {
    to.insert(to.begin(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  prepend(first.diagnostics, report.diagnostics);
  prepend(first.stage_seconds, report.stage_seconds);
}

template <typename Output>
ExportResult export_to(const Session& session, const Source& model, const Output& output,
                       const ExportOptions& options) {
  if (model.is_onnx()) {
    throw Error("I108", model.path().string() + " is an ONNX file already", {},
                "onnxport convert takes it to another opset; export takes a TorchScript .pt or an exported "
                "program .pt2");
  }
  const Parts parts(options);
  session.check(parts.target);
  Program program = session.capture(model, parts.capture);
  CaptureReport captured = program.report();
  ExportResult out;
  out.report =
      options.dry_run ? program.dry_run(parts.target) : std::move(program).write(parts.target, output);
  put_before(std::move(captured), out.report);
  return out;
}

void check_sink(const ExportOptions& options) {
  if (options.weights == Weights::external || options.weights == Weights::reference) {
    throw Error("S707", "external weights need an output file", {},
                "export to a file, or keep the weights inline");
  }
}

}  // namespace

ExportResult export_file(const Source& model, const std::filesystem::path& output,
                         const ExportOptions& options) {
  if (!options.dry_run) check_output(output, options, model);  // before anything is looked for
  return export_to(Session(options.plugins), model, output, options);
}

ExportResult export_file(const Session& session, const Source& model, const std::filesystem::path& output,
                         const ExportOptions& options) {
  if (!options.dry_run) check_output(output, options, model);
  return export_to(session, model, output, options);
}

ExportResult export_to_memory(const Source& model, const ExportOptions& options) {
  std::vector<std::byte> bytes;
  ExportResult out = export_to_callback(
      model, [&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); },
      options);
  out.model = std::move(bytes);
  return out;
}

ExportResult export_to_callback(const Source& model, const Sink& sink, const ExportOptions& options) {
  check_sink(options);  // before anything is looked for
  return export_to(Session(options.plugins), model, sink, options);
}

ExportResult export_to_callback(const Session& session, const Source& model, const Sink& sink,
                                const ExportOptions& options) {
  check_sink(options);
  return export_to(session, model, sink, options);
}

ExportReport verify_files(const Source& model, const std::filesystem::path& onnx,
                          const ExportOptions& options) {
  check_tolerances(options.verify);
  check_case(options.verify, true);
  return verify_files(Session(options.plugins), model, onnx, options);
}

ExportReport verify_files(const Session& session, const Source& model, const std::filesystem::path& onnx,
                          const ExportOptions& options) {
  check_tolerances(options.verify);
  check_case(options.verify, true);
  ProgramOptions capture = options;
  capture.progress = options.progress;
  capture.verifiable = true;
  const Program program = session.capture(model, capture);
  ExportReport out = program.verify(onnx, static_cast<const Target&>(options));
  put_before(program.report(), out);
  return out;
}

std::string show(const Source& model, std::string_view after, const ExportOptions& options) {
  return show(Session(options.plugins), model, after, options);
}

std::string show(const Session& session, const Source& model, std::string_view after,
                 const ExportOptions& options) {
  if (model.is_onnx()) return session.show(model);
  session.check(options);
  // A model that cannot be prepared can still be looked at.
  ProgramOptions capture = options;
  capture.verifiable = false;
  capture.check_weights = false;
  if (after == "capture") return session.show(model, capture);
  return session.capture(model, capture).show(after, options);
}

PluginListing list_plugins(const PluginOptions& options) { return Session(options).plugins(); }

PluginDetails inspect_plugin(const std::string& id_or_manifest, PluginOptions options) {
  if (!id_or_manifest.ends_with(".yaml")) return Session(options).inspect(id_or_manifest);
  options.files.insert(options.files.begin(), id_or_manifest);
  const std::filesystem::path file = std::filesystem::absolute(id_or_manifest).lexically_normal();
  const Session session(options);
  for (const PluginInfo& info : session.plugins().plugins) {
    if (info.manifest == file) return session.inspect(info.id);
  }
  return session.inspect(id_or_manifest);
}

std::vector<WhichInfo> which(std::string_view torch_op, int opset, const PluginOptions& options) {
  return Session(options).which(torch_op, opset);
}

}  // namespace onnxport
