// What a user writes for an input: what is read must read back the same from what it says of itself.
#include "core/session/input_spec.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "onnxport/errors.h"

namespace {

using Symbols = std::map<std::string, onnxport::ir::SymbolInfo, std::less<>>;

[[noreturn]] void wrong(std::string_view text, const std::string& why) {
  std::fprintf(stderr, "'%.*s': %s\n", static_cast<int>(text.size()), text.data(), why.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  onnxport::InputSpec spec;
  Symbols symbols;
  try {
    spec = onnxport::parse_input_spec(text, symbols);
  } catch (const onnxport::Error& error) {
    if (error.diagnostics().front().code != "I106")
      wrong(text, "refused as " + error.diagnostics().front().code);
    return 0;
  }
  if (spec.fixed) return 0;
  std::string again = spec.name.empty() ? "" : spec.name + ":";
  again += std::string(onnxport::ir::short_name(spec.type.dtype())) + "[";
  for (const onnxport::ir::Dim& dim : *spec.type.shape()) {
    if (again.back() != '[') again += ',';
    again += dim.text();
    dim.for_each_symbol([&](std::string_view symbol) {
      if (symbols.find(symbol) == symbols.end())
        wrong(text, "dim '" + std::string(symbol) + "' is not noted");
    });
  }
  again += "]";
  Symbols others;
  try {
    const onnxport::InputSpec second = onnxport::parse_input_spec(again, others);
    if (second.name != spec.name || !(second.type == spec.type))
      wrong(text, "reads back from " + again + " as another");
  } catch (const onnxport::Error& error) {
    wrong(text, again + " does not read back: " + error.diagnostics().front().message);
  }
  return 0;
}
