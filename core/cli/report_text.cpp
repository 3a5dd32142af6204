#include "core/cli/report_text.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "core/cli/terminal.h"

namespace onnxport::cli {

bool nothing_verified(const ExportReport& report) {
  return std::any_of(report.diagnostics.begin(), report.diagnostics.end(),
                     [](const Diagnostic& d) { return d.code == "V808" && d.severity == Severity::warning; });
}

void print_verify(const ExportReport& report) {
  constexpr std::string_view kNotRun = "not run: ";
  const bool nothing = nothing_verified(report);
  for (const VerifyRun& run : report.verify_runs) {
    std::string sizes;
    for (const auto& [name, size] : run.sizes) sizes += fmt::format(" {}={}", name, size);
    if (!sizes.empty()) sizes = " at" + sizes;
    if (run.message.starts_with(kNotRun)) {
      fmt::print("  {} not run{}: {}\n", styled("!", Style::yellow, STDOUT_FILENO), sizes,
                 run.message.substr(kNotRun.size()));
      continue;
    }
    fmt::print("  {}{}: max error {:.2g} absolute, {:.2g} relative{} {}\n", nothing ? "compared" : "verified",
               sizes, run.max_abs_error, run.max_rel_error, run.message.empty() ? "" : "; " + run.message,
               nothing ? styled("nothing seen", Style::yellow, STDOUT_FILENO)
                       : styled("ok", Style::green, STDOUT_FILENO));
  }
  for (const std::string& op : report.not_independently_checked) {
    fmt::print("  {} not independently checked: no kernel of {} is here, or it is trusted\n",
               styled("!", Style::yellow, STDOUT_FILENO), op);
  }
}

void print_report(const ExportReport& report, const std::filesystem::path& output) {
  size_t nodes = 0;
  std::vector<std::pair<std::string, size_t>> by_count;
  for (const auto& [op, count] : report.node_counts) {
    nodes += count;
    by_count.emplace_back(op, count);
  }
  std::stable_sort(by_count.begin(), by_count.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string most;
  for (size_t i = 0; i < std::min<size_t>(by_count.size(), 6); ++i) {
    most += fmt::format("{}{} {}", i == 0 ? "" : ", ", by_count[i].second, by_count[i].first);
  }
  if (by_count.size() > 6) most += ", …";
  double seconds = 0;
  for (const auto& [stage, took] : report.stage_seconds) seconds += took;
  if (!most.empty()) most = " (" + most + ")";
  fmt::print("{} {}opset {}, IR {}: {} node{}{}, {} of weights, {}\n",
             styled(output.string(), Style::bold, STDOUT_FILENO),
             report.profile.empty() ? "" : "for " + report.profile + ", ", report.opset, report.ir_version,
             nodes, nodes == 1 ? "" : "s", most, human_bytes(report.weight_bytes), human_seconds(seconds));
  for (const std::string& text : report.inputs) fmt::print("  in  {}\n", text);
  for (const std::string& text : report.outputs) fmt::print("  out {}\n", text);
  for (const auto& [from, to] : report.states) {
    if (from.empty()) {
      fmt::print("  state {}\n", to);
    } else {
      fmt::print("  state {} -> {}\n", from, to);
    }
  }
  for (const TargetChange& change : report.target_changes)
    fmt::print("  {} {} x {}: {}\n", change.rule, change.count, change.operator_name, change.reason);
  print_verify(report);
}

void print_stages(const std::vector<std::pair<std::string, double>>& stages) {
  for (const auto& [stage, took] : stages) fmt::print("  {:<10} {}\n", stage, human_seconds(took));
}

}  // namespace onnxport::cli
