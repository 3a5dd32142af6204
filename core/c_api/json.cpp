#include "onnxport/json.h"

#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <utility>

namespace onnxport {
namespace {

template <typename Range, typename Each>
std::string array(const Range& range, Each each) {
  std::string out = "[";
  for (const auto& item : range) out += (out.size() == 1 ? "" : ", ") + each(item);
  return out + "]";
}

std::string texts(const std::vector<std::string>& items) {
  return array(items, [](const std::string& item) { return json_string(item); });
}

template <typename Map>
std::string numbers(const Map& map) {
  std::string out = "{";
  for (const auto& [name, number] : map)
    out += (out.size() == 1 ? "" : ", ") + json_string(name) + ": " + std::to_string(number);
  return out + "}";
}

// Members in order, whose values are JSON already.
std::string object(std::initializer_list<std::pair<std::string_view, std::string>> members) {
  std::string out = "{";
  for (const auto& [name, value] : members) {
    if (out.size() > 1) out += ", ";
    out.append("\"").append(name).append("\": ").append(value);
  }
  return out + "}";
}

// JSON has no number for what is not finite.
std::string number(double value, const char* format = "%.9g") {
  if (!std::isfinite(value)) return "null";
  char out[64];
  (void)std::snprintf(out, sizeof out, format, value);
  return out;
}

std::string truth(bool value) { return value ? "true" : "false"; }

// Bytes of the UTF-8 character that the text starts with; 0: it starts with none.
size_t character_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t length = lead < 0x80                   ? 1
                        : lead >= 0xC2 && lead < 0xE0 ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Neither a longer form than needed, nor a surrogate, nor beyond U+10FFFF.
  const bool wrong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
                     (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F);
  return wrong ? 0 : length;
}

std::string escaped(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\t':
      return "\\t";
    case '\r':
      return "\\r";
    default:
      break;
  }
  if (static_cast<unsigned char>(c) >= 0x20) return std::string(1, c);
  char out[8];
  (void)std::snprintf(out, sizeof out, "\\u%04x", static_cast<unsigned>(c));
  return out;
}

std::string diagnostic_json(const Diagnostic& d) {
  static constexpr std::string_view names[] = {"note", "warning", "error"};
  return object({{"severity", json_string(names[static_cast<int>(d.severity)])},
                 {"code", json_string(d.code)},
                 {"message", json_string(d.message)},
                 {"file", json_string(d.place.file)},
                 {"line", std::to_string(d.place.line)},
                 {"column", std::to_string(d.place.column)},
                 {"node", json_string(d.place.node)},
                 {"module_path", json_string(d.place.module_path)},
                 {"source", json_string(d.place.source)},
                 {"hint", json_string(d.hint)}});
}

std::string run_json(const VerifyRun& run) {
  return object({{"sizes", numbers(run.sizes)},
                 {"passed", truth(run.passed)},
                 {"max_abs_error", number(run.max_abs_error)},
                 {"max_rel_error", number(run.max_rel_error)},
                 {"first_diverging_node", json_string(run.first_diverging_node)},
                 {"message", json_string(run.message)}});
}

std::string operator_json(const OperatorReport& op) {
  return object({{"operator", json_string(op.torch_op)},
                 {"count", std::to_string(op.count)},
                 {"plugin", json_string(op.plugin)},
                 {"reasons", texts(op.reasons)}});
}

std::string pass_json(const PassReport& pass) {
  return object({{"plugin", json_string(pass.plugin)},
                 {"pass", json_string(pass.pass)},
                 {"stage", json_string(pass.stage)},
                 {"rewrites", std::to_string(pass.rewrites)},
                 {"nodes_removed", std::to_string(pass.nodes_removed)},
                 {"nodes_added", std::to_string(pass.nodes_added)},
                 {"skipped", json_string(pass.skipped)}});
}

std::string change_json(const TargetChange& change) {
  return object({{"rule", json_string(change.rule)},
                 {"operator", json_string(change.operator_name)},
                 {"reason", json_string(change.reason)},
                 {"count", std::to_string(change.count)}});
}

std::string state_json(const std::pair<std::string, std::string>& state) {
  return object({{"input", json_string(state.first)}, {"output", json_string(state.second)}});
}

