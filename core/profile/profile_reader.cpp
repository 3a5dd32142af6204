// From YAML to settings. What a key holds is said once, in kKeys; the few that hold more have readers of their own.
#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <span>

#include "core/onnx/schemas.h"
#include "core/plugin/manifest_reader.h"
#include "core/plugin/manifest_values.h"
#include "core/profile/settings.h"
#include "core/yaml/strict_yaml.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;
using yaml::Node;

// The strict reader speaks of manifests. Of a profile the same mistakes have codes of its own family.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kCodes = {{{"M101", "F101"},
                                                                                  {"M102", "F102"},
                                                                                  {"M103", "F103"},
                                                                                  {"M104", "F104"},
                                                                                  {"M105", "F105"},
                                                                                  {"M106", "F106"},
                                                                                  {"M107", "F107"},
                                                                                  {"M108", "F108"}}};

Error of_profile(std::vector<Diagnostic> diagnostics) {
  for (Diagnostic& d : diagnostics) {
    const auto* code =
        std::find_if(kCodes.begin(), kCodes.end(), [&](const auto& pair) { return pair.first == d.code; });
    if (code != kCodes.end()) d.code = code->second;
  }
  return Error(std::move(diagnostics));
}

constexpr int kLowestOpset = 7;

enum class Kind { boolean, integer, real, text, names, path, paths, choice, types };

struct Key {
  std::string_view section;  // empty: of the profile itself
  std::string_view name;
  Kind kind;
  std::string_view choices = {};  // "a, b"
  int max = 1'000'000;
};

constexpr Key kKeys[] = {
    {"", "ir_version", Kind::integer, "", 1000},
    {"", "constant_folding", Kind::boolean},
    {"", "state", Kind::choice, "error, io, drop"},
    {"takes", "types", Kind::types},
    {"takes", "expand", Kind::boolean},
    {"plugins", "require", Kind::names},
    {"plugins", "prefer", Kind::names},
    {"plugins", "disable", Kind::names},
    {"plugins", "files", Kind::paths},
    {"plugins", "trust", Kind::choice, "any, locked"},
    {"plugins", "lock", Kind::path},
    {"passes", "on", Kind::names},
    {"passes", "off", Kind::names},
    {"weights", "store", Kind::choice, "auto, inline, external, reference"},
    {"weights", "inline_below", Kind::integer, "", 1 << 30},
    {"weights", "parameters_as_inputs", Kind::boolean},
    {"weights", "initializers_as_inputs", Kind::boolean},
    {"names", "inputs", Kind::names},
    {"names", "outputs", Kind::names},
    {"names", "provenance", Kind::boolean},
    {"verify", "rtol", Kind::real},
    {"verify", "atol", Kind::real},
    {"verify", "second_size", Kind::boolean},
    {"verify", "trust", Kind::names},
    {"verify", "ort_libraries", Kind::paths},
};

std::string joined(std::string_view section, std::string_view name) {
  return section.empty() ? std::string(name) : std::string(section) + "." + std::string(name);
}

bool is_dotted_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

// At any opset that can be written.
bool is_onnx_operator(std::string_view name) {
  for (int opset = onnx::latest_opset(); opset >= kLowestOpset; --opset) {
    if (onnx::find_schema(name, "", opset) != nullptr) return true;
  }
  return false;
}

class ProfileReader {
 public:
  explicit ProfileReader(const fs::path& file) : in_(file.string()) { out_.file = file; }

  ProfileText read(const Node& root) {
    if (read_version(root)) read_all(root);
    if (in_.has_errors()) throw of_profile(in_.take_errors());
    return std::move(out_);
  }

 private:
  bool read_version(const Node& root) {
    if (root.kind != Node::Kind::map) {
      in_.error("M105", root, "the profile must be a map, this is " + root.description(),
                "start with: onnxport_config: " + std::to_string(kConfigVersion));
      return false;
    }
    const Node* n = in_.required(root, "onnxport_config", "the profile", "onnxport_config: 1");
    if (n == nullptr) return false;
    const auto version = in_.integer(*n, "onnxport_config", 1, 1'000'000);
    if (version && *version > kConfigVersion) {
      in_.error("M107", *n,
                "the profile is of version " + std::to_string(*version) + ", this onnxport reads up to " +
                    std::to_string(kConfigVersion),
                "update onnxport, or take the profile that was made for this one");
    }
    return version && *version <= kConfigVersion;
  }

