#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "core/cli/child.h"
#include "core/cli/commands.h"
#include "core/cli/depfile.h"
#include "core/cli/output_options.h"
#include "core/cli/profiles.h"
#include "core/cli/report_text.h"
#include "core/cli/targets.h"
#include "core/cli/terminal.h"
#include "core/cli/time_limit.h"

namespace onnxport::cli {
namespace {

struct ExportArguments : OutputArguments {
  std::filesystem::path depfile;
  ProfileArguments profiles;
  bool isolate = false;
  int time_limit = 0;
};

void print_operators(const ExportReport& report) {
  std::vector<std::vector<std::string>> rows;
  size_t unsupported = 0;
  for (const OperatorReport& op : report.operators) {
    std::string who = op.plugin;
    if (who.empty()) {
      ++unsupported;
      who = "unsupported" + (op.reasons.empty() ? std::string() : ": " + op.reasons.front());
    } else if (who == "decomposed") {
      who = "decomposed into smaller operators";
    }
    rows.push_back({fmt::format("{:>6} x", op.count), op.torch_op, who});
  }
  fmt::print("{}", table(rows));
  fmt::print("{} operators, {} unsupported\n", report.operators.size(), unsupported);
}

void print_passes(const ExportReport& report) {
  for (const PassReport& pass : report.passes) {
    const std::string did = !pass.skipped.empty() ? "did not run: " + pass.skipped
                            : pass.rewrites == 0  ? "found nothing"
                                                  : fmt::format("{} rewrite{}, {} nodes in place of {}",
                                                                pass.rewrites, pass.rewrites == 1 ? "" : "s",
                                                                pass.nodes_added, pass.nodes_removed);
    fmt::print("  pass {} of {} ({}): {}\n", pass.pass, pass.plugin, pass.stage, did);
  }
}

void print_target(const ExportArguments& a, const Common& common, const ExportReport& report,
                  const std::filesystem::path& file) {
  print_diagnostics(report.diagnostics, common.verbose);
  if (common.json) return;
  if (a.options.dry_run) {
    print_operators(report);
  } else if (!common.quiet) {
    print_report(report, file);
    if (common.verbose) {
      print_passes(report);
      print_stages(report.stage_seconds);
    }
  }
}

int status_of(const ExportReport& report) {
  const auto unsupported = [](const OperatorReport& op) { return op.plugin.empty(); };
  return std::any_of(report.operators.begin(), report.operators.end(), unsupported) ? exit_status("T501") : 0;
}

int run_one(const ExportArguments& a, const Common& common, const Session& session, ExportOptions options,
            TargetFile& one) {
  options.opset = one.target.opset;
  options.domain_opsets = one.target.domain_opsets;
  const ExportResult result = export_file(session, a.model, one.file, options);
  if (!a.report.empty()) write_report(a.report, to_json(result.report) + "\n");
  print_target(a, common, result.report, one.file);
  if (common.json) fmt::print("{}\n", to_json(result.report));
  one.report = result.report;
  return status_of(result.report);
}

// The status is that of the first target that failed.
int run_several(const ExportArguments& a, const Common& common, const Session& session,
                const ExportOptions& options, std::vector<TargetFile>& targets) {
  const CaptureReport capture = export_targets(session, a.model, options, targets);
  const std::string json = to_json(capture, targets);
  if (!a.report.empty()) write_report(a.report, json + "\n");
  print_diagnostics(capture.diagnostics, common.verbose);
  if (common.verbose && !common.json) print_stages(capture.stage_seconds);
  if (common.json) fmt::print("{}\n", json);
  int status = 0;
  for (const TargetFile& t : targets) {
    int own = 0;
    if (!t.errors.empty()) {
      own = exit_status(t.errors.front().code);
      if (!common.json) {
        say(fmt::format("{} is not written:\n", styled(t.file.string(), Style::bold, STDERR_FILENO)));
        print_diagnostics(t.errors, common.verbose);
      }
    } else {
      if (a.options.dry_run && !common.json)
        fmt::print("{}opset {}\n", t.target.profile.empty() ? "" : t.target.profile + ", ", t.target.opset);
      print_target(a, common, t.report, t.file);
      own = status_of(t.report);
    }
    if (status == 0) status = own;
  }
  return status;
}

// The files that are written depend on the model, the profiles, and the plugins that were used.
void write_dependencies(const ExportArguments& a, const Session& session,
                        std::set<std::filesystem::path> inputs, const std::vector<TargetFile>& targets) {
  if (a.depfile.empty()) return;
  inputs.insert(a.model);
  if (!a.options.plugins.lock.empty()) inputs.insert(a.options.plugins.lock);
  std::vector<std::filesystem::path> files;
  for (const TargetFile& t : targets) {
    files.push_back(t.file);
    if (!t.target.plugin_choice.lock.empty()) inputs.insert(t.target.plugin_choice.lock);
    inputs.merge(files_of_plugins(session, t.report.plugins_used));
  }
  write_report(a.depfile, depfile_text(files, inputs));
}

// Before any work.
void check_files(const ExportArguments& a, const std::vector<TargetFile>& targets) {
  std::vector<std::filesystem::path> files;
  if (!a.options.dry_run) {
    for (const TargetFile& t : targets) files.push_back(t.file);
  }
  for (const std::filesystem::path& text : {a.report, a.depfile}) {
    if (text.empty()) continue;
    files.push_back(text);
    check_report(text, a.options.overwrite, a.model);
  }
  check_apart(files);
}

// A base for each --config; without one, what the command line says.
std::vector<ExportOptions> bases_of(const ExportArguments& a, const std::vector<Profile>& profiles,
                                    const CLI::App& command) {
  std::vector<ExportOptions> out;
  for (const Profile& profile : profiles) out.push_back(with_profile(profile, a.options, command));
  if (out.empty()) out.push_back(a.options);
  return out;
}

int run_all(const ExportArguments& a, const Common& common, const Session& session,
            const ExportOptions& options, std::vector<TargetFile>& targets) {
  return targets.size() == 1 ? run_one(a, common, session, options, targets.front())
                             : run_several(a, common, session, options, targets);
}

// With profiles, which are found among plugins too.
int run_profiles(const ExportArguments& a, const Common& common, const CLI::App& command) {
  const Session session = open_session(a.profiles, a.options.plugins);
  const std::vector<Profile> profiles = read_profiles(session, a.profiles, a.options.plugins, command);
  const std::vector<ExportOptions> bases = bases_of(a, profiles, command);
  std::vector<TargetFile> targets = targets_of(a.opsets, bases, a.model, a.output);
  check_files(a, targets);
  const int status = run_all(a, common, session, bases.front(), targets);
  std::set<std::filesystem::path> inputs;
  for (const Profile& profile : profiles) {
    for (const std::filesystem::path& file : profile.files()) inputs.insert(file);
  }
  if (status == 0) write_dependencies(a, session, std::move(inputs), targets);
  return status;
}

int run(ExportArguments& a, const Common& common, const CLI::App& command) {
  if (a.isolate) {
    std::vector<std::string> words;
    for (size_t i = 0; i < common.words.size(); ++i) {
      const std::string& word = common.words[i];
      if (word == "--time-limit") ++i;  // and its value
      if (word == "--isolate" || word.starts_with("--time-limit")) continue;
      words.push_back(word);
    }
    return run_in_child(words, a.time_limit);
  }
  a.apply();
  Progress progress(!common.quiet && !common.json);
  TimeLimit limit(a.time_limit, common.json);
  a.options.progress = [&](std::string_view stage, double fraction) {
    limit.begin(stage);
    progress(stage, fraction);
  };
  if (!a.profiles.configs.empty()) return run_profiles(a, common, command);
  std::vector<TargetFile> targets = targets_of(a.opsets, {a.options}, a.model, a.output);
  check_files(a, targets);  // before plugins are looked for
  const Session session(a.options.plugins);
  const int status = run_all(a, common, session, a.options, targets);
  if (status == 0) write_dependencies(a, session, {}, targets);
  return status;
}

void add_output_options(CLI::App& c, ExportArguments& a) {
  auto* group = "Output";
  add_file_options(
      c, a,
      "The file to write (default: the model's name with .onnx); {opset} and {config} in it are the target's",
      "The ai.onnx opset to write (default 20), or ai.onnx=18,com.acme=2; repeatable: a file for each, from "
      "one capture");
  c.add_option("--input-names", a.options.input_names, "Names of the graph's inputs, in order")
      ->group(group)
      ->delimiter(',');
  c.add_option("--output-names", a.options.output_names, "Names of the graph's outputs, in order")
      ->group(group)
      ->delimiter(',');
  c.add_option("--weights", a.weights,
               "Where weights go: inline, external (FILE.data beside it), reference (into the model's own "
               "file), auto")
      ->group(group)
      ->check(CLI::IsMember({"auto", "inline", "external", "reference"}));
  switch_off(c, "--no-params", a.options.export_params, "Parameters become inputs of the graph")
      ->group(group);
  switch_off(c, "--no-constant-folding", a.options.constant_folding, "Keep computations on constants")
      ->group(group);
  c.add_option("--function", a.functions,
               "Keep the modules of a path (encoder.layers.*) as one local function of the file, repeatable")
      ->group(group)
      ->type_name("MODULE=NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  c.add_flag("--strip", a.options.strip, "Write no provenance (module paths, source lines)")->group(group);
  a.paths.push_back(
      c.add_option(
           "--depfile", a.depfile,
           "Write what the output depends on (model, profiles, manifests, libraries) for make and ninja")
          ->group(group)
          ->type_name("FILE"));
  c.add_flag("--dry-run", a.options.dry_run,
             "Write nothing; list every operator, who maps it, what is unsupported")
      ->group(group);
}

}  // namespace

std::pair<CLI::App*, Command> add_export(CLI::App& app, const Common& common) {
  auto a = std::make_shared<ExportArguments>();
  CLI::App* c = app.add_subcommand("export", "Turn a model into an ONNX file");
  c->add_option("model", a->model, "The model: TorchScript (.pt) or an exported program (.pt2)")
      ->required()
      ->type_name("MODEL");
  add_output_options(*c, *a);
  add_input_options(*c, *a);
  c->add_flag("--verify", a->options.verify.enabled,
              "Run model and file, compare; nothing is written when they differ")
      ->group("Verification");
  add_tolerance_options(*c, *a);
  add_plugin_options(*c, *a);
  add_pass_options(*c, *a);
  c->add_flag("--isolate", a->isolate,
              "Export in a process of its own: a plugin that crashes, exits or hangs ends as an error")
      ->group("Plugins");
  c->add_option("--time-limit", a->time_limit,
                "Seconds that the export may take (default: any); with --isolate, whatever a plugin does")
      ->group("Output")
      ->check(CLI::Range(1, 1'000'000));
  add_config_option(*c, a->profiles);
  c->footer(
      "Examples:\n"
      "  onnxport export resnet.pt -i 'x:f32[batch=2,3,224,224]' --verify\n"
      "  onnxport export bert.pt -o bert.onnx --opset 18 -i 'ids:i64[batch,seq=16]' -i "
      "'mask:i64[batch,seq]'\n"
      "  onnxport export model.pt2 --opset 18 --opset 23 -o 'model.opset{opset}.onnx'\n"
      "  onnxport export model.pt2 --config onnxruntime --config tensorrt-10 -o 'model.{config}.onnx'\n"
      "  onnxport export model.pt -i 'x:f32[1,8]' --dry-run");
  return {c, [a, c, &common] { return run(*a, common, *c); }};
}

std::pair<CLI::App*, Command> add_verify(CLI::App& app, const Common& common) {
  auto a = std::make_shared<ExportArguments>();
  CLI::App* c = app.add_subcommand("verify", "Compare an ONNX file with the model it was made from");
  c->add_option("model", a->model, "The model: TorchScript (.pt) or an exported program (.pt2)")
      ->required()
      ->type_name("MODEL");
  c->add_option("onnx", a->output, "The ONNX file")->required()->type_name("ONNX");
  add_input_options(*c, *a);
  add_tolerance_options(*c, *a);
  add_plugin_options(*c, *a);
  add_pass_options(*c, *a);
  add_single_config_option(*c, a->profiles);
  return {c, [a, c, &common] {
            a->apply();
            const Session session = open_session(a->profiles, a->options.plugins);
            ExportOptions options = with_single_profile(session, a->profiles, a->options, *c);
            options.verify.enabled = true;
            const ExportReport report = verify_files(session, a->model, a->output, options);
            print_diagnostics(report.diagnostics, common.verbose);
            if (common.json) {
              fmt::print("{}\n", to_json(report));
            } else if (!common.quiet) {
              fmt::print("{}\n", styled(a->output.string(), Style::bold, STDOUT_FILENO));
              print_verify(report);
            }
            return nothing_verified(report) ? exit_status("V808") : 0;
          }};
}

}  // namespace onnxport::cli
