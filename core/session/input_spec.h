// What a user writes for an input: "name:dtype[dims]", "name=3".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/torch_interface/torch_interface.h"
#include "onnxport/options.h"

namespace onnxport {

// "x:f32[batch=2,3,224,224]", "x:f32[batch,3]", "n:i64[]", "scale=0.5", "flag=true", "mode=\"max\"", "mask=None",
// "f32[2,3]" (by position), "x:quint8(0.05,128)[batch,3]" (quantized: scale and zero point; qint8 and qint32 too). A dim is
// a number, a name, a name with its example size or with its range ("h=64..640"), or an expression of names ("2*seq"). Symbols and their example sizes are
// added to `symbols`; a name given twice must have one example size. Throws Error I106 showing the text and where in it.
InputSpec parse_input_spec(std::string_view text,
                           std::map<std::string, ir::SymbolInfo, std::less<>>& symbols);

// The inputs of a model as the options give them: `inputs`, or the files of `inputs_dir`, then
// `dynamic_axes` over both. Throws Error I106, I107, I12x.
std::vector<InputSpec> read_inputs(const ProgramOptions& options,
                                   std::map<std::string, ir::SymbolInfo, std::less<>>& symbols);

// An example size for each symbol that has none.
void give_default_sizes(std::map<std::string, ir::SymbolInfo, std::less<>>& symbols);
// The example size of a symbol nobody gave one for.
int64_t default_size(std::string_view symbol);

}  // namespace onnxport
