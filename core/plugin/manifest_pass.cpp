#include "core/plugin/manifest_pass.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "core/plugin/manifest_mapping.h"
#include "core/plugin/manifest_values.h"
#include "core/plugin/nearest.h"
#include "core/plugin/rule_text.h"

namespace onnxport {
namespace {

using yaml::Node;

constexpr std::array<std::string_view, 3> kStages = {"translate", "optimize", "target"};
constexpr size_t kLongestText = size_t{64} * 1024;

bool is_pass_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

class PassBuilder {
 public:
  PassBuilder(ManifestReader& in, const std::map<std::string, int, std::less<>>& domains)
      : in_(in), domains_(domains) {}

  std::optional<ManifestPass> build(const Node& node) {
    out_.place = in_.place(node);
    if (node.kind == Node::Kind::scalar) {
      read_name(node);
      return ok_ ? std::optional(std::move(out_)) : std::nullopt;
    }
    if (!in_.map(node, what_, {"name", "description", "stage", "default", "needs", "rules"}))
      return std::nullopt;
    if (const Node* n = in_.required(node, "name", what_, "name: fuse-linear")) {
      read_name(*n);
    } else {
      ok_ = false;
    }
    if (const Node* n = node.find("description")) out_.description = in_.text(*n, "description").value_or("");
    if (const Node* n = node.find("stage")) read_stage(*n);
    if (const Node* n = node.find("default")) read_default(*n);
    if (const Node* n = node.find("needs")) read_needs(*n);
    if (const Node* n = node.find("rules")) read_rules(node, *n);
    return ok_ ? std::optional(std::move(out_)) : std::nullopt;
  }

 private:
  void error(std::string_view code, const Node& at, std::string message, std::string hint) {
    in_.error(code, at, std::move(message), std::move(hint));
    ok_ = false;
  }

  void read_name(const Node& node) {
    const auto text = in_.text(node, "the name of a pass", 128);
    ok_ = ok_ && text;
    if (!text) return;
    if (!is_pass_name(*text))
      error("M105", node, "'" + *text + "' is no name of a pass",
            "small letters, digits, '-' and '_': fuse-linear");
    out_.name = *text;
  }

  void read_stage(const Node& node) {
    const auto text = in_.text(node, "stage", 64);
    ok_ = ok_ && text;
    if (!text) return;
    out_.stage = parse_stage(*text);
    if (!out_.stage)
      error("M105", node, "'" + *text + "' is no stage", "the stages: " + std::string(stage_words()));
  }

  void read_default(const Node& node) {
    if (node.kind == Node::Kind::scalar && !node.quoted && (node.text == "on" || node.text == "off")) {
      out_.on_by_default = node.text == "on";
    } else {
      error("M105", node, "default must be on or off, this is " + node.description(),
            "on: it runs wherever the plugin is found; off: where --pass asks for it");
    }
  }

  void read_needs(const Node& node) {
    const auto* items = in_.list(node, "needs");
    ok_ = ok_ && items != nullptr;
    if (items == nullptr) return;
    for (const Node& item : *items) {
      const auto text = in_.text(item, "needs[]", 64);
      if (text == "constant_folding") {
        out_.needs_folding = true;
      } else if (text == "weights") {
        out_.needs_weights = true;
      } else if (text == "eval") {
        out_.needs_eval = true;
      } else {
        error("M105", item, "'" + text.value_or("") + "' is nothing that a pass can need",
              "constant_folding, weights (they may be rewritten) or eval (not exported for training)");
      }
    }
  }

  void read_rules(const Node& pass, const Node& node) {
    const auto* items = in_.list(node, "rules");
    ok_ = ok_ && items != nullptr;
    if (items == nullptr) return;
    if (items->empty()) error("M104", node, "the pass has no rule", "add one: {pattern: …, replace: …}");
    if (!out_.stage && ok_)
      error("M104", pass, "the key 'stage' is missing in " + std::string(what_),
            "add one of: " + std::string(stage_words()));
    for (const Node& item : *items) read_rule(item);
  }

