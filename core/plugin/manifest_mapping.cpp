#include "core/plugin/manifest_mapping.h"

#include <algorithm>
#include <tuple>

#include "core/ir/custom_schemas.h"
#include "core/ir/literal.h"
#include "core/ir/pivot.h"
#include "core/ir/schema_table.h"
#include "core/plugin/function_names.h"
#include "core/plugin/manifest_values.h"
#include "core/plugin/nearest.h"
#include "onnxport/version.h"

namespace onnxport {
namespace {

using yaml::Node;

class MappingBuilder {
 public:
  MappingBuilder(ManifestReader& in, const std::map<std::string, int, std::less<>>& domains)
      : in_(in), domains_(domains) {}

  std::optional<ManifestMapping> build(const Node& node) {
    if (!in_.map(node, what_,
                 {"torch", "onnx", "inputs", "attributes", "function", "function_opset", "keep_function",
                  "result", "results", "opset"})) {
      return std::nullopt;
    }
    out_.place = in_.place(node);
    if (const Node* n = in_.required(node, "torch", what_, "torch: \"acme::my_op(Tensor x) -> Tensor\""))
      read_torch(*n);
    const Node* onnx = node.find("onnx");
    const Node* function = node.find("function");
    if ((onnx == nullptr) == (function == nullptr)) {
      in_.error("M104", node, std::string(what_) + " needs one of 'onnx' and 'function'",
                "onnx: com.acme::MyOp for one node, or function: \"(x) => (y) { y = Relu(x) }\"");
      return std::nullopt;
    }
    if (onnx != nullptr) read_node(node, *onnx);
    if (function != nullptr) read_function(node, *function);
    if (const Node* n = node.find("opset")) {
      const auto range = read_opset_range(in_, *n);
      ok_ = ok_ && range;
      if (range) std::tie(out_.min_opset, out_.max_opset) = *range;
    }
    if (const Node* n = node.find("result")) read_result(*n, "result");
    if (const Node* n = node.find("results")) read_results(node, *n);
    if (out_.schema) check_results(node);
    return ok_ && !out_.torch_op.empty() ? std::optional(std::move(out_)) : std::nullopt;
  }

 private:
  void error(std::string_view code, const Node& at, std::string message, std::string hint) {
    in_.error(code, at, std::move(message), std::move(hint));
    ok_ = false;
  }

  void read_torch(const Node& node) {
    const auto text = in_.text(node, "torch");
    if (!text) return;
    if (is_operator_name(*text)) {
      out_.torch_op = *text;
    } else if (auto schema = read_schema(in_, node, *text)) {
      out_.torch_op = schema->qualified_name();
      out_.schema = std::move(*schema);
    }
  }

  // M105 unless the schema (when one is given) has the argument.
  bool check_argument(const Node& at, std::string_view name, std::string_view key) {
    if (!out_.schema) {
      if (is_identifier(name)) return true;
      error("M105", at, "'" + std::string(name) + "' in " + std::string(key) + " is no argument name",
            "write the schema's name of the argument");
      return false;
    }
    if (out_.schema->find(name) >= 0) return true;
    std::vector<std::string> names;
    for (const ir::SchemaArgument& a : out_.schema->arguments) names.push_back(a.name);
    const auto near = nearest(name, names, 1);
    std::string hint = near.empty() ? "its arguments:" : "did you mean '" + near.front() + "'?";
    if (near.empty()) {
      for (const std::string& n : names) hint += " " + n;
    }
    error("M105", at,
          "'" + std::string(name) + "' in " + std::string(key) + " is no argument of " + out_.torch_op,
          std::move(hint));
    return false;
  }

