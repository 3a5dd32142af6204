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

// Of UTF-8 text, how many bytes stand at `at` that a terminal acts on instead of showing them: control characters, the second
// set of them too, and what turns the direction of writing around.
size_t acted_on(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  const int first = byte(at), second = byte(at + 1), third = byte(at + 2);
  if ((first < 0x20 && first != '\n' && first != '\t') || first == 0x7f) return 1;
  if (first == 0xc2 && second >= 0x80 && second < 0xa0) return 2;
  if (first == 0xe2 && second == 0x80 && third >= 0xa8 && third <= 0xae) return 3;
  if (first == 0xe2 && second == 0x81 && third >= 0xa6 && third <= 0xa9) return 3;
  return 0;
}

// What a model or a manifest says is not what the terminal does, and no line of it looks like one of ours.
std::string printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t bad = acted_on(text, i);
    out += bad == 0 ? text[i] : '?';
    if (text[i] == '\n' && i + 1 < text.size() && text[i + 1] != ' ') out += "  ";
    i += bad == 0 ? 1 : bad;
  }
  return out;
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
