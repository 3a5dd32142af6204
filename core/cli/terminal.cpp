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

// What a model or a manifest says is not what the terminal does.
std::string printable(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) c = '?';
  }
  return text;
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