  void read_all(const Node& root) {
    in_.map(root, "the profile",
            {"onnxport_config", "description", "extends", "target", "opset", "ir_version", "takes", "plugins",
             "passes", "constant_folding", "weights", "names", "state", "verify"});
    if (const Node* n = root.find("description")) out_.description = in_.text(*n, "description").value_or("");
    if (const Node* n = root.find("extends")) read_extends(*n);
    if (const Node* n = root.find("target")) {
      out_.target = in_.text(*n, "target", 128).value_or("");
      out_.target_place = in_.place(*n);
    }
    if (const Node* n = root.find("opset")) read_opset(*n);
    read_keys(root, "");
    if (const Node* n = root.find("takes")) read_takes(*n);
    read_section(root, "plugins", {"require", "prefer", "disable", "files", "trust", "lock", "options"},
                 [&](const Node& n) {
                   if (const Node* options = n.find("options")) read_options(*options);
                 });
    read_section(root, "passes", {"on", "off"});
    read_section(root, "weights",
                 {"store", "inline_below", "parameters_as_inputs", "initializers_as_inputs"});
    read_section(root, "names", {"inputs", "outputs", "provenance"});
    read_section(root, "verify", {"rtol", "atol", "second_size", "trust", "ort_libraries"});
  }

  void read_section(const Node& root, std::string_view section, std::initializer_list<std::string_view> keys,
                    const std::function<void(const Node&)>& more = {}) {
    const Node* n = root.find(section);
    if (n == nullptr || !in_.map(*n, section, keys)) return;
    read_keys(*n, section);
    if (more) more(*n);
  }

  void read_keys(const Node& map, std::string_view section) {
    for (const Key& key : kKeys) {
      if (key.section != section) continue;
      if (const Node* n = map.find(key.name)) {
        if (auto value = value_of(*n, key)) add(joined(section, key.name), *n, std::move(*value));
      }
    }
  }

  void add(std::string key, const Node& at, SettingValue value) {
    out_.settings.push_back({std::move(key), std::move(value), in_.place(at)});
  }

  std::optional<SettingValue> value_of(const Node& n, const Key& key) {
    const std::string what = joined(key.section, key.name);
    const auto as_setting = [](const auto& value) -> std::optional<SettingValue> {
      return value ? std::optional<SettingValue>(*value) : std::nullopt;
    };
    switch (key.kind) {
      case Kind::boolean:
        return as_setting(in_.boolean(n, what));
      case Kind::integer:
        if (const auto number = in_.integer(n, what, key.name == "inline_below" ? 0 : 1, key.max))
          return int64_t{*number};
        return std::nullopt;
      case Kind::real:
        return as_setting(real(n, what));
      case Kind::text:
        return as_setting(in_.text(n, what));
      case Kind::choice:
        return as_setting(choice(n, what, key.choices));
      case Kind::names:
        return as_setting(names(n, what));
      case Kind::types:
        return as_setting(types(n, what));
      case Kind::paths:
        if (auto files = names(n, what)) {
          for (std::string& file : *files) file = beside(file);
          return *files;
        }
        return std::nullopt;
      case Kind::path:
        if (const auto file = in_.text(n, what)) return beside(*file);
        return std::nullopt;
    }
    return std::nullopt;
  }

  // A path that the profile writes, seen from its folder.
  std::string beside(const std::string& file) const {
    return (out_.file.parent_path() / file).lexically_normal().string();
  }

  std::optional<double> real(const Node& n, const std::string& what) {
    const auto number = n.kind == Node::Kind::scalar && !n.quoted ? parse_real(n.text) : std::nullopt;
    if (number && *number >= 0 && *number < 1e30) return number;
    in_.error("M105", n, what + " must be a number from 0 up, this is " + n.description(),
              "write 0.001 or 1e-3");
    return std::nullopt;
  }

  std::optional<std::string> choice(const Node& n, const std::string& what, std::string_view choices) {
    const auto text = in_.text(n, what, 64);
    if (!text) return std::nullopt;
    for (std::string_view rest = choices; !rest.empty();) {
      const std::string_view one = rest.substr(0, rest.find(','));
      if (one == *text) return text;
      rest.remove_prefix(std::min(rest.size(), one.size() + 2));
    }
    in_.error("M105", n, what + " is '" + *text + "'", "write one of: " + std::string(choices));
    return std::nullopt;
  }