  void read_node(const Node& node, const Node& onnx) {
    for (const char* key : {"function_opset", "keep_function"}) {
      if (const Node* n = node.find(key))
        error("M105", *n, std::string("'") + key + "' goes with 'function', not with 'onnx'", "remove it");
    }
    if (const auto text = in_.text(onnx, "onnx", 256)) {
      const size_t colons = text->rfind("::");
      out_.onnx_domain = colons == std::string::npos ? "" : text->substr(0, colons);
      out_.onnx_op = colons == std::string::npos ? *text : text->substr(colons + 2);
      if (out_.onnx_domain == "ai.onnx") out_.onnx_domain.clear();
      if (!is_identifier(out_.onnx_op)) {
        error("M105", onnx, "'" + *text + "' is no ONNX operator",
              "write Relu, or com.acme::MyOp for a domain of yours");
      } else if (!out_.onnx_domain.empty() && out_.onnx_domain != "ai.onnx.ml" &&
                 !domains_.contains(out_.onnx_domain)) {
        error("M105", onnx, "the domain '" + out_.onnx_domain + "' is not in provides.domains",
              "add it: domains: [{name: " + out_.onnx_domain + ", version: 1}]");
      }
    } else {
      ok_ = false;
    }
    if (const Node* n = node.find("inputs")) {
      if (const auto* items = in_.list(*n, "inputs")) {
        out_.inputs.emplace();
        for (const Node& item : *items) {
          if (in_.text(item, "inputs[]") && check_argument(item, item.text, "inputs"))
            out_.inputs->push_back(item.text);
        }
      }
    }
    const Node* attributes = node.find("attributes");
    if (attributes == nullptr) return;
    if (attributes->kind != Node::Kind::map) {
      error("M105", *attributes, "attributes must be a map, this is " + attributes->description(),
            "write {alpha: scale, axis: 1}");
      return;
    }
    for (const auto& [key, value] : attributes->entries) read_attribute(key.text, value);
  }

  void read_attribute(const std::string& name, const Node& value) {
    ManifestAttribute a;
    a.name = name;
    if (!is_identifier(name)) {
      error("M105", value, "'" + name + "' is no attribute of ONNX",
            "an attribute's name is letters, digits and _");
      return;
    }
    if (auto literal = literal_of(value)) {
      a.literal = std::move(*literal);
    } else if (value.kind == Node::Kind::list) {
      error("M105", value, "a list must hold numbers only, or quoted texts only",
            "write [1, 2], [0.5, 1.5] or [\"a\", \"b\"]");
      return;
    } else if (value.kind != Node::Kind::scalar) {
      error("M105", value,
            "the attribute " + name + " must be an argument, a number, a quoted text or a list",
            "write " + name + ": scale, or " + name + ": 1.5");
      return;
    } else {
      if (!check_argument(value, value.text, "attributes")) return;
      a.argument = value.text;
    }
    out_.attributes.push_back(std::move(a));
  }

  void read_function(const Node& node, const Node& function) {
    for (const char* key : {"inputs", "attributes"}) {
      if (const Node* n = node.find(key)) {
        error("M105", *n, std::string("'") + key + "' goes with 'onnx', not with 'function'",
              "the text names its inputs: (x) => (y) {...}");
      }
    }
    out_.function_text = in_.text(function, "function", size_t{64} * 1024).value_or("");
    if (out_.function_text.empty()) ok_ = false;
    if (ok_ && (out_.function_text.find("=>") == std::string::npos || out_.function_text.front() != '(')) {
      error("M105", function, "the function must read (inputs) => (outputs) { nodes }",
            "example: \"(x) => (y) { s = Sigmoid(x)  y = Mul(x, s) }\"");
    }
    if (ok_) check_function_names(function);
    if (const Node* n = node.find("function_opset"))
      out_.function_opset = in_.integer(*n, "function_opset", 7, kPivotOpset).value_or(0);
    if (const Node* n = node.find("keep_function"))
      out_.keep_function = in_.boolean(*n, "keep_function").value_or(false);
  }

  // Every input and every @reference is an argument. A list has no fixed number of elements, which a function's
  // inputs have.
  void check_function_names(const Node& function) {
    for (const std::string& name : function_inputs(out_.function_text)) {
      if (!check_argument(function, name, "function") || !out_.schema) continue;
      const std::string& type = out_.schema->arguments[static_cast<size_t>(out_.schema->find(name))].type;
      if (type.starts_with("Tensor") && type.find('[') != std::string::npos) {
        error("M105", function, "the list '" + name + "' (" + type + ") cannot be an input of a function",
              "'onnx:' makes one node that takes its elements as inputs; a library can do anything with it");
      }
    }
    for (const std::string& name : function_references(out_.function_text))
      check_argument(function, name, "function (@" + name + ")");
  }

  void read_results(const Node& node, const Node& results) {
    if (node.find("result") != nullptr)
      error("M105", results, "'result' and 'results' exclude each other",
            "keep results, one for each output");
    const auto* items = in_.list(results, "results");
    for (size_t i = 0; items != nullptr && i < items->size(); ++i) read_result((*items)[i], "results[]");
    if (items != nullptr && items->empty())
      error("M105", results, "results is empty", "write one for each output");
    ok_ = ok_ && items != nullptr;
  }

