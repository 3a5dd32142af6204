// How the program speaks: colour only on a terminal, progress only when work takes long, JSON for tools.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "onnxport/errors.h"
#include "onnxport/export.h"
#include "onnxport/json.h"

namespace onnxport::cli {

enum class Style { plain, bold, dim, red, yellow, green, cyan };

// `text` in a style when `stream_fd` is a terminal that wants colour (NO_COLOR is honoured), else as it is.
std::string styled(std::string_view text, Style style, int stream_fd);

// One line on stderr, rewritten in place, once an export has taken a second; nothing when stderr is no terminal.
class Progress {
 public:
  explicit Progress(bool enabled);
  ~Progress();
  void operator()(std::string_view stage, double fraction);

 private:
  bool enabled_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_;
};

// Text on stderr. One that cannot be written changes nothing else: the exit status still says what happened.
void say(const std::string& text);

// Diagnostics on stderr, notes only when `verbose`.
void print_diagnostics(const std::vector<Diagnostic>& diagnostics, bool verbose);

// "1.2 MB", "3.4 s".
std::string human_bytes(uint64_t bytes);
std::string human_seconds(double seconds);
// Columns padded to their widest cell.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace onnxport::cli
