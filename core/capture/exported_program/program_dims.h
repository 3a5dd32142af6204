// The symbols of a program under the names the user gave them.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/capture/exported_program/json.h"
#include "core/ir/dims/dim.h"
#include "core/ir/type.h"

namespace onnxport {

class ProgramDims {
 public:
  // A size as written: a number or an expression. Throws Error I116 for a text that is neither.
  ir::Dim dim(const Json& size) const;
  // The type a "tensor_values" entry records.
  ir::Type type(const Json& meta) const;
  // From here on `symbol` is read as `dim`.
  void rename(const std::string& symbol, ir::Dim dim) { renamed_[symbol] = std::move(dim); }
  // From here on the symbol that is read as `name` is `dim`.
  void resolve(const std::string& name, const ir::Dim& dim);
  const ir::Dim* renamed(std::string_view symbol) const;

 private:
  std::map<std::string, ir::Dim, std::less<>> renamed_;
};

}  // namespace onnxport
