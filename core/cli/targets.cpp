#include "core/cli/targets.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "core/cli/terminal.h"

namespace onnxport::cli {
namespace {

constexpr std::string_view kPlaceholder = "{opset}";

[[noreturn]] void refuse_opset(std::string_view text) {
  throw Error("I111",
              fmt::format("--opset '{}' is not of the form VERSION or DOMAIN=VERSION[,DOMAIN=VERSION]", text),
              {}, "for example --opset 18, or --opset ai.onnx=18,com.acme=2; repeat --opset for more files");
}

int version_of(std::string_view text, std::string_view whole) {
  int version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size() || version < 1) refuse_opset(whole);
  return version;
}

std::string with_opset(std::string text, int opset) {
  const std::string number = std::to_string(opset);
  for (size_t at = text.find(kPlaceholder); at != std::string::npos;
       at = text.find(kPlaceholder, at + number.size()))
    text.replace(at, kPlaceholder.size(), number);
  return text;
}

std::filesystem::path file_of(const std::filesystem::path& model, const std::filesystem::path& output,
                              int opset, bool several) {
  if (!output.empty()) return with_opset(output.string(), opset);
  return std::filesystem::path(model).replace_extension(several ? fmt::format(".opset{}.onnx", opset)
                                                                : ".onnx");
}

}  // namespace

void read_opsets(std::string_view text, Target& target) {
  if (text.find('=') == std::string_view::npos) {
    target.opset = version_of(text, text);
    return;
  }
  for (size_t from = 0; from <= text.size();) {
    const size_t comma = std::min(text.find(',', from), text.size());
    const std::string_view item = text.substr(from, comma - from);
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos || equals == 0) refuse_opset(text);
    const std::string domain(item.substr(0, equals));
    const int version = version_of(item.substr(equals + 1), text);
    if (domain == "ai.onnx") {
      target.opset = version;
    } else if (!target.domain_opsets.emplace(domain, version).second) {
      throw Error("I111", fmt::format("--opset '{}' names {} twice", text, domain), {},
                  "name each domain once");
    }
    from = comma + 1;
  }
}

std::vector<TargetFile> targets_of(const std::vector<std::string>& opsets, const ExportOptions& options,
                                   const std::filesystem::path& model, const std::filesystem::path& output) {
  std::vector<TargetFile> out;
  for (const std::string& text : opsets) {
    out.push_back({options, {}, {}, {}});
    read_opsets(text, out.back().target);
  }
  if (out.empty()) out.push_back({options, {}, {}, {}});
  for (TargetFile& t : out) t.file = file_of(model, output, t.target.opset, out.size() > 1);
  return out;
}

bool names_opset(const std::filesystem::path& output) {
  return output.string().find(kPlaceholder) != std::string::npos;
}

CaptureReport export_targets(const Source& model, const ExportOptions& options,
                             std::vector<TargetFile>& targets) {
  if (!options.dry_run) {
    for (const TargetFile& t : targets) check_output(t.file, t.target, model);
  }
  const Session session(options.plugins);
  for (const TargetFile& t : targets) session.check(t.target);
  ProgramOptions capture = options;
  capture.progress = options.progress;
  capture.verifiable = options.verify.enabled && !options.dry_run;
  capture.check_weights = !options.dry_run && options.weights != Weights::reference;
  const Program program = session.capture(model, capture);
  for (size_t i = 0; i < targets.size(); ++i) {
    Target& target = targets[i].target;
    if (options.progress) {
      // What a write says of the whole of one export, after capture and prepare (0.4 of it), in its share of ours.
      target.progress = [&, i](std::string_view stage, double fraction) {
        const double share =
            (static_cast<double>(i) + (fraction - 0.4) / 0.6) / static_cast<double>(targets.size());
        options.progress(stage, 0.4 + 0.6 * share);
      };
    }
    try {
      targets[i].report = options.dry_run ? program.dry_run(target) : program.write(target, targets[i].file);
    } catch (const Error& error) {
      targets[i].errors = error.diagnostics();
    }
  }
  return program.report();
}

std::string to_json(const CaptureReport& capture, const std::vector<TargetFile>& targets) {
  std::string each;
  for (const TargetFile& t : targets) {
    const std::string head =
        fmt::format("{}{{\"output\": {}, ", each.empty() ? "" : ", ", json_string(t.file.string()));
    each += head + (t.errors.empty() ? to_json(t.report).substr(1)
                                     : fmt::format("\"opset\": {}, \"diagnostics\": {}}}", t.target.opset,
                                                   to_json(t.errors)));
  }
  return fmt::format(R"({{"capture": {}, "targets": [{}]}})", to_json(capture), each);
}

}  // namespace onnxport::cli