  std::optional<std::vector<std::string>> names(const Node& n, const std::string& what) {
    const auto* items = in_.list(n, what);
    if (items == nullptr) return std::nullopt;
    std::vector<std::string> out;
    bool good = true;
    for (const Node& item : *items) {
      const auto text = in_.text(item, what + "[]", 256);
      good = good && text.has_value();
      if (text && std::find(out.begin(), out.end(), *text) != out.end()) {
        in_.error("M106", item, "'" + *text + "' is listed twice in " + what, "remove one of them");
      } else if (text) {
        out.push_back(*text);
      }
    }
    return good ? std::optional(out) : std::nullopt;
  }

  std::optional<std::vector<std::string>> types(const Node& n, const std::string& what) {
    auto out = names(n, what);
    if (!out) return std::nullopt;
    for (size_t i = 0; i < out->size(); ++i) {
      const auto dtype = read_dtype(in_, n.items[i], what + "[]");
      if (!dtype) return std::nullopt;
      (*out)[i] = ir::short_name(*dtype);
    }
    return out;
  }

  void read_extends(const Node& n) {
    const Node* const one[] = {&n};
    std::vector<const Node*> items(one, one + 1);
    if (n.kind == Node::Kind::list) {
      items.clear();
      for (const Node& item : n.items) items.push_back(&item);
    }
    for (const Node* item : items) {
      if (const auto text = in_.text(*item, "extends", 4096))
        out_.extends.emplace_back(*text, in_.place(*item));
    }
  }

  // A number, or a version for each domain.
  void read_opset(const Node& n) {
    if (n.kind != Node::Kind::map) {
      if (const auto version = in_.integer(n, "opset", 1, 1000)) add("opset.ai.onnx", n, int64_t{*version});
      return;
    }
    for (const auto& [domain, version] : n.entries) {
      if (domain.text.starts_with("x-")) continue;
      if (!is_dotted_name(domain.text)) {
        in_.error("M105", domain, "'" + domain.text + "' is no domain",
                  "a domain is words joined by dots: com.acme");
        continue;
      }
      if (const auto number = in_.integer(version, "opset." + domain.text, 1, 1'000'000))
        add("opset." + domain.text, version, int64_t{*number});
    }
  }

  // plugins.options.ID.NAME
  void read_options(const Node& n) {
    if (n.kind != Node::Kind::map) {
      in_.error("M105", n, "plugins.options must be a map, this is " + n.description(),
                "write options: {com.acme.npu: {level: 7}}");
      return;
    }
    for (const auto& [id, values] : n.entries) {
      if (id.text.starts_with("x-")) continue;
      if (values.kind != Node::Kind::map) {
        in_.error("M105", values,
                  "plugins.options." + id.text + " must be a map, this is " + values.description(),
                  "write " + id.text + ": {level: 7}");
        continue;
      }
      for (const auto& [name, value] : values.entries) {
        if (name.text.find('.') != std::string::npos) {
          in_.error("M105", name, "'" + name.text + "' is no name of an option", "a name has no dots");
        } else if (auto text = in_.text(value, "plugins.options." + id.text + "." + name.text)) {
          add("plugins.options." + id.text + "." + name.text, value, std::move(*text));
        }
      }
    }
  }

  // ---- what the target takes ----

  void read_takes(const Node& n) {
    if (!in_.map(n, "takes", {"types", "operators", "compute", "expand"})) return;
    read_keys(n, "takes");
    if (const Node* operators = n.find("operators")) read_operators(*operators);
    if (const Node* compute = n.find("compute")) read_compute(*compute);
  }

  void read_compute(const Node& n) {
    if (n.kind != Node::Kind::map) {
      in_.error("M105", n, "takes.compute must be a map, this is " + n.description(),
                "write compute: {bf16: f32}");
      return;
    }
    for (const auto& [from, to] : n.entries) {
      const auto narrow = read_dtype(in_, from, "takes.compute");
      const auto wide = read_dtype(in_, to, "takes.compute." + from.text);
      if (!narrow || !wide) continue;
      if (ir::is_floating(*narrow) != ir::is_floating(*wide) || *narrow == *wide || ir::is_complex(*narrow)) {
        in_.error("M105", to, from.text + " cannot be computed in " + to.text,
                  "name another floating type for a floating one, another whole one for a whole one");
        continue;
      }
      add("takes.compute." + std::string(ir::short_name(*narrow)), to, std::string(ir::short_name(*wide)));
    }
  }

