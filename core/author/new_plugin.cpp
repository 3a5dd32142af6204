#include "onnxport/plugin_new.h"
#include "onnxport/version.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>

#include "core/ir/schema.h"
#include "core/plugin/manifest.h"
#include "core/profile/profile_search.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;

using Words = std::map<std::string, std::string, std::less<>>;  // what stands for @NAME@

fs::path templates() { return builtin_profiles().parent_path() / "sdk" / "templates"; }

std::string replaced(std::string text, char from, char to) {
  std::replace(text.begin(), text.end(), from, to);
  return text;
}

// A text in which each @WORD@ is what it stands for.
std::string filled(const std::string& text, const Words& words) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t end = text[i] == '@' ? text.find('@', i + 1) : std::string::npos;
    const auto word = end == std::string::npos ? words.end() : words.find(text.substr(i + 1, end - i - 1));
    if (word == words.end()) {
      out += text[i++];
    } else {
      out += word->second;
      i = end + 1;
    }
  }
  return out;
}

void add(std::string& list, const std::string& item) { list += (list.empty() ? "" : ", ") + item; }

// How a mapping in C++ reads an argument.
std::string read_by(const ir::SchemaArgument& a) {
  const std::string name = "\"" + a.name + "\"";
  if (a.type.starts_with("Tensor")) return "op[" + name + "]";
  if (a.type.starts_with("float")) return a.is_list() ? "op[" + name + "]" : "op.real(" + name + ")";
  if (a.type.starts_with("bool")) return "op.boolean(" + name + ")";
  if (a.type.starts_with("str")) return "op.string(" + name + ")";
  return (a.is_list() ? "op.integers(" : "op.integer(") + name + ")";
}

void add_words_of(const ir::Schema& schema, Words& words) {
  std::string inputs, outputs, identities, arguments, first;
  for (const ir::SchemaArgument& a : schema.arguments) {
    add(arguments, read_by(a));
    if (a.type != "Tensor") continue;
    add(inputs, a.name);
    if (first.empty()) first = a.name;
  }
  std::string values;
  for (size_t i = 0; i < schema.returns.size(); ++i) {
    const std::string name = schema.returns.size() == 1 ? "y" : "y" + std::to_string(i);
    add(outputs, name);
    identities += (identities.empty() ? "" : "  ") + name + " = Identity(" + first + ")";
    add(values, "op.Identity(op[\"" + first + "\"])");
  }
  const bool several = schema.returns.size() != 1;
  words["SCHEMA"] = schema.text();
  words["OP"] = schema.qualified_name();
  words["FUNCTION"] = schema.name.substr(schema.name.find("::") + 2);
  words["INPUTS"] = inputs;
  words["OUTPUTS"] = outputs;
  words["IDENTITIES"] = identities;
  words["ARGUMENTS"] = arguments;
  words["FIRST"] = first;
  words["RETURN"] = several ? "Values" : "Value";
  words["RESULT"] = several ? "{" + values + "}" : values;
}

ir::Schema schema_of(const NewPlugin& plugin) {
  if (plugin.op.empty()) {
    throw Error("M104", "the operator is missing", {},
                "give its schema: --op 'acme::swish(Tensor x, float beta=1) -> Tensor'");
  }
  ir::Schema schema = ir::parse_schema(plugin.op);
  const bool has_tensor = std::any_of(schema.arguments.begin(), schema.arguments.end(),
                                      [](const ir::SchemaArgument& a) { return a.type == "Tensor"; });
  const bool plain = std::all_of(schema.returns.begin(), schema.returns.end(),
                                 [](const ir::SchemaArgument& r) { return r.type == "Tensor"; });
  if (!has_tensor || !plain || schema.returns.empty() || (plugin.kind == "c" && schema.returns.size() != 1)) {
    throw Error("M105", "there is no template for " + schema.text(), {},
                "the templates map operators of one tensor or more that return tensors (in C: one); write "
                "the rest from "
                "another one's, " +
                    manual_page("plugins.md") + " says how");
  }
  return schema;
}

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string last_word(const std::string& id) { return replaced(id.substr(id.rfind('.') + 1), '-', '_'); }

// A manifest of that id, as the reader sees it: M105 for an id that is none.
void check_id(const std::string& id) {
  (void)parse_manifest("onnxport_manifest: 1\nplugin: {id: \"" + id +
                           "\", version: \"0.1.0\"}\nprovides: {mappings: [{torch: a::b, onnx: Relu}]}\n",
                       "--id");
}

fs::path prepared_folder(const NewPlugin& plugin) {
  const fs::path folder = plugin.folder.empty() ? fs::path(last_word(plugin.id)) : plugin.folder;
  std::error_code error;
  if (fs::exists(folder, error) && !(fs::is_directory(folder, error) && fs::is_empty(folder, error)))
    throw Error("S709", folder.string() + " exists already", {}, "name another folder");
  if (!fs::is_directory(folder, error) && !fs::create_directories(folder, error))
    throw Error("S705", "the folder " + folder.string() + " cannot be made: " + error.message(), {},
                "name another folder");
  return folder;
}

}  // namespace

std::vector<fs::path> new_plugin(const NewPlugin& plugin) {
  check_id(plugin.id);
  static const std::map<std::string, std::string> kinds = {
      {"cpp", ": a mapping in C++"}, {"c", ": a mapping in C"}, {"yaml", ": a mapping in YAML"},
      {"pass", ": a pass"},          {"opset", ": opsets"},     {"target", ": a target, with its profile"}};
  const auto kind = kinds.find(plugin.kind);
  const fs::path from = templates() / plugin.kind;
  std::error_code error;
  if (kind == kinds.end() || !fs::is_directory(from, error)) {
    throw Error(
        "S705", "there are no templates of the kind '" + plugin.kind + "' in " + templates().string(), {},
        "the kinds are cpp, c, yaml, pass, opset and target; the templates come with onnxport, reinstall it");
  }
  const std::string name = last_word(plugin.id);
  Words words = {{"ID", plugin.id},
                 {"NAME", name},
                 {"WHAT", kind->second},
                 {"DASHED", "fuse-" + replaced(name, '_', '-')},
                 {"DOMAIN", plugin.id.substr(0, plugin.id.rfind('.'))}};
  if (words["DOMAIN"].find('.') == std::string::npos) words["DOMAIN"] = plugin.id;
  if (plugin.kind == "cpp" || plugin.kind == "c" || plugin.kind == "yaml")
    add_words_of(schema_of(plugin), words);
  const fs::path folder = prepared_folder(plugin);
  std::vector<fs::path> sources = {templates() / "README.md.in"};
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) sources.push_back(entry.path());
  std::sort(sources.begin() + 1, sources.end());
  std::vector<fs::path> out;
  for (const fs::path& source : sources) {
    std::string file = source.filename().replace_extension().string();  // without .in
    if (file.starts_with("NAME.")) file.replace(0, 4, name);
    if (file.starts_with("ID.")) file.replace(0, 2, plugin.id);
    out.push_back(folder / file);
    std::ofstream to(out.back(), std::ios::binary);
    to << filled(read(source), words);
    if (!to.flush())
      throw Error("S705", out.back().string() + " cannot be written", {}, "write to another folder");
  }
  return out;
}

}  // namespace onnxport
