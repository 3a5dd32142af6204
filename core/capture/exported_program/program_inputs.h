// The inputs a program takes from its caller, and the symbols in their sizes under the names the user wants.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/capture/exported_program/json.h"
#include "core/capture/exported_program/program_dims.h"
#include "core/torch_interface/torch_interface.h"

namespace onnxport {

class ProgramInputs {
 public:
  struct Input {
    std::string placeholder;  // its name in the program's graph
    std::string name;         // "past.0.1": as forward calls it
    std::string tag;          // "as_tensor", "as_sym_int", …
    std::optional<Json> meta;
    const InputSpec* spec = nullptr;  // what the user says of it
  };

  // Reads the signature, then applies options.inputs and options.dims to `dims`. Throws Error I105, I106,
  // I107 for what does not fit the program, I116.
  ProgramInputs(const Json& program, std::string file, const CaptureOptions& options, ProgramDims& dims);

  // By the placeholder's name; null for a constant of the program.
  const Input* find(std::string_view placeholder) const;
  // The type as the program records it.
  ir::Type type(const Input& input) const;
  // Ranges and example sizes of the symbols. Throws Error I107 for a size outside its range.
  std::map<std::string, ir::SymbolInfo, std::less<>> symbols(const Json& program) const;

 private:
  using Symbols = std::map<std::string, ir::SymbolInfo, std::less<>>;

  Error refused(std::string_view code, std::string message, std::string hint) const;
  Error mismatch(const Input& input, const std::string& why) const;
  void collect(const Json& graph, const Json& signature, const std::vector<std::string>& names);
  void match_specs();
  Input& matching(const InputSpec& spec, size_t position, bool positional);
  void rename_symbols(const Json& program);
  void apply(const Input& input);
  void unify(const Input& input, size_t axis, const ir::Dim& wanted);
  void note_range(std::string_view text, const Json& range, Symbols& out) const;
  void note_hint(const Json& size, Symbols& out) const;
  std::string names() const;

  std::string file_;
  const CaptureOptions& options_;
  ProgramDims& dims_;
  std::vector<Input> inputs_;
  std::set<std::string, std::less<>> given_;  // names that are the user's
};

}  // namespace onnxport