std::string stages_json(const std::vector<std::pair<std::string, double>>& stages) {
  return array(stages, [](const auto& stage) {
    return object({{"stage", json_string(stage.first)}, {"seconds", number(stage.second, "%.6f")}});
  });
}

std::string plugin_json(const PluginInfo& p) {
  return object({{"id", json_string(p.id)},
                 {"version", json_string(p.version)},
                 {"publisher", json_string(p.publisher)},
                 {"tier", json_string(p.tier)},
                 {"state", json_string(p.state)},
                 {"code", json_string(p.code)},
                 {"reason", json_string(p.reason)},
                 {"locked", p.locked ? "true" : "false"},
                 {"manifest", json_string(p.manifest.string())},
                 {"library", json_string(p.library.string())},
                 {"mappings", std::to_string(p.mappings)},
                 {"opsets", array(p.opsets, [](int version) { return std::to_string(version); })},
                 {"passes", texts(p.passes)}});
}

std::string folder_json(const PluginFolder& f) {
  return object({{"folder", json_string(f.folder.string())},
                 {"tier", json_string(f.tier)},
                 {"state", json_string(f.state)}});
}

std::string mapped_json(const PluginOperator& op) {
  return object({{"operator", json_string(op.torch_op)},
                 {"by", json_string(op.by)},
                 {"min_opset", std::to_string(op.min_opset)},
                 {"max_opset", std::to_string(op.max_opset)}});
}

std::string which_json(const WhichInfo& i) {
  return object({{"plugin", json_string(i.plugin)},
                 {"entry", json_string(i.entry)},
                 {"wins", truth(i.wins)},
                 {"reason", json_string(i.reason)},
                 {"problem", i.problem ? to_json(std::vector<Diagnostic>{*i.problem}) : "[]"}});
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const size_t length = character_length(text);
    if (length == 0) {
      out += "\\ufffd";
    } else if (length == 1) {
      out += escaped(text.front());
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out + '"';
}

std::string to_json(const std::vector<Diagnostic>& diagnostics) {
  return array(diagnostics, diagnostic_json);
}

std::string to_json(const CaptureReport& report) {
  return object(
      {{"seconds", stages_json(report.stage_seconds)}, {"diagnostics", to_json(report.diagnostics)}});
}

std::string to_json(const ExportReport& report) {
  return object({{"profile", json_string(report.profile)},
                 {"opset", std::to_string(report.opset)},
                 {"ir_version", std::to_string(report.ir_version)},
                 {"inputs", texts(report.inputs)},
                 {"outputs", texts(report.outputs)},
                 {"states", array(report.states, state_json)},
                 {"nodes", numbers(report.node_counts)},
                 {"parameters", std::to_string(report.parameter_count)},
                 {"weight_bytes", std::to_string(report.weight_bytes)},
                 {"plugins", texts(report.plugins_used)},
                 {"operators", array(report.operators, operator_json)},
                 {"passes", array(report.passes, pass_json)},
                 {"target_changes", array(report.target_changes, change_json)},
                 {"verify", array(report.verify_runs, run_json)},
                 {"not_independently_checked", texts(report.not_independently_checked)},
                 {"seconds", stages_json(report.stage_seconds)},
                 {"diagnostics", to_json(report.diagnostics)}});
}

std::string to_json(const PluginListing& listing) {
  return object({{"plugins", array(listing.plugins, plugin_json)},
                 {"folders", array(listing.folders, folder_json)},
                 {"diagnostics", to_json(listing.notes)}});
}

std::string to_json(const PluginDetails& p) {
  std::string own = plugin_json(p);
  own.pop_back();
  return own + ", " +
         object({{"name", json_string(p.name)},
                 {"license", json_string(p.license)},
                 {"url", json_string(p.url)},
                 {"description", json_string(p.description)},
                 {"abi", json_string(p.abi)},
                 {"manifest_sha256", json_string(p.manifest_sha256)},
                 {"library_sha256", json_string(p.library_sha256)},
                 {"operators", array(p.operators, mapped_json)},
                 {"schemas", texts(p.schemas)},
                 {"domains", texts(p.domains)},
                 {"requires", texts(p.requirements)},
                 {"overrides", texts(p.overrides)}})
             .substr(1);
}

std::string to_json(const std::vector<WhichInfo>& candidates) { return array(candidates, which_json); }

}  // namespace onnxport
