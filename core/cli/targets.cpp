#include "core/cli/targets.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "core/cli/terminal.h"

namespace onnxport::cli {
namespace {

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

std::string with(std::string text, std::string_view placeholder, const std::string& value) {
  for (size_t at = text.find(placeholder); at != std::string::npos;
       at = text.find(placeholder, at + value.size()))
    text.replace(at, placeholder.size(), value);
  return text;
}

std::filesystem::path file_of(const std::filesystem::path& model, const std::filesystem::path& output,
                              const Target& target, bool several_opsets, bool several_profiles) {
  const std::string opset = std::to_string(target.opset);
  if (!output.empty()) {
    const std::string config = target.profile.empty() ? "default" : target.profile;
    return with(with(output.string(), "{opset}", opset), "{config}", config);
  }
  std::string ending = several_profiles ? "." + target.profile : "";
  if (several_opsets) ending += ".opset" + opset;
  return std::filesystem::path(model).replace_extension(ending + ".onnx");
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

void override_opsets(std::string_view text, Target& target) {
  Target given;
  given.opset = 0;
  read_opsets(text, given);
  if (given.opset != 0) target.opset = given.opset;
  for (const auto& [domain, version] : given.domain_opsets) target.domain_opsets[domain] = version;
}

std::vector<TargetFile> targets_of(const std::vector<std::string>& opsets,
                                   const std::vector<ExportOptions>& bases,
                                   const std::filesystem::path& model, const std::filesystem::path& output) {
  std::vector<TargetFile> out;
  for (const ExportOptions& base : bases) {
    for (const std::string& text : opsets) {
      out.push_back({base, {}, {}, {}});
      override_opsets(text, out.back().target);
    }
    if (opsets.empty()) out.push_back({base, {}, {}, {}});
  }
  for (TargetFile& t : out) t.file = file_of(model, output, t.target, opsets.size() > 1, bases.size() > 1);
  return out;
}

bool names_opset(const std::filesystem::path& output) {
  return output.string().find("{opset}") != std::string::npos;
}

CaptureReport export_targets(const Session& session, const Source& model, const ExportOptions& options,
                             std::vector<TargetFile>& targets) {
  if (!options.dry_run) {
    for (const TargetFile& t : targets) check_output(t.file, t.target, model);
  }
  for (const TargetFile& t : targets) session.check(t.target);
  ProgramOptions capture = options;
  capture.progress = options.progress;
  capture.verifiable = options.verify.enabled && !options.dry_run;
  const bool reads_weights = std::any_of(targets.begin(), targets.end(), [](const TargetFile& t) {
    return t.target.weights != Weights::reference;
  });
  capture.check_weights = !options.dry_run && reads_weights;
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
    each += head + (t.errors.empty()
                        ? to_json(t.report).substr(1)
                        : fmt::format("\"profile\": {}, \"opset\": {}, \"diagnostics\": {}}}",
                                      json_string(t.target.profile), t.target.opset, to_json(t.errors)));
  }
  return fmt::format(R"({{"capture": {}, "targets": [{}]}})", to_json(capture), each);
}

}  // namespace onnxport::cli