  void read_rule(const Node& node) {
    rule_ = {};
    rule_.place = in_.place(node);
    if (!in_.map(node, "rules[]", {"pattern", "where", "replace", "types", "opset"})) {
      ok_ = false;
      return;
    }
    const Node* pattern = in_.required(node, "pattern", "rules[]", "pattern: \"(x) => (y) { y = Relu(x) }\"");
    const Node* replace =
        in_.required(node, "replace", "rules[]", "replace: \"(x) => (y) { y = com.acme.Relu(x) }\"");
    if (const Node* n = node.find("opset")) {
      const auto range = read_opset_range(in_, *n);
      ok_ = ok_ && range;
      if (range) std::tie(rule_.min_opset, rule_.max_opset) = *range;
    }
    const auto names = pattern == nullptr ? std::nullopt : read_text(*pattern, rule_.pattern, true);
    const auto made = replace == nullptr ? std::nullopt : read_text(*replace, rule_.replacement, false);
    if (!names || !made) {
      ok_ = false;
      return;
    }
    check_replacement(*replace, *names, *made);
    if (const Node* n = node.find("where")) read_where(*n, *names);
    if (const Node* n = node.find("types")) read_types(*n, *names, *made);
    out_.rules.push_back(std::move(rule_));
  }

  std::optional<RuleNames> read_text(const Node& node, std::string& into, bool is_pattern) {
    const std::string what = is_pattern ? "the pattern" : "the replacement";
    const auto text = in_.text(node, what, kLongestText);
    if (!text) return std::nullopt;
    into = *text;
    try {
      const pb::FunctionProto parsed = parse_rule_text(*text);
      RuleNames names = names_of(parsed);
      if (is_pattern) check_pattern(parsed, names);
      if (!is_pattern) check_domains(node, parsed);
      return names;
    } catch (const Error& e) {
      const Diagnostic& d = e.diagnostics().front();
      Node at = node;
      std::string where;
      if (d.place.line == 1 && node.quoted && text->find('\n') == std::string::npos) {
        at.column += d.place.column;  // after the quote
      } else if (d.place.line > 0) {
        where = " (line " + std::to_string(d.place.line) + ", column " + std::to_string(d.place.column) +
                " of the text)";
      }
      error(d.code, at, what + " " + d.message + where, d.hint);
      return std::nullopt;
    }
  }

  void check_domains(const Node& at, const pb::FunctionProto& text) {
    for (const pb::NodeProto& node : text.node()) {
      const std::string& domain = node.domain();
      if (domain.empty() || domain.starts_with("ai.onnx") || domains_.contains(domain)) continue;
      error("M105", at, "the domain '" + domain + "' of " + node.op_type() + " is not in provides.domains",
            "add it: domains: [{name: " + domain + ", version: 1}]");
    }
  }

  void check_replacement(const Node& at, const RuleNames& pattern, const RuleNames& made) {
    for (const std::string& name : made.inputs) {
      if (pattern.inputs.contains(name)) continue;
      const bool inside = pattern.inner.contains(name);
      error("M110", at, "the replacement reads '" + name + "', which is no input of the pattern",
            inside ? "the node that makes it goes with the pattern" : nearest_hint(name, pattern.inputs));
    }
    for (const std::string& name : made.attributes) {
      if (!pattern.attributes.contains(name))
        error("M110", at, "the replacement uses @" + name + ", which the pattern does not capture",
              nearest_hint(name, pattern.attributes));
    }
    if (made.outputs.size() != pattern.outputs.size())
      error("M110", at,
            "the replacement gives " + std::to_string(made.outputs.size()) + " values, the pattern has " +
                std::to_string(pattern.outputs.size()),
            "each result of the pattern needs one that takes its place, in the same order");
  }

  static std::string nearest_hint(std::string_view name, const std::set<std::string, std::less<>>& known) {
    const auto near = nearest(name, known, 1);
    if (!near.empty()) return "did you mean '" + near.front() + "'?";
    std::string all;
    for (const std::string& k : known) all += (all.empty() ? "" : ", ") + k;
    return all.empty() ? "there is none" : "there are: " + all;
  }

