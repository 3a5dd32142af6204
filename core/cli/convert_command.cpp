#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "core/cli/commands.h"
#include "core/cli/output_options.h"
#include "core/cli/report_text.h"
#include "core/cli/targets.h"
#include "core/cli/terminal.h"
#include "onnxport/convert.h"
#include "onnxport/json.h"
#include "onnxport/output.h"

namespace onnxport::cli {
namespace {

struct ConvertArguments : OutputArguments {
  bool explain = false;
};

// ---- --explain ----

std::string range_text(const ReachReport& reach) {
  int lowest = 0, highest = 0;
  const auto at_own = std::find_if(reach.opsets.begin(), reach.opsets.end(),
                                   [&](const OpsetReach& r) { return r.opset == reach.opset; });
  if (at_own == reach.opsets.end() || !at_own->blockers.empty()) return {};
  for (auto it = at_own; it->blockers.empty(); --it) {
    lowest = it->opset;
    if (it == reach.opsets.begin()) break;
  }
  for (auto it = at_own; it != reach.opsets.end() && it->blockers.empty(); ++it) highest = it->opset;
  return fmt::format("{} to {}", lowest, highest);
}

// The opsets from the file's own outwards: what blocks each, once.
std::vector<const OpsetReach*> outwards(const ReachReport& reach, bool down) {
  std::vector<const OpsetReach*> out;
  for (const OpsetReach& at : reach.opsets) {
    if (down ? at.opset < reach.opset : at.opset >= reach.opset) out.push_back(&at);
  }
  if (down) std::reverse(out.begin(), out.end());
  return out;
}

void print_reach(const ReachReport& reach, const std::filesystem::path& model) {
  const std::string range = range_text(reach);
  fmt::print("{} opset {}: {}\n", styled(model.string(), Style::bold, STDOUT_FILENO), reach.opset,
             range.empty() ? "can be written at no opset around it" : "can be written at opset " + range);
  for (const bool down : {true, false}) {
    std::map<std::string, int> seen;  // blocker -> the nearest opset that it blocks
    for (const OpsetReach* at : outwards(reach, down)) {
      std::vector<std::string> lines;
      for (const Diagnostic& d : at->blockers) {
        const std::string where = d.place.text();
        const std::string text = (where.empty() ? "" : where + ": ") + d.code + ": " + d.message;
        if (seen.emplace(where.empty() ? text : where, at->opset).second) lines.push_back(text);
      }
      if (at->blockers.empty()) continue;
      fmt::print("  {:>2} {}\n", at->opset, styled("blocked", Style::red, STDOUT_FILENO));
      for (const std::string& line : lines) fmt::print("     {}\n", line);
      if (lines.empty()) fmt::print("     by the same\n");
    }
  }
}

std::string reach_json(const ReachReport& reach) {
  std::string each;
  for (const OpsetReach& at : reach.opsets) {
    each += fmt::format("{}{{\"opset\": {}, \"reachable\": {}, \"blockers\": {}}}", each.empty() ? "" : ", ",
                        at.opset, at.blockers.empty(), to_json(at.blockers));
  }
  return fmt::format(R"({{"opset": {}, "opsets": [{}]}})", reach.opset, each);
}

int explain(const ConvertArguments& a, const Common& common) {
  if (!a.report.empty()) check_report(a.report, a.options.overwrite, Source(a.model).as_onnx());
  const ReachReport reach = reach_of(a.model, a.options.plugins);
  if (!a.report.empty()) write_report(a.report, reach_json(reach) + "\n");
  if (common.json) {
    fmt::print("{}\n", reach_json(reach));
  } else {
    print_reach(reach, a.model);
  }
  return 0;
}

// ---- conversion ----

void check_arguments(const ConvertArguments& a, std::vector<TargetFile>& targets) {
  std::vector<std::filesystem::path> files;
  for (TargetFile& t : targets) {
    if (t.target.opset == 0 && (a.output.empty() || names_opset(a.output)))
      throw Error("I111", "the output is named after an opset of ai.onnx, and none is given", {},
                  "name the file with -o, or the opset: --opset ai.onnx=17,com.acme=2");
    files.push_back(t.file);
  }
  if (!a.report.empty()) {
    files.push_back(a.report);
    check_report(a.report, a.options.overwrite, Source(a.model).as_onnx());
  }
  check_apart(files);
}

// The status is that of the first target that failed.
int print_targets(const std::vector<TargetFile>& targets, const CaptureReport& capture,
                  const Common& common) {
  int status = 0;
  print_diagnostics(capture.diagnostics, common.verbose);
  for (const TargetFile& t : targets) {
    if (!t.errors.empty()) {
      if (status == 0) status = exit_status(t.errors.front().code);
      if (common.json) continue;
      if (targets.size() > 1)
        say(fmt::format("{} is not written:\n", styled(t.file.string(), Style::bold, STDERR_FILENO)));
      print_diagnostics(t.errors, common.verbose);
      continue;
    }
    print_diagnostics(t.report.diagnostics, common.verbose);
    if (common.json || common.quiet) continue;
    print_report(t.report, t.file);
    if (common.verbose) print_stages(t.report.stage_seconds);
  }
  return status;
}

int run(ConvertArguments& a, const Common& common) {
  a.apply();
  if (a.explain) return explain(a, common);
  if (a.opsets.empty())
    throw Error("I111", "no --opset is given", {},
                "for example --opset 17; --explain says which can be reached");
  Progress progress(!common.quiet && !common.json);
  a.options.progress = [&](std::string_view stage, double fraction) { progress(stage, fraction); };
  a.options.opset = 0;
  const std::filesystem::path named =
      a.output.empty() ? std::filesystem::path(a.model).replace_extension(".opset{opset}.onnx") : a.output;
  std::vector<TargetFile> targets = targets_of(a.opsets, {a.options}, a.model, named);
  check_arguments(a, targets);
  const CaptureReport capture =
      export_targets(Session(a.options.plugins), Source(a.model).as_onnx(), a.options, targets);
  const std::string json = to_json(capture, targets);
  if (!a.report.empty()) write_report(a.report, json + "\n");
  if (common.json) fmt::print("{}\n", json);
  return print_targets(targets, capture, common);
}

void add_output_options(CLI::App& c, ConvertArguments& a) {
  auto* group = "Output";
  add_file_options(c, a,
                   "The file to write (default: MODEL.opset{opset}.onnx); {opset} in it is the target's",
                   "The ai.onnx opset to write, or ai.onnx=18,com.acme=2 (what is not named stays); "
                   "repeatable: a file for each");
  c.add_option(
       "--weights", a.weights,
       "Where weights go: auto (where they are: inline, or in the same file beside the model when the output "
       "is beside it too, else a copy), inline, external (FILE.data), reference (never copied)")
      ->group(group)
      ->check(CLI::IsMember({"auto", "inline", "external", "reference"}));
  c.add_option("--external-threshold", a.options.external_threshold,
               "With --weights external: smaller initializers stay inline (default 1024 bytes)")
      ->group(group)
      ->type_name("BYTES");
  c.add_flag("--strip", a.options.strip, "Write no metadata")->group(group);
  c.add_flag("--explain", a.explain,
             "Write nothing; say which opsets can be reached, and what blocks the others")
      ->group(group);
}

}  // namespace

std::pair<CLI::App*, Command> add_convert(CLI::App& app, const Common& common) {
  auto a = std::make_shared<ConvertArguments>();
  CLI::App* c = app.add_subcommand("convert", "Take an ONNX file to another opset");
  c->add_option("model", a->model, "The ONNX file")->required()->type_name("ONNX");
  add_output_options(*c, *a);
  add_example_options(*c, *a);
  c->add_flag("--verify", a->options.verify.enabled,
              "Run both files in ONNX Runtime, compare; nothing is written when they differ")
      ->group("Verification");
  add_comparison_options(*c, *a);
  add_plugin_options(*c, *a);
  c->footer(
      "Examples:\n"
      "  onnxport convert model.onnx -o model.opset13.onnx --opset 13 --verify\n"
      "  onnxport convert model.onnx --opset ai.onnx=17,com.acme=2\n"
      "  onnxport convert model.onnx --explain");
  return {c, [a, &common] { return run(*a, common); }};
}

}  // namespace onnxport::cli
