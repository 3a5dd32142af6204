#include "onnxport/session.h"

#include "core/host/host.h"
#include "core/profile/profile_data.h"
#include "core/session/conversion_run.h"
#include "core/session/output_checks.h"
#include "core/session/program_state.h"
#include "core/session/source.h"
#include "core/session/target_run.h"

namespace onnxport {
namespace {

ProfileSearch profile_search(const ProfileOptions& options, const Registry& registry) {
  return ProfileSearch(options, Environment::of_process(), builtin_profiles(), registry.manifests());
}

template <typename Output>
ExportReport write_target(std::shared_ptr<ProgramState> program, const Target& target, const Output& output) {
  const Source source = program->source;
  try {
    if (program->model != nullptr) {
      ConversionRun run(std::move(program), target);
      run.write(output);
      return run.take_report();
    }
    TargetRun run(std::move(program), target);
    run.write(output);
    return run.take_report();
  } catch (const Error& error) {
    throw in_words_of(source, error);
  }
}

}  // namespace

// ---- Program ----

std::vector<std::string> Program::inputs() const { return state_->inputs; }

std::vector<std::string> Program::outputs() const { return state_->outputs; }

const CaptureReport& Program::report() const { return state_->report; }

ExportReport Program::write(const Target& target, const std::filesystem::path& file) const& {
  return write_target(state_, target, file);
}

ExportReport Program::write(const Target& target, const std::filesystem::path& file) && {
  return write_target(std::move(state_), target, file);
}

ExportReport Program::write(const Target& target, const Sink& sink) const& {
  return write_target(state_, target, sink);
}

ExportReport Program::write(const Target& target, const Sink& sink) && {
  return write_target(std::move(state_), target, sink);
}

ReachReport Program::reach() const {
  if (state_->model == nullptr)
    throw Error("I113", "opsets are asked of an ONNX file, and this is none", {}, "export it first");
  return reach_of(*state_);
}

ExportReport Program::dry_run(const Target& target) const {
  if (state_->model != nullptr) {
    ConversionRun run(state_, target);
    run.converted();
    return run.take_report();
  }
  TargetRun run(state_, target);
  run.translate_only(true);
  return run.take_report();
}

ExportReport Program::verify(const std::filesystem::path& onnx, const VerifyOptions& options) const {
  Target target;
  target.verify = options;
  return verify(onnx, target);
}

ExportReport Program::verify(const std::filesystem::path& onnx, const Target& target) const {
  const VerifyOptions& options = target.verify;
  check_tolerances(options);
  check_case(options, true);
  Registry registry = state_->registry->for_export(target.plugin_choice);
  ExportReport report;
  const Progress none;
  Stages stages(none);
  stages.run("verify", 0.2, [&] {
    if (state_->model != nullptr) return verify_conversion(*state_, onnx, options, report);
    verify_program(*state_, onnx, registry, options, report);
  });
  report.stage_seconds = stages.take_seconds();
  return report;
}

std::string Program::show(std::string_view after, const Target& target) const {
  constexpr ir::PrintOptions kShort = {.max_elements = 16};
  if (state_->model != nullptr) {
    if (after != "legalize") return ir::print(*state_->model->read().graph, kShort);
    return ir::print(ConversionRun(state_, target).converted(), kShort);
  }
  if (after == "capture") return ir::print(captured_form(*state_), kShort);
  if (after == "prepare") return ir::print(*state_->prepared, kShort);
  if (after == "translate") return ir::print(TargetRun(state_, target).translate_only(false), kShort);
  if (after == "legalize") return ir::print(TargetRun(state_, target).legalized(), kShort);
  throw Error("I113", "no stage '" + std::string(after) + "'", {}, "capture, prepare, translate or legalize");
}

// ---- Session ----

Session::Session(const PluginOptions& plugins)
    : registry_(std::make_shared<const Registry>(plugins, plugin_host())) {}

bool Session::is_current() const { return registry_->is_current(); }

Program Session::capture(const Source& source, const ProgramOptions& options) const {
  return Program(capture_program(source, options, registry_));
}

std::string Session::show(const Source& source, const ProgramOptions& options) const {
  return ir::print(*capture_only(source, options, *registry_), {.max_elements = 16});
}

void Session::check(const Target& target) const {
  check_target(target, registry_->for_export(target.plugin_choice));
}

Profile Session::profile(const std::string& name_or_file, const ProfileOptions& options) const {
  return Profile(load_profile(name_or_file, profile_search(options, *registry_)));
}

std::vector<std::filesystem::path> Session::plugin_files(const std::string& name_or_file,
                                                         const ProfileOptions& options) const {
  return plugin_files_of(name_or_file, profile_search(options, *registry_));
}

ProfileListing Session::profiles(const ProfileOptions& options) const {
  return list_profiles(profile_search(options, *registry_));
}

PluginListing Session::plugins() const { return registry_->list(); }

PluginDetails Session::inspect(const std::string& plugin_id) const { return registry_->inspect(plugin_id); }

std::vector<int> Session::opsets() const { return registry_->available_opsets(); }

std::vector<WhichInfo> Session::which(std::string_view torch_op, int opset) const {
  return registry_->for_export().which(torch_op, opset);
}

}  // namespace onnxport
