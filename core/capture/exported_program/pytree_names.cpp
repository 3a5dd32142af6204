#include "core/capture/exported_program/pytree_names.h"

#include <simdjson.h>

#include <optional>

namespace onnxport {
namespace {

constexpr int kDeepest = 100;

// The keys of a dict's context, itself a JSON text.
std::vector<std::string> keys_of(simdjson::dom::element node) {
  std::string_view context;
  std::vector<std::string> out;
  if (node["context"].get(context) != simdjson::SUCCESS) return out;
  simdjson::dom::parser parser;
  simdjson::dom::array keys;
  const std::string copy(context);
  if (parser.parse(copy).get(keys) != simdjson::SUCCESS) return out;
  for (const simdjson::dom::element key : keys) {
    std::string_view text;
    out.push_back(key.get(text) == simdjson::SUCCESS ? std::string(text) : simdjson::minify(key));
  }
  return out;
}

bool walk(simdjson::dom::element node, const std::string& name, int depth, std::vector<std::string>& out) {
  simdjson::dom::array children;
  if (depth > kDeepest || node["children_spec"].get(children) != simdjson::SUCCESS) return false;
  std::string_view type;
  if (node["type"].get(type) != simdjson::SUCCESS) {  // null: a leaf
    out.push_back(name.empty() ? "output" : name);
    return true;
  }
  const bool is_dict =
      type.find("dict") != std::string_view::npos || type.find("Dict") != std::string_view::npos;
  const std::vector<std::string> keys = is_dict ? keys_of(node) : std::vector<std::string>();
  size_t i = 0;
  for (const simdjson::dom::element child : children) {
    const std::string own = i < keys.size() ? keys[i] : std::to_string(i);
    const bool at_top = name.empty();
    if (!walk(child, at_top ? (i < keys.size() ? own : "output_" + own) : name + '.' + own, depth + 1, out))
      return false;
    ++i;
  }
  return true;
}

}  // namespace

std::vector<std::string> pytree_output_names(std::string_view spec) {
  simdjson::dom::parser parser;
  simdjson::dom::array whole;
  std::vector<std::string> out;
  const std::string copy(spec);
  // [version, tree]
  if (parser.parse(copy).get(whole) != simdjson::SUCCESS || whole.size() != 2) return out;
  simdjson::dom::element root;
  if (whole.at(1).get(root) != simdjson::SUCCESS || !walk(root, "", 0, out)) out.clear();
  return out;
}

}  // namespace onnxport
