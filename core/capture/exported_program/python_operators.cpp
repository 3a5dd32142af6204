// A program computes with sizes by Python's own operators: they are TorchScript's scalar operators.
#include <array>

#include "core/capture/exported_program/program_importer.h"

namespace onnxport {
namespace {

struct Spelling {
  std::string_view python;
  std::string_view torch;  // without overload
};

constexpr std::array<Spelling, 12> kBinary = {{{"_operator.add", "aten::add"},
                                               {"_operator.sub", "aten::sub"},
                                               {"_operator.mul", "aten::mul"},
                                               {"_operator.floordiv", "aten::floordiv"},
                                               {"_operator.mod", "aten::remainder"},
                                               {"_operator.truediv", "aten::div"},
                                               {"_operator.eq", "aten::eq"},
                                               {"_operator.ne", "aten::ne"},
                                               {"_operator.lt", "aten::lt"},
                                               {"_operator.le", "aten::le"},
                                               {"_operator.gt", "aten::gt"},
                                               {"_operator.ge", "aten::ge"}}};

// Written with the overload they have for the kinds at hand; an empty one: none for that kind.
struct Unary {
  std::string_view python, of_int, of_real;
};
constexpr std::array<Unary, 9> kUnary = {{{"_operator.neg", "aten::neg.int", "aten::neg.float"},
                                          {"torch.sym_float", "aten::Float.int", ""},
                                          {"torch.sym_int", "", "aten::Int.float"},
                                          {"math.trunc", "", "aten::Int.float"},
                                          {"math.floor", "", "aten::floor.float"},
                                          {"math.ceil", "", "aten::ceil.float"},
                                          {"math.sqrt", "aten::sqrt.int", "aten::sqrt.float"},
                                          {"torch._sym_sqrt", "aten::sqrt.int", "aten::sqrt.float"},
                                          {"_operator.pos", "", ""}}};

// Of two numbers; TorchScript keeps these outside aten, so the table of schemas has none.
std::string number_schema(std::string_view op, std::string_view suffix) {
  const std::string_view a = suffix.starts_with(".float") ? "float" : "int";
  const std::string_view b = suffix.ends_with("float") ? "float" : "int";
  const std::string_view result = suffix == ".int" ? "int" : "float";
  std::string out(op);
  for (const std::string_view part :
       {suffix, std::string_view("("), a, std::string_view(" a, "), b, std::string_view(" b) -> "), result})
    out += part;
  return out;
}

std::string_view kind_suffix(bool a_real, bool b_real) {
  if (a_real && b_real) return ".float";
  if (a_real) return ".float_int";
  return b_real ? ".int_float" : ".int";
}

}  // namespace

bool ProgramImporter::import_python_operator(std::string_view target, const std::vector<Input>& inputs,
                                             const Json& node) {
  if (target.starts_with("torch.ops.") || inputs.empty() || inputs.size() > 2) return false;
  const auto finish = [&](std::string_view op, const std::vector<ir::Value*>& operands,
                          bool has_schema = true) {
    const ir::Schema* schema = has_schema ? schema_of(std::string(op), inputs) : nullptr;
    bind_outputs(emit(op, operands, schema), node);
    return true;
  };
  std::vector<ir::Value*> values;
  for (const Input& input : inputs) values.push_back(argument(input.argument, ""));
  const auto is_real = [&](size_t i) { return values[i]->type().kind() == ir::Type::Kind::real; };
  if (values.size() == 1) {
    for (const Unary& unary : kUnary) {
      if (target != unary.python) continue;
      const std::string_view op = is_real(0) ? unary.of_real : unary.of_int;
      if (!op.empty()) return finish(op, values);
      bind_results(values, node);  // the number is of that kind already
      return true;
    }
    if (target == "torch.sym_not" || target == "_operator.not_") return finish("aten::__not__", values);
    return false;
  }
  for (const Spelling& s : kBinary) {
    if (target == s.python)
      return finish(std::string(s.torch) + std::string(kind_suffix(is_real(0), is_real(1))), values);
  }
  if (target == "torch.sym_max" || target == "torch.sym_min") {
    const std::string_view op = target == "torch.sym_max" ? "prim::max" : "prim::min";
    const std::string_view suffix = kind_suffix(is_real(0), is_real(1));
    const std::string name = std::string(op) + std::string(suffix);
    if (!schemas_.contains(name)) schemas_[name] = graph_.keep(ir::parse_schema(number_schema(op, suffix)));
    return finish(name, values);
  }
  if (target == "_operator.and_") return finish("aten::__and__.bool", values);
  if (target == "_operator.or_") return finish("aten::__or__.bool", values);
  if (target == "_operator.pow") {
    return finish(is_real(0) || is_real(1) ? "aten::pow" + std::string(kind_suffix(is_real(0), is_real(1)))
                                           : std::string("aten::pow.int_to_int"),
                  values);
  }
  if (target == "_operator.getitem") return finish("aten::__getitem__.t", values, false);
  return false;
}

}  // namespace onnxport
