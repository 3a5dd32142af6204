#include "onnxport/errors.h"

#include <utility>

namespace onnxport {

std::string Location::text() const {
  std::string out = file;
  if (line > 0) {
    out += ':' + std::to_string(line);
    if (column > 0) out += ':' + std::to_string(column);
  }
  if (!node.empty()) out += (out.empty() ? "" : ": ") + node;
  if (!module_path.empty()) out += (out.empty() ? "" : " at ") + module_path;
  if (!source.empty()) out += (out.empty() ? "(" : " (") + source + ")";
  return out;
}

std::string Diagnostic::text() const {
  static constexpr const char* names[] = {"note", "warning", "error"};
  std::string out = place.text();
  if (!out.empty()) out += ": ";
  out += names[static_cast<int>(severity)];
  if (!code.empty()) out += ' ' + code;
  out += ": " + message;
  if (!hint.empty()) out += "\n  -> " + hint;
  return out;
}

Error::Error(Diagnostic diagnostic) : Error(std::vector<Diagnostic>{std::move(diagnostic)}) {}

Error::Error(std::vector<Diagnostic> diagnostics) {
  std::string text;
  for (const Diagnostic& d : diagnostics) text += (text.empty() ? "" : "\n") + d.text();
  findings_ = std::make_shared<const Findings>(Findings{std::move(diagnostics), std::move(text)});
}

Error::Error(std::string_view code, std::string message, Location place, std::string hint)
    : Error(Diagnostic{Severity::error, std::string(code), std::move(message), std::move(place),
                       std::move(hint)}) {}

int exit_status(std::string_view code) {
  static constexpr std::string_view families = "MLACTOSVIFP";
  const size_t at = code.empty() ? std::string_view::npos : families.find(code.front());
  return at == std::string_view::npos ? 1 : 10 + static_cast<int>(at);
}

}  // namespace onnxport