  void read_result(const Node& node, const std::string& what) {
    if (!in_.map(node, what, {"like", "dtype", "shape"})) {
      ok_ = false;
      return;
    }
    ManifestResult result;
    if (const Node* n = node.find("like")) {
      if (in_.text(*n, what + ".like") && check_argument(*n, n->text, what + ".like")) result.like = n->text;
    }
    if (const Node* n = node.find("dtype")) {
      const bool named = n->kind == Node::Kind::scalar && n->text.starts_with('@');
      const bool good = named ? check_argument(*n, std::string_view(n->text).substr(1), what + ".dtype")
                              : read_dtype(in_, *n, what + ".dtype").has_value();
      if (good) result.dtype = n->text;
      ok_ = ok_ && good;
    }
    if (const Node* n = node.find("shape")) read_shape(*n, what, result);
    if (result.like.empty() && (result.dtype.empty() || !result.shape)) {
      error("M104", node, what + " needs 'like', or both 'dtype' and 'shape'",
            "write " + what + ": {like: x}, or {dtype: f32, shape: [x.0, 3]}");
    }
    out_.results.push_back(std::move(result));
  }

  void read_shape(const Node& node, const std::string& what, ManifestResult& result) {
    const auto* items = in_.list(node, what + ".shape");
    if (items == nullptr) return;
    result.shape.emplace();
    for (const Node& item : *items) {
      if (!in_.text(item, what + ".shape[]", 256)) continue;
      if (const auto slice = SizeSlice::parse(item.text)) {
        check_argument(item, slice->argument, what + ".shape");
        result.shape->push_back(item.text);
        continue;
      }
      const auto size = SizeExpression::parse(item.text);
      if (!size) {
        error("M105", item, "'" + item.text + "' is no size",
              "write a number, an axis of an argument (x.0), arithmetic on them (2*x.1 + 1), or a slice "
              "(\"x[:-1]\")");
        continue;
      }
      size->dim.for_each_symbol([&](std::string_view symbol) {
        check_argument(item, symbol.substr(0, symbol.find('.')), what + ".shape");
      });
      result.shape->push_back(item.text);
    }
  }

  // The outputs of the node or the function against what the operator returns: a tensor each, then the new contents
  // of what it writes; one of them may be a list, which takes as many as are left.
  void check_results(const Node& node) {
    const auto& arguments = out_.schema->arguments;
    size_t fixed = 0;
    size_t lists = 0;
    for (const ir::SchemaArgument& a : arguments) fixed += a.is_written ? 1 : 0;
    for (const ir::SchemaArgument& r : out_.schema->returns) {
      const auto is_returned = [&](const ir::SchemaArgument& a) {
        return a.is_written && a.alias_set == r.alias_set;
      };
      if (std::any_of(arguments.begin(), arguments.end(), is_returned))
        continue;  // a written argument itself
      const bool is_list = r.type == "Tensor[]";
      (is_list ? lists : fixed) += 1;
      if (lists <= 1 && (is_list || r.type.find_first_of("[?(") == std::string::npos)) continue;
      error("M105", node,
            "a mapping without a library cannot give the result " + r.type + " of " + out_.torch_op,
            "a library can: provides: ops: [" + out_.torch_op + "], see " + manual_page("plugins.md"));
      return;
    }
    const size_t given =
        out_.is_function() ? function_outputs(out_.function_text).size() : out_.results.size();
    if (lists == 1 && !out_.is_function() && given == 0) {
      error("M105", node, "how many tensors the list that " + out_.torch_op + " returns holds is not said",
            "say the type of each output, results: [{like: x}, {like: x}]; where the number differs from "
            "call to call, a "
            "library can give it");
    } else if ((lists == 0 && given != 0 && given != fixed) || (lists == 1 && given < fixed)) {
      error("M105", node,
            out_.torch_op + " has " + std::to_string(fixed) + (lists == 1 ? " or more" : "") +
                " results, the mapping gives " + std::to_string(given),
            out_.is_function() ? "the function's outputs are the operator's results, then the new contents "
                                 "of each argument that "
                                 "it writes"
                               : "write results: [...], one for each output");
    }
  }

