#include "core/cli/terminal.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace onnxport::cli {
namespace {

bool wants_colour(int fd) {
  const char* no = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return isatty(fd) == 1 && (no == nullptr || *no == '\0') &&
         (term == nullptr || std::string_view(term) != "dumb");
}

template <typename Range, typename Each>
std::string array(const Range& range, Each each) {
  std::string out = "[";
  for (const auto& item : range) out += (out.size() == 1 ? "" : ", ") + each(item);
  return out + "]";
}

// What a model or a manifest says is not what the terminal does.
std::string printable(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) c = '?';
  }
  return text;
}

std::string diagnostic_json(const Diagnostic& d) {
  static constexpr std::string_view names[] = {"note", "warning", "error"};
  return fmt::format(
      R"({{"severity": {}, "code": {}, "message": {}, "file": {}, "line": {}, "column": {}, "node": {}, "module_path": {}, "source": {}, "hint": {}}})",
      json_string(names[static_cast<int>(d.severity)]), json_string(d.code), json_string(d.message),
      json_string(d.place.file), d.place.line, d.place.column, json_string(d.place.node),
      json_string(d.place.module_path), json_string(d.place.source), json_string(d.hint));
}

std::string run_json(const VerifyRun& run) {
  std::string sizes = "{";
  for (const auto& [name, size] : run.sizes)
    sizes += (sizes.size() == 1 ? "" : ", ") + json_string(name) + ": " + std::to_string(size);
  return fmt::format(
      R"({{"sizes": {}}}, "passed": {}, "max_abs_error": {:.9g}, "max_rel_error": {:.9g}, "first_diverging_node": {}, "message": {}}})",
      sizes, run.passed, run.max_abs_error, run.max_rel_error, json_string(run.first_diverging_node),
      json_string(run.message));
}

std::string operator_json(const OperatorReport& op) {
  return fmt::format(R"({{"operator": {}, "count": {}, "plugin": {}, "reasons": {}}})",
                     json_string(op.torch_op), op.count, json_string(op.plugin),
                     array(op.reasons, [](const std::string& r) { return json_string(r); }));
}

std::string stage_json(const std::pair<std::string, double>& stage) {
  return fmt::format(R"({{"stage": {}, "seconds": {:.6f}}})", json_string(stage.first), stage.second);
}

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

}  // namespace

std::string styled(std::string_view text, Style style, int stream_fd) {
  static constexpr std::string_view codes[] = {"", "1", "2", "31", "33", "32", "36"};
  if (style == Style::plain || !wants_colour(stream_fd)) return std::string(text);
  return fmt::format("\033[{}m{}\033[0m", codes[static_cast<int>(style)], text);
}

void say(const std::string& text) { (void)std::fputs(text.c_str(), stderr); }

Progress::Progress(bool enabled)
    : enabled_(enabled && isatty(STDERR_FILENO) == 1), start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (shown_) say("\r\033[K");
}

void Progress::operator()(std::string_view stage, double fraction) {
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  if (!enabled_ || elapsed.count() < 1.0) return;
  constexpr int kWidth = 24;
  const int filled = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * kWidth);
  say(fmt::format("\r\033[K[{:━<{}}{: <{}}] {:>3.0f}% {} ({:.0f} s)", "", filled, "", kWidth - filled,
                  fraction * 100, stage, elapsed.count()));
  std::fflush(stderr);
  shown_ = true;
}

void print_diagnostics(const std::vector<Diagnostic>& diagnostics, bool verbose) {
  for (const Diagnostic& d : diagnostics) {
    if (d.severity == Severity::note && !verbose) continue;
    static constexpr std::string_view names[] = {"note", "warning", "error"};
    static constexpr Style styles[] = {Style::cyan, Style::yellow, Style::red};
    const auto level = static_cast<size_t>(d.severity);
    const std::string where = printable(d.place.text());
    const std::string label =
        d.code.empty() ? std::string(names[level]) : fmt::format("{} {}", names[level], d.code);
    say(fmt::format("{}{}{}: {}\n", styled(where, Style::bold, STDERR_FILENO), where.empty() ? "" : ": ",
                    styled(label, styles[level], STDERR_FILENO), printable(d.message)));
    if (!d.hint.empty())
      say(fmt::format("  {} {}\n", styled("->", Style::cyan, STDERR_FILENO), printable(d.hint)));
  }
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const char c = text.front();
    const size_t length = character_length(text);
    if (length == 0) {
      // Not UTF-8: U+FFFD, the sign for a character that could not be read.
      out += "\\ufffd";
      text.remove_prefix(1);
      continue;
    }
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += text.substr(0, length);
        }
    }
    text.remove_prefix(length);
  }
  return out + '"';
}

std::string to_json(const std::vector<Diagnostic>& diagnostics) {
  return array(diagnostics, diagnostic_json);
}

std::string to_json(const CaptureReport& report) {
  return fmt::format(R"({{"seconds": {}, "diagnostics": {}}})", array(report.stage_seconds, stage_json),
                     to_json(report.diagnostics));
}

namespace {

std::string pass_json(const PassReport& pass) {
  return fmt::format(
      R"({{"plugin": {}, "pass": {}, "stage": {}, "rewrites": {}, "nodes_removed": {}, "nodes_added": {}, "skipped": {}}})",
      json_string(pass.plugin), json_string(pass.pass), json_string(pass.stage), pass.rewrites,
      pass.nodes_removed, pass.nodes_added, json_string(pass.skipped));
}

}  // namespace

std::string to_json(const ExportReport& report) {
  const auto text = [](const std::string& s) { return json_string(s); };
  std::string nodes = "{";
  for (const auto& [op, count] : report.node_counts)
    nodes += (nodes.size() == 1 ? "" : ", ") + json_string(op) + ": " + std::to_string(count);
  nodes += "}";
  std::string out = "{";
  out += fmt::format("\"opset\": {}, \"ir_version\": {}, ", report.opset, report.ir_version);
  out += fmt::format("\"inputs\": {}, \"outputs\": {}, ", array(report.inputs, text),
                     array(report.outputs, text));
  out += fmt::format("\"states\": {}, ", array(report.states, [](const auto& s) {
                       return fmt::format(R"({{"input": {}, "output": {}}})", json_string(s.first),
                                          json_string(s.second));
                     }));
  out += fmt::format("\"nodes\": {}, \"parameters\": {}, \"weight_bytes\": {}, ", nodes,
                     report.parameter_count, report.weight_bytes);
  out += fmt::format("\"plugins\": {}, \"operators\": {}, ", array(report.plugins_used, text),
                     array(report.operators, operator_json));
  out += fmt::format("\"passes\": {}, ", array(report.passes, pass_json));
  out += fmt::format("\"verify\": {}, \"not_independently_checked\": {}, ",
                     array(report.verify_runs, run_json), array(report.not_independently_checked, text));
  out += fmt::format("\"seconds\": {}, ", array(report.stage_seconds, stage_json));
  out += "\"diagnostics\": " + to_json(report.diagnostics) + "}";
  return out;
}

std::string human_bytes(uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  for (const char* unit : {"kB", "MB", "GB", "TB"}) {
    value /= 1000;
    if (value < 1000) return fmt::format("{:.1f} {}", value, unit);
  }
  return fmt::format("{:.1f} PB", value / 1000);
}

std::string human_seconds(double seconds) {
  return seconds < 1 ? fmt::format("{:.0f} ms", seconds * 1000) : fmt::format("{:.1f} s", seconds);
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i)
      line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
    out += line + "\n";
  }
  return out;
}

}  // namespace onnxport::cli