  // A list of names: those and no others. A map: name -> true, false, types, or types by type variable.
  void read_operators(const Node& n) {
    if (n.kind == Node::Kind::list) {
      add("takes.operators.*", n, false);
      for (const Node& item : n.items) {
        if (in_.text(item, "takes.operators[]", 256)) read_operator(item, nullptr);
      }
      return;
    }
    if (n.kind != Node::Kind::map) {
      in_.error("M105", n, "takes.operators must be a list or a map, this is " + n.description(),
                "write [Conv, Relu], or {Conv: [f32, f16], \"*\": true}");
      return;
    }
    for (const auto& [name, value] : n.entries) {
      if (!name.text.starts_with("x-")) read_operator(name, &value);
    }
  }

  void read_operator(const Node& name, const Node* value) {
    const auto op = operator_name(name);
    if (!op) return;
    const std::string key = "takes.operators." + *op;
    if (value == nullptr) {
      add(key, name, true);
    } else if (value->kind == Node::Kind::list) {
      if (auto list = types(*value, "the types of " + *op)) add(key + "/*", *value, std::move(*list));
    } else if (value->kind == Node::Kind::map) {
      for (const auto& [variable, list] : value->entries) {
        if (!is_identifier(variable.text)) {
          in_.error("M105", variable, "'" + variable.text + "' is no type variable",
                    "write one of the operator's ONNX schema: {T: [f32, f16]}");
        } else if (auto read = types(list, "the types of " + *op)) {
          add(key + "/" + variable.text, list, std::move(*read));
        }
      }
    } else if (const auto taken = in_.boolean(*value, key)) {
      add(key, *value, *taken);
    }
  }

  // "Conv", "com.acme::Npu", "com.acme::*", "*". A bare name is one that ONNX has: a misspelt one would be refused in every
  // model; "ai.onnx::Name" is taken as it is, for an opset that this ONNX does not know.
  std::optional<std::string> operator_name(const Node& n) {
    std::string_view text = n.text;
    if (text == "*") return "*";
    const size_t colons = text.find("::");
    const std::string_view domain = colons == std::string_view::npos ? "" : text.substr(0, colons);
    const std::string_view name = colons == std::string_view::npos ? text : text.substr(colons + 2);
    const bool good = (is_identifier(name) || (name == "*" && !domain.empty())) &&
                      (colons == std::string_view::npos || is_dotted_name(domain));
    if (!good) {
      in_.error("M105", n, "'" + n.text + "' is no operator",
                "write Conv, com.acme::Npu, \"com.acme::*\" or \"*\"");
      return std::nullopt;
    }
    if (colons == std::string_view::npos && !is_onnx_operator(name)) {
      in_.error("M105", n, "ONNX has no operator '" + n.text + "'",
                "correct the name; one of a newer opset is written \"ai.onnx::" + n.text + "\"");
      return std::nullopt;
    }
    return domain == "ai.onnx" ? std::string(name == "*" ? "ai.onnx::*" : name) : n.text;
  }

  ManifestReader in_;
  ProfileText out_;
};

}  // namespace

std::string text_of(const SettingValue& value) {
  if (const auto* on = std::get_if<bool>(&value)) return *on ? "true" : "false";
  if (const auto* number = std::get_if<int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<double>(&value)) {
    char buffer[32];
    (void)std::snprintf(buffer, sizeof buffer, "%g", *number);
    return buffer;
  }
  std::string out = "[";
  for (const std::string& item : std::get<std::vector<std::string>>(value))
    out += (out.size() == 1 ? "" : ", ") + item;
  return out + "]";
}

ProfileText parse_profile(std::string_view text, const fs::path& file) {
  Node root;
  try {
    root = yaml::parse(text, file.string());
  } catch (const Error& error) {
    throw of_profile(error.diagnostics());
  }
  return ProfileReader(file).read(root);
}

ProfileText read_profile(const fs::path& file) {
  std::string text;
  try {
    text = yaml::read_text(file.string());
  } catch (const Error& error) {
    throw of_profile(error.diagnostics());
  }
  return parse_profile(text, file);
}

}  // namespace onnxport