  static constexpr std::string_view what_ = "provides.mappings[]";
  ManifestReader& in_;
  const std::map<std::string, int, std::less<>>& domains_;
  ManifestMapping out_;
  bool ok_ = true;
};

}  // namespace

bool is_operator_name(std::string_view text) {
  const size_t colons = text.find("::");
  if (colons == std::string_view::npos || !is_identifier(text.substr(0, colons))) return false;
  std::string_view name = text.substr(colons + 2);
  const size_t dot = name.find('.');
  if (dot != std::string_view::npos && !is_identifier(name.substr(dot + 1))) return false;
  return is_identifier(name.substr(0, dot));
}

// An operator of torch's own has the schema that torch gives it.
static bool check_known_schema(ManifestReader& in, const Node& at, const ir::Schema& schema) {
  if (!schema.name.starts_with("aten::")) return true;
  const auto known = find_aten_schema(schema.qualified_name());
  if (!known || known->text() == schema.text()) return true;
  in.error("M114", at,
           "the schema of torch's own " + schema.qualified_name() + " cannot be given anew: it is " +
               known->text(),
           "write the operator's name alone: " + schema.qualified_name());
  return false;
}

std::optional<ir::Schema> read_schema(ManifestReader& in, const Node& at, const std::string& text) {
  try {
    ir::Schema schema = ir::parse_schema(text);
    if (std::string why = ir::why_not_registrable(schema); !why.empty()) {
      in.error("M112", at, "libtorch would not read this schema: " + why,
               "write it as torch does: \"acme::op(Tensor x, float scale=1) -> Tensor\"");
      return std::nullopt;
    }
    if (!check_known_schema(in, at, schema)) return std::nullopt;
    return schema;
  } catch (const Error& e) {
    for (const Diagnostic& d : e.diagnostics()) {
      in.error("M112", at, d.message,
               d.hint.empty() ? "write it as torch does: \"acme::op(Tensor x, float scale=1) -> Tensor\""
                              : d.hint);
    }
    return std::nullopt;
  }
}

std::optional<ManifestMapping> read_mapping(ManifestReader& in, const Node& node,
                                            const std::map<std::string, int, std::less<>>& domains) {
  return MappingBuilder(in, domains).build(node);
}

std::optional<SizeExpression> SizeExpression::parse(std::string_view text) {
  // Dim reads quoted names: every identifier with its ".axis" becomes one, except the functions'.
  std::string quoted;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    const auto is_name = [&](size_t at) {
      return at < text.size() &&
             (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_' || text[at] == '.');
    };
    if (!std::isalpha(static_cast<unsigned char>(text[i])) && text[i] != '_') {
      while (is_name(end)) ++end;  // a number, so that no letter after it starts a name
      end = std::max(end, i + 1);
      quoted += text.substr(i, end - i);
    } else {
      while (is_name(end)) ++end;
      const bool call = end < text.size() && text[end] == '(';
      const std::string_view word = text.substr(i, end - i);
      quoted += call ? std::string(word) : ir::quote(word);
    }
    i = end;
  }
  auto dim = ir::Dim::parse(quoted);
  if (!dim || dim->is_unknown()) return std::nullopt;
  return SizeExpression{std::move(*dim)};
}

std::optional<SizeSlice> SizeSlice::parse(std::string_view text) {
  const size_t bracket = text.find('[');
  const size_t colon = text.find(':');
  if (bracket == std::string_view::npos || colon == std::string_view::npos || colon < bracket ||
      text.back() != ']' || !is_identifier(text.substr(0, bracket)))
    return std::nullopt;
  SizeSlice out;
  out.argument = text.substr(0, bracket);
  const std::string_view begin = text.substr(bracket + 1, colon - bracket - 1);
  const std::string_view end = text.substr(colon + 1, text.size() - colon - 2);
  for (const auto& [bound, into] : {std::pair{begin, &out.begin}, {end, &out.end}}) {
    if (bound.empty()) continue;
    *into = parse_whole(bound);
    if (!*into) return std::nullopt;
  }
  return out;
}

std::pair<size_t, size_t> SizeSlice::of(size_t rank) const {
  const auto count = static_cast<int64_t>(rank);
  const auto at = [&](const std::optional<int64_t>& bound, int64_t otherwise) {
    const int64_t axis = bound.value_or(otherwise);
    return std::clamp<int64_t>(axis < 0 ? axis + count : axis, 0, count);
  };
  const int64_t first = at(begin, 0);
  return {static_cast<size_t>(first), static_cast<size_t>(std::max(first, at(end, count)))};
}

}  // namespace onnxport
