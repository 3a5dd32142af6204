#include "core/capture/exported_program/pytree_names.h"

#include <simdjson.h>

#include <algorithm>
#include <optional>

namespace onnxport {
namespace {

constexpr int kDeepest = 100;
constexpr size_t kLongest = 1000;  // of a name: many leaves below long keys would be more text than the file

std::vector<std::string> texts_of(simdjson::dom::array keys) {
  std::vector<std::string> out;
  for (const simdjson::dom::element key : keys) {
    std::string_view text;
    out.push_back(key.get(text) == simdjson::SUCCESS ? std::string(text) : simdjson::minify(key));
  }
  return out;
}

bool are_strings(simdjson::dom::array keys) {
  return std::all_of(keys.begin(), keys.end(), [](simdjson::dom::element key) { return key.is_string(); });
}

// The names that a container's context, itself a JSON text, has for its `count` children: the keys of a dict, of any
// kind (["a", 1]); the fields of a class that registered itself, alone (["a", "b"]) or beside those that are None
// ([["a", "b"], ["c"]]). Nothing where there are none.
std::vector<std::string> keys_of(simdjson::dom::element node, bool is_dict, size_t count) {
  std::string_view context;
  if (node["context"].get(context) != simdjson::SUCCESS) return {};
  simdjson::dom::parser parser;
  simdjson::dom::array keys;
  const std::string copy(context);
  if (parser.parse(copy).get(keys) != simdjson::SUCCESS) return {};
  if (is_dict || (keys.size() == count && are_strings(keys))) return texts_of(keys);
  for (const simdjson::dom::element part : keys) {
    simdjson::dom::array inner;
    if (part.get(inner) == simdjson::SUCCESS && inner.size() == count && are_strings(inner))
      return texts_of(inner);
  }
  return {};
}

bool is_leaf(simdjson::dom::element node) {
  std::string_view type;
  return node["type"].get(type) != simdjson::SUCCESS;  // null
}

std::optional<simdjson::dom::array> children_of(simdjson::dom::element node) {
  simdjson::dom::array out;
  if (node["children_spec"].get(out) != simdjson::SUCCESS) return std::nullopt;
  return out;
}

// The names of the children, or their positions.
std::vector<std::string> labels_of(simdjson::dom::element node, simdjson::dom::array children) {
  std::string_view type;
  size_t count = 0;  // array.size() ends at 2^24
  for ([[maybe_unused]] const simdjson::dom::element child : children) ++count;
  std::vector<std::string> out;
  if (node["type"].get(type) == simdjson::SUCCESS && type != "builtins.list" && type != "builtins.tuple") {
    const bool is_dict =
        type.find("dict") != std::string_view::npos || type.find("Dict") != std::string_view::npos;
    out = keys_of(node, is_dict, count);
  }
  for (size_t i = out.size(); i < count; ++i) out.push_back(std::to_string(i));
  return out;
}

bool walk(simdjson::dom::element node, const std::string& name, int depth, std::vector<std::string>& out) {
  const auto children = children_of(node);
  if (depth > kDeepest || !children || name.size() > kLongest) return false;
  if (is_leaf(node)) {
    out.push_back(name);
    return true;
  }
  const std::vector<std::string> labels = labels_of(node, *children);
  size_t i = 0;
  for (const simdjson::dom::element child : *children) {
    if (!walk(child, name + '.' + labels[i++], depth + 1, out)) return false;
  }
  return true;
}

// [version, tree]
std::optional<simdjson::dom::element> root_of(simdjson::dom::parser& parser, const std::string& spec) {
  simdjson::dom::array whole;
  simdjson::dom::element root;
  if (parser.parse(spec).get(whole) != simdjson::SUCCESS || whole.size() != 2) return std::nullopt;
  if (whole.at(1).get(root) != simdjson::SUCCESS || !root.is_object()) return std::nullopt;
  return root;
}

bool outputs(simdjson::dom::element root, std::vector<std::string>& out) {
  if (is_leaf(root)) return walk(root, "output", 0, out);
  const auto children = children_of(root);
  if (!children) return false;
  const std::vector<std::string> labels = labels_of(root, *children);
  size_t i = 0;
  for (const simdjson::dom::element child : *children) {
    const std::string& label = labels[i];
    // A position says nothing by itself.
    const std::string name = label == std::to_string(i) ? "output_" + label : label;
    if (!walk(child, name, 1, out)) return false;
    ++i;
  }
  return true;
}

bool inputs(simdjson::dom::element root, const std::vector<std::string>& arguments,
            std::vector<std::string>& out) {
  const auto pair = children_of(root);
  if (!pair || pair->size() != 2) return false;
  size_t kind = 0;
  for (const simdjson::dom::element group : *pair) {
    const auto children = children_of(group);
    if (!children) return false;
    const std::vector<std::string> labels = labels_of(group, *children);
    size_t i = 0;
    for (const simdjson::dom::element child : *children) {
      const bool positional = kind == 0;
      if (positional && i >= arguments.size()) return false;
      if (!walk(child, positional ? arguments[i] : labels[i], 1, out)) return false;
      ++i;
    }
    ++kind;
  }
  return true;
}

}  // namespace

std::vector<std::string> pytree_output_names(std::string_view spec) {
  simdjson::dom::parser parser;
  std::vector<std::string> out;
  const auto root = root_of(parser, std::string(spec));
  if (!root || !outputs(*root, out)) out.clear();
  return out;
}

std::vector<std::string> pytree_input_names(std::string_view spec,
                                            const std::vector<std::string>& arguments) {
  simdjson::dom::parser parser;
  std::vector<std::string> out;
  const auto root = root_of(parser, std::string(spec));
  if (!root || !inputs(*root, arguments, out)) out.clear();
  return out;
}

}  // namespace onnxport
