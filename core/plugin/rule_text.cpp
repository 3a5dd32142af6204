#include "core/plugin/rule_text.h"

#include <algorithm>
#include <functional>
#include <unordered_set>

#include "core/onnx/functions.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

constexpr size_t kMostPatternNodes = 64;
constexpr int kDeepestGraphs = 8;

[[noreturn]] void refuse(const std::string& what, std::string hint) {
  throw Error("M110", what, {}, std::move(hint));
}

// "[ParseError at position (line: 1 column: 20)]\nError context: …\nwhat" -> where, and the last line.
Error in_words(std::string_view said, size_t header) {
  Location place;
  const auto number_after = [&](std::string_view word) {
    const size_t at = said.find(word);
    size_t digits = at == std::string_view::npos ? said.size() : at + word.size();
    int out = 0;
    for (; digits < said.size() && said[digits] >= '0' && said[digits] <= '9'; ++digits)
      out = out * 10 + (said[digits] - '0');
    return out;
  };
  place.line = std::max(1, number_after("line: "));
  place.column = std::max(1, number_after("column: ") - (place.line == 1 ? static_cast<int>(header) : 0));
  while (said.ends_with('\n')) said.remove_suffix(1);
  const size_t line = said.rfind('\n');
  return Error("M110",
               "is no text that ONNX's parser reads: " +
                   std::string(said.substr(line == std::string_view::npos ? 0 : line + 1)),
               place, "write it so: (x, w) => (y) { t = MatMul(x, w)  y = Relu(t) }");
}

// Calls `visit(name)` for each value the node reads, those of its graphs that they do not define included.
void for_each_read(const pb::NodeProto& node, const std::function<void(const std::string&)>& visit) {
  for (const std::string& name : node.input()) {
    if (!name.empty()) visit(name);
  }
  for (const pb::AttributeProto& attribute : node.attribute()) {
    if (!attribute.has_g()) continue;
    std::unordered_set<std::string> own;
    for (const auto& input : attribute.g().input()) own.insert(input.name());
    for (const auto& tensor : attribute.g().initializer()) own.insert(tensor.name());
    const auto outside = [&](const std::string& name) {
      if (!own.contains(name)) visit(name);
    };
    for (const pb::NodeProto& inner : attribute.g().node()) {
      for_each_read(inner, outside);
      own.insert(inner.output().begin(), inner.output().end());
    }
    for (const auto& output : attribute.g().output()) outside(output.name());
  }
}

void collect_attributes(const pb::NodeProto& node, RuleNames& names) {
  for (const pb::AttributeProto& a : node.attribute()) {
    if (!a.ref_attr_name().empty()) names.attributes.insert(a.ref_attr_name());
    for (const pb::NodeProto& inner : a.g().node()) collect_attributes(inner, names);
  }
}

}  // namespace

pb::FunctionProto parse_rule_text(const std::string& text) {
  static constexpr std::string_view header = "rule ";
  if (onnx::graph_depth(text) > kDeepestGraphs)
    throw Error("M110", "nests graphs more than " + std::to_string(kDeepestGraphs) + " deep", {},
                "write the pass in C++");
  pb::FunctionProto out;
  try {
    out = onnx::parse_function(std::string(header) + text);
  } catch (const Error& e) {
    throw in_words(e.diagnostics().front().message, header.size());
  }
  return out;
}

bool is_commutative(std::string_view domain, std::string_view op_type) {
  static const std::unordered_set<std::string_view> ops = {
      "Add",  "And", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Equal", "Max",
      "Mean", "Min", "Mul",        "Or",        "Sum",        "Xor"};
  return domain.empty() && ops.contains(op_type);
}

RuleNames names_of(const pb::FunctionProto& text) {
  RuleNames out;
  for (const std::string& name : text.input()) {
    if (!out.inputs.insert(name).second)
      refuse("names the input '" + name + "' twice", "name each input once");
  }
  for (const pb::NodeProto& node : text.node()) {
    for_each_read(node, [&](const std::string& name) {
      if (!out.has_value(name))
        refuse("reads '" + name + "', which is neither an input nor made by a node before",
               "add it to the inputs in the first parentheses");
    });
    for (const std::string& name : node.output()) {
      if (name.empty()) continue;
      if (out.has_value(name)) refuse("defines '" + name + "' twice", "give each value a name of its own");
      out.inner.insert(name);
    }
    collect_attributes(node, out);
  }
  for (const std::string& name : text.output()) {
    if (!out.has_value(name))
      refuse("gives '" + name + "', which nothing in it makes", "name a value that a node makes");
    out.outputs.push_back(name);
  }
  if (out.outputs.empty()) refuse("gives no value", "name what it results in: (x) => (y) {…}");
  return out;
}

void check_pattern(const pb::FunctionProto& text, const RuleNames& names) {
  std::vector<const pb::NodeProto*> nodes;
  std::unordered_set<std::string> linked;
  for (const pb::NodeProto& node : text.node()) {
    if (node.op_type() != "Constant" || !node.domain().empty()) nodes.push_back(&node);
    if (std::all_of(node.output().begin(), node.output().end(),
                    [](const std::string& o) { return o.empty(); }))
      refuse("has a node, " + node.op_type() + ", whose result has no name",
             "write y = " + node.op_type() + "(…)");
    for (const pb::AttributeProto& a : node.attribute()) {
      if (a.has_g() || a.graphs_size() > 0)
        refuse("asks for the graph '" + a.name() + "' of " + node.op_type() + ", and graphs are not compared",
               "write the pass in C++");
    }
  }
  if (nodes.empty()) refuse("has no node to look for", "name at least one operator");
  if (nodes.size() > kMostPatternNodes)
    refuse("has " + std::to_string(nodes.size()) + " nodes, more than " + std::to_string(kMostPatternNodes),
           "split it, or write the pass in C++");
  const auto link = [&](const pb::NodeProto& node) {
    linked.insert(node.input().begin(), node.input().end());
    linked.insert(node.output().begin(), node.output().end());
    linked.erase("");
  };
  link(*nodes.back());
  nodes.pop_back();
  for (bool grew = true; grew && !nodes.empty();) {
    const size_t before = nodes.size();
    std::erase_if(nodes, [&](const pb::NodeProto* node) {
      const auto touches = [&](const std::string& name) { return !name.empty() && linked.contains(name); };
      const bool near = std::any_of(node->output().begin(), node->output().end(), touches) ||
                        std::any_of(node->input().begin(), node->input().end(), touches);
      if (near) link(*node);
      return near;
    });
    grew = nodes.size() < before;
  }
  if (!nodes.empty())
    refuse("has a node, " + nodes.front()->op_type() + ", that shares no value with the others",
           "a pattern is one connected piece; make two rules of it");
  for (const std::string& name : names.inputs) {
    if (!linked.contains(name)) refuse("has an input '" + name + "' that no node of it reads", "remove it");
  }
  for (const std::string& name : names.outputs) {
    if (names.inputs.contains(name))
      refuse("gives its input '" + name + "' as a result", "name what a node makes");
  }
  std::unordered_set<std::string> read(names.outputs.begin(), names.outputs.end());
  for (const pb::NodeProto& node : text.node()) read.insert(node.input().begin(), node.input().end());
  for (const std::string& name : names.inner) {
    if (!read.contains(name))
      refuse("makes '" + name + "', which is neither read nor a result",
             "leave the name out, or add it to the results");
  }
}

}  // namespace onnxport
