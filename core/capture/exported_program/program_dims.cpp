#include "core/capture/exported_program/program_dims.h"

#include "core/archive/file_error.h"
#include "core/capture/exported_program/symbolic.h"
#include "core/capture/exported_program/weights.h"

namespace onnxport {

const ir::Dim* ProgramDims::renamed(std::string_view symbol) const {
  const auto found = renamed_.find(symbol);
  return found == renamed_.end() ? nullptr : &found->second;
}

void ProgramDims::resolve(const std::string& name, const ir::Dim& dim) {
  for (auto& [symbol, known] : renamed_) {
    known =
        known.substitute([&](std::string_view s) { return s == name ? std::optional(dim) : std::nullopt; });
  }
  renamed_.try_emplace(name, dim);
}

ir::Dim ProgramDims::dim(const Json& size) const {
  const auto [tag, value] = size.tagged();
  if (tag == "as_int") {
    const int64_t number = value.integer();
    if (number < 0) value.refuse("is a negative size");
    return number;
  }
  if (tag != "as_expr") size.refuse("is no size");
  const std::string_view text = value.at("expr_str").text();
  const auto parsed = parse_symbolic(text);
  if (!parsed) value.refuse("is no size expression: '" + excerpt(text, 80) + "'");
  return parsed->substitute([&](std::string_view symbol) -> std::optional<ir::Dim> {
    const ir::Dim* other = renamed(symbol);
    return other == nullptr ? std::nullopt : std::optional(*other);
  });
}

ir::Type ProgramDims::type(const Json& meta) const {
  ir::Shape shape;
  for (const Json& size : meta.at("sizes").items()) shape.push_back(dim(size));
  return ir::Type::tensor(dtype_of_program(meta.at("dtype").integer()), std::move(shape));
}

}  // namespace onnxport