  // ---- where ----
  void read_where(const Node& node, const RuleNames& names) {
    if (node.kind != Node::Kind::map) {
      error("M105", node, "where must be a map, this is " + node.description(),
            "write {w: {constant: true, rank: 2}, \"@axis\": -1}");
      return;
    }
    const std::vector<std::string> values = names.values();
    for (const auto& [key, value] : node.entries) {
      if (key.text.starts_with('@')) {
        read_attribute_condition(key, value, names);
      } else if (!names.has_value(key.text)) {
        const auto near = nearest(key.text, values, 1);
        error("M110", key, "the pattern has no value '" + key.text + "'",
              near.empty() ? "name a value of the pattern, or \"@name\" for an attribute it captures"
                           : "did you mean '" + near.front() + "'?");
      } else {
        read_value_condition(key.text, value, names);
      }
    }
  }

  void read_attribute_condition(const Node& key, const Node& value, const RuleNames& names) {
    AttributeCondition out;
    out.attribute = key.text.substr(1);
    if (!names.attributes.contains(out.attribute)) {
      error("M110", key, "the pattern captures no attribute " + key.text,
            nearest_hint(out.attribute, names.attributes));
      return;
    }
    const Node* any = value.kind == Node::Kind::map ? value.find("one_of") : nullptr;
    if (value.kind == Node::Kind::map) {
      if (!in_.map(value, "where." + key.text, {"one_of"}) || any == nullptr ||
          any->kind != Node::Kind::list) {
        error("M105", value, key.text + " must be a value, or one_of a list of values",
              "write \"" + key.text + "\": -1, or \"" + key.text + "\": {one_of: [-1, 3]}");
        return;
      }
    }
    const std::vector<Node> given = any == nullptr ? std::vector<Node>{value} : any->items;
    for (const Node& one : given) {
      if (auto literal = literal_of(one)) {
        out.allowed.push_back(std::move(*literal));
      } else {
        error("M105", one,
              key.text + " must be a number, a quoted text or a list, this is " + one.description(),
              "write \"" + key.text + "\": -1");
      }
    }
    rule_.attributes.push_back(std::move(out));
  }

  void read_value_condition(const std::string& name, const Node& node, const RuleNames& names) {
    ValueCondition out;
    out.value = name;
    const std::string what = "where." + name;
    if (!in_.map(node, what,
                 {"optional", "constant", "rank", "dtype", "dims", "value", "tolerance", "same_shape"})) {
      ok_ = false;
      return;
    }
    if (const Node* n = node.find("optional")) {
      out.optional = in_.boolean(*n, what + ".optional").value_or(false);
      if (out.optional && !names.inputs.contains(name))
        error("M110", *n, "'" + name + "' is made by the pattern and cannot be optional",
              "only inputs can be");
    }
    if (const Node* n = node.find("constant")) out.constant = in_.boolean(*n, what + ".constant");
    if (const Node* n = node.find("rank"))
      read_each(*n, [&](const Node& one) {
        if (const auto rank = in_.integer(one, what + ".rank", 0, 1000))
          out.ranks.push_back(*rank);
        else
          ok_ = false;
      });
    if (const Node* n = node.find("dtype"))
      read_each(*n, [&](const Node& one) {
        if (const auto dtype = read_dtype(in_, one, what + ".dtype"))
          out.dtypes.push_back(*dtype);
        else
          ok_ = false;
      });
    if (const Node* n = node.find("dims")) read_dims(*n, what + ".dims", out);
    if (const Node* n = node.find("value")) out.number = number(*n, what + ".value");
    if (const Node* n = node.find("tolerance")) out.tolerance = number(*n, what + ".tolerance").value_or(0);
    if (const Node* n = node.find("same_shape")) {
      out.same_shape = in_.text(*n, what + ".same_shape").value_or("");
      if (!out.same_shape.empty() && !names.has_value(out.same_shape))
        error("M110", *n, "the pattern has no value '" + out.same_shape + "'",
              "name another value of the pattern");
    }
    rule_.values.push_back(std::move(out));
  }

  // One value, or a list of them.
  template <typename Read>
  void read_each(const Node& node, Read&& read) {
    if (node.kind != Node::Kind::list) return read(node);
    for (const Node& one : node.items) read(one);
  }

  std::optional<double> number(const Node& node, const std::string& what) {
    const auto value = node.kind == Node::Kind::scalar && !node.quoted ? parse_real(node.text) : std::nullopt;
    if (!value) error("M105", node, what + " must be a number, this is " + node.description(), "write 0.5");
    return value;
  }

