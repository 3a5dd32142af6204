// What goes wrong, as data: stable codes, a place, and the next step. See docs/errors.md for every code.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace onnxport {

enum class Severity { note, warning, error };

// Where something is: any mix of a position in a text file, a node of the model, a record of an archive.
struct Location {
  std::string file;         // manifest, model or config path; empty if none
  int line = 0;             // 1-based; 0: not a position in a text
  int column = 0;           // 1-based
  std::string node;         // operator or ONNX node name, "aten::foo.Tensor"
  std::string module_path;  // "encoder.layers.3.attn"
  std::string source;       // where in the user's Python, "model.py:42"

  // "acme.onnxport.yaml:3:5" or "aten::foo at encoder.layers.3 (model.py:42)"; empty if nothing is known.
  std::string text() const;
};

// One finding. `code` is a family letter and a number: M manifest, L library, A abi, C conflict, T translate,
// O opset, S serialise, V verify, I input, F profile, P live modules.
struct Diagnostic {
  Severity severity = Severity::error;
  std::string code;
  std::string message;  // what, with expected and found
  Location place;
  std::string hint;  // the next step: an option, a plugin, a line to add

  // "place: error T501: message\n  hint".
  std::string text() const;
};

// Thrown through the core for what ends an export; carries every finding collected until then (never empty).
class Error : public std::exception {
 public:
  explicit Error(Diagnostic diagnostic);
  explicit Error(std::vector<Diagnostic> diagnostics);
  Error(std::string_view code, std::string message, Location place = {}, std::string hint = {});

  const std::vector<Diagnostic>& diagnostics() const { return findings_->diagnostics; }
  const char* what() const noexcept override { return findings_->text.c_str(); }

 private:
  struct Findings {
    std::vector<Diagnostic> diagnostics;
    std::string text;
  };
  std::shared_ptr<const Findings> findings_;  // what is thrown must copy without throwing
};

// Exit status of the program for a code: M 10, L 11, A 12, C 13, T 14, O 15, S 16, V 17, I 18, F 19, P 20; else 1.
int exit_status(std::string_view code);

}  // namespace onnxport