  void read_dims(const Node& node, const std::string& what, ValueCondition& out) {
    const auto* items = in_.list(node, what);
    ok_ = ok_ && items != nullptr;
    if (items == nullptr) return;
    out.dims.emplace();
    for (const Node& item : *items) {
      const auto size = parse_whole(item.text);
      const bool good = item.kind == Node::Kind::scalar &&
                        (item.text == "?" || (size && *size >= 0) || is_identifier(item.text));
      if (!good)
        error("M105", item, item.description() + " is no size",
              "write ? (any), a number, or a name: equal names are equal sizes");
      out.dims->push_back(item.text);
    }
  }

  // ---- types ----
  void read_types(const Node& node, const RuleNames& names, const RuleNames& made) {
    if (node.kind != Node::Kind::map) {
      error("M105", node, "types must be a map, this is " + node.description(), "write {t: {like: x}}");
      return;
    }
    for (const auto& [key, value] : node.entries) {
      if (!made.inner.contains(key.text)) {
        error("M110", key, "the replacement makes no value '" + key.text + "'",
              nearest_hint(key.text, made.inner));
      } else {
        read_type(key.text, value, names);
      }
    }
  }

  void read_type(const std::string& name, const Node& node, const RuleNames& names) {
    ValueType out;
    out.value = name;
    if (!in_.map(node, "types." + name, {"like", "dtype", "shape"})) {
      ok_ = false;
      return;
    }
    const auto check = [&](const Node& at, std::string_view value) {
      if (!names.has_value(value))
        error("M110", at, "the pattern has no value '" + std::string(value) + "'",
              nearest_hint(value, names.inputs));
    };
    if (const Node* n = node.find("like")) {
      out.like = in_.text(*n, "types." + name + ".like").value_or("");
      if (!out.like.empty()) check(*n, out.like);
    }
    if (const Node* n = node.find("dtype")) {
      const auto dtype = read_dtype(in_, *n, "types." + name + ".dtype");
      ok_ = ok_ && dtype;
      out.dtype = dtype.value_or(ir::DType::undefined);
    }
    if (const Node* n = node.find("shape")) read_shape(*n, name, out, check);
    if (out.like.empty() && (out.dtype == ir::DType::undefined || !out.shape))
      error("M104", node, "types." + name + " needs 'like', or both 'dtype' and 'shape'",
            "write {like: x}, or {dtype: f32, shape: [x.0, 3]}");
    rule_.types.push_back(std::move(out));
  }

  template <typename Check>
  void read_shape(const Node& node, const std::string& name, ValueType& out, Check&& check) {
    const auto* items = in_.list(node, "types." + name + ".shape");
    ok_ = ok_ && items != nullptr;
    if (items == nullptr) return;
    out.shape.emplace();
    for (const Node& item : *items) {
      const auto size = item.kind == Node::Kind::scalar ? SizeExpression::parse(item.text) : std::nullopt;
      if (!size) {
        error("M105", item, item.description() + " is no size",
              "write a number, an axis of a value (x.0), or arithmetic on them (2*x.1 + 1)");
        continue;
      }
      size->dim.for_each_symbol([&](std::string_view symbol) {
        if (symbol.find('.') == std::string_view::npos)
          error("M105", item, "'" + std::string(symbol) + "' is no size",
                "an axis of a value is written x.0");
        else
          check(item, symbol.substr(0, symbol.find('.')));
      });
      out.shape->push_back(item.text);
    }
  }

  static constexpr std::string_view what_ = "provides.passes[]";
  ManifestReader& in_;
  const std::map<std::string, int, std::less<>>& domains_;
  ManifestPass out_;
  ManifestRule rule_;
  bool ok_ = true;
};

}  // namespace

std::optional<PassStage> parse_stage(std::string_view word) {
  const auto found = std::find(kStages.begin(), kStages.end(), word);
  if (found == kStages.end()) return std::nullopt;
  return static_cast<PassStage>(found - kStages.begin());
}

std::string_view stage_name(PassStage stage) { return kStages[static_cast<size_t>(stage)]; }

std::string_view stage_words() {
  return "translate (at the pivot, before folding), optimize (at the pivot, after folding), target (at the "
         "target opset)";
}

std::optional<ManifestPass> read_pass(ManifestReader& in, const Node& node,
                                      const std::map<std::string, int, std::less<>>& domains) {
  return PassBuilder(in, domains).build(node);
}

}  // namespace onnxport
