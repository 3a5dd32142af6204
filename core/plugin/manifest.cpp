#include "core/plugin/manifest.h"

#include <algorithm>
#include <cctype>
#include <tuple>

#include "core/plugin/manifest_mapping.h"
#include "core/plugin/manifest_pass.h"
#include "core/plugin/manifest_reader.h"
#include "core/plugin/manifest_values.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;
using yaml::Node;

// Words of letters, digits, _ and -, joined by dots.
bool is_domain(std::string_view text) {
  const auto word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  char before = '.';
  for (const char c : text) {
    if (!word(c) && (c != '.' || before == '.')) return false;
    before = c;
  }
  return !text.empty() && before != '.';
}

class ManifestBuilder {
 public:
  ManifestBuilder(const fs::path& file) : in_(file.string()) { out_.file = file; }

  Manifest build(const Node& root) {
    if (!read_version(root)) throw Error(in_.take_errors());
    in_.map(root, "the manifest",
            {"onnxport_manifest", "plugin", "abi", "library", "requires", "provides", "overrides", "default",
             "targets", "profiles"});
    if (const Node* n =
            in_.required(root, "plugin", "the manifest", "plugin: {id: com.acme.ops, version: \"1.0.0\"}"))
      read_plugin(*n);
    if (const Node* n = root.find("abi")) read_abi(*n);
    if (const Node* n = root.find("library")) read_library(*n);
    if (const Node* n = root.find("requires")) read_requires(*n);
    if (const Node* n = in_.required(root, "provides", "the manifest", "provides: {ops: [acme::my_op]}"))
      read_provides(*n);
    if (const Node* n = root.find("overrides")) read_overrides(*n);
    if (const Node* n = root.find("default")) read_default(*n);
    if (const Node* n = root.find("targets")) read_targets(*n);
    if (const Node* n = root.find("profiles")) read_profiles(*n);
    check_whole(root);
    if (in_.has_errors()) throw Error(in_.take_errors());
    return std::move(out_);
  }

 private:
  bool read_version(const Node& root) {
    if (root.kind != Node::Kind::map) {
      in_.error("M105", root, "the manifest must be a map, this is " + root.description(),
                "start with: onnxport_manifest: " + std::to_string(kManifestVersion));
      return false;
    }
    const Node* n = in_.required(root, "onnxport_manifest", "the manifest", "onnxport_manifest: 1");
    if (n == nullptr) return false;
    const auto version = in_.integer(*n, "onnxport_manifest", 1, 1'000'000);
    if (version && *version > kManifestVersion) {
      in_.error("M107", *n,
                "the manifest is of version " + std::to_string(*version) + ", this onnxport reads up to " +
                    std::to_string(kManifestVersion),
                "update onnxport, or take the plugin's release for this one");
    }
    return version && *version <= kManifestVersion;
  }

  void read_plugin(const Node& node) {
    if (!in_.map(node, "plugin", {"id", "name", "version", "publisher", "license", "url", "description"}))
      return;
    if (const Node* n = in_.required(node, "id", "plugin", "id: com.acme.ops")) {
      out_.id = in_.text(*n, "plugin.id", 128).value_or("");
      if (!out_.id.empty() && !is_reverse_dns(out_.id)) {
        in_.error("M105", *n, "'" + out_.id + "' is no plugin id",
                  "an id is a domain you own, reversed, in small letters: com.acme.ops");
      }
    }
    if (const Node* n = in_.required(node, "version", "plugin", "version: \"1.0.0\""))
      read_plugin_version(*n);
    for (const auto& [key, into] : {std::pair{"name", &out_.name},
                                    {"publisher", &out_.publisher},
                                    {"license", &out_.license},
                                    {"url", &out_.url},
                                    {"description", &out_.description}}) {
      if (const Node* n = node.find(key)) *into = in_.text(*n, std::string("plugin.") + key).value_or("");
    }
  }

  void read_plugin_version(const Node& n) {
    out_.version = in_.text(n, "plugin.version", 128).value_or("");
    if (out_.version.empty()) return;
    if (!n.quoted) {
      std::string whole = out_.version;  // "1" and "1.0" lack numbers too
      while (std::count(whole.begin(), whole.end(), '.') < 2 && SemVer::parse(whole, true)) whole += ".0";
      in_.error("M105", n, "plugin.version must be in quotes", "write version: \"" + whole + "\"");
    } else if (!SemVer::parse(out_.version)) {
      in_.error("M105", n, "'" + out_.version + "' is no version",
                "write major.minor.patch: \"1.4.0\" (semver.org)");
    }
  }

  void read_abi(const Node& node) {
    if (!in_.map(node, "abi", {"major", "minor"})) return;
    out_.abi_place = in_.place(node);
    if (const Node* n = in_.required(node, "major", "abi", "major: 1")) {
      out_.abi_major = in_.integer(*n, "abi.major", 1, 65535).value_or(1);
    }
    if (const Node* n = node.find("minor"))
      out_.abi_minor = in_.integer(*n, "abi.minor", 0, 65535).value_or(0);
  }

  void read_library(const Node& node) {
    if (!in_.map(node, "library", {"linux_amd64", "linux_arm64", "macos_arm64", "windows_amd64"})) return;
    for (const auto& [platform, value] : node.entries) {
      if (platform.text.starts_with("x-")) continue;
      Manifest::Library library;
      library.place = in_.place(value);
      const Node* path = &value;  // the short form is the path itself
      if (value.kind == Node::Kind::map) {
        if (!in_.map(value, "library." + platform.text, {"path", "sha256"})) continue;
        path = in_.required(value, "path", "library." + platform.text, "path: libacme.so");
        if (const Node* n = value.find("sha256")) library.sha256 = read_sha256(in_, *n);
      }
      if (path == nullptr) continue;
      if (const auto text = in_.text(*path, "library." + platform.text + ".path"))
        library.path = path_inside(*path, *text, "path: lib/");
      out_.libraries[platform.text] = std::move(library);
    }
  }

  // A path inside the manifest's own folder, so that nothing outside what the vendor shipped is ever loaded.
  fs::path path_inside(const Node& node, const std::string& text, const std::string& example) {
    const fs::path path(text);
    bool escapes = path.is_absolute() || text.find('\\') != std::string::npos;
    for (const fs::path& part : path) escapes = escapes || part == "..";
    if (escapes) {
      in_.error("M109", node, "the path '" + text + "' leaves the manifest's folder",
                "put the file beside the manifest or below it: " + example + path.filename().string());
    }
    return out_.file.parent_path() / path;
  }

  void read_requires(const Node& node) {
    if (!in_.map(node, "requires", {"onnxport", "plugins"})) return;
    if (const Node* n = node.find("onnxport")) out_.onnxport_range = range(*n, "requires.onnxport");
    const Node* plugins = node.find("plugins");
    if (plugins == nullptr) return;
    const auto* items = in_.list(*plugins, "requires.plugins");
    if (items == nullptr) return;
    for (const Node& item : *items) {
      if (!in_.map(item, "requires.plugins[]", {"id", "version"})) continue;
      Manifest::Requirement r;
      r.place = in_.place(item);
      if (const Node* n = in_.required(item, "id", "requires.plugins[]", "id: org.onnxport.aten")) {
        r.id = in_.text(*n, "requires.plugins[].id").value_or("");
      }
      if (const Node* n = item.find("version")) r.range = range(*n, "requires.plugins[].version");
      out_.plugins.push_back(std::move(r));
    }
  }

  std::string range(const Node& node, std::string_view what) {
    const auto text = in_.text(node, what);
    if (text && !VersionRange::parse(*text)) {
      in_.error("M105", node, "'" + *text + "' is no range of versions", "write comparisons: \">=1.0 <2\"");
      return "";
    }
    return text.value_or("");
  }

  void read_provides(const Node& node) {
    if (!in_.map(node, "provides", {"ops", "domains", "opsets", "passes", "schemas", "classes", "mappings"}))
      return;
    if (const Node* n = node.find("ops")) read_ops(*n);
    if (const Node* n = node.find("domains")) read_domains(*n);
    if (const Node* n = node.find("opsets")) read_opsets(*n);
    if (const Node* n = node.find("passes")) read_passes(*n);
    if (const Node* n = node.find("schemas")) read_schemas(*n);
    if (const Node* n = node.find("classes")) read_classes(*n);
    if (const Node* n = node.find("mappings")) {
      if (const auto* items = in_.list(*n, "provides.mappings")) {
        for (const Node& item : *items) {
          if (auto mapping = read_mapping(in_, item, out_.domains))
            out_.mappings.push_back(std::move(*mapping));
        }
      }
    }
  }

  void read_passes(const Node& node) {
    const auto* items = in_.list(node, "provides.passes");
    if (items == nullptr) return;
    for (const Node& item : *items) {
      auto pass = read_pass(in_, item, out_.domains);
      if (!pass) continue;
      if (out_.find_pass(pass->name) != nullptr) {
        in_.error("M106", item, "the pass '" + pass->name + "' is listed twice", "remove one of them");
      } else {
        out_.passes.push_back(std::move(*pass));
      }
    }
  }

  // The names of a text, parted by white space, as nodes. Behind "|" each line of the text is one of the file.
  static std::vector<Node> names_in(const Node& text) {
    std::vector<Node> out;
    Node name = text;
    name.text.clear();
    const bool block = text.text.find('\n') != std::string::npos;
    int line = text.line + (block ? 1 : 0);
    for (const char c : text.text + '\n') {
      if (std::isspace(static_cast<unsigned char>(c)) == 0) {
        name.text += c;
        continue;
      }
      if (!name.text.empty()) {
        name.line = line;
        out.push_back(name);
      }
      name.text.clear();
      if (c == '\n' && block) ++line;
    }
    return out;
  }

  // A list of names or, which is read four times as fast, a text of names.
  void read_ops(const Node& node) {
    std::vector<Node> named;
    if (node.kind == Node::Kind::scalar) named = names_in(node);
    const auto* items = node.kind == Node::Kind::scalar ? &named : in_.list(node, "provides.ops");
    if (items == nullptr) return;
    std::vector<std::pair<std::string_view, const Node*>> seen;
    for (const Node& item : *items) {
      if (!in_.text(item, "provides.ops[]", 256)) continue;
      if (!is_operator_name(item.text)) {
        in_.error("M105", item, "'" + item.text + "' is no operator name",
                  "write namespace::name or namespace::name.overload");
        continue;
      }
      seen.emplace_back(item.text, &item);
      out_.ops.push_back(item.text);
    }
    std::sort(out_.ops.begin(), out_.ops.end());
    std::stable_sort(seen.begin(), seen.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (size_t i = 1; i < seen.size(); ++i) {
      if (seen[i].first == seen[i - 1].first) {
        in_.error("M106", *seen[i].second, "the operator '" + seen[i].second->text + "' is listed twice",
                  "remove one of them");
      }
    }
  }

  void read_domains(const Node& node) {
    const auto* items = in_.list(node, "provides.domains");
    if (items == nullptr) return;
    for (const Node& item : *items) {
      if (!in_.map(item, "provides.domains[]", {"name", "version"})) continue;
      const Node* name = in_.required(item, "name", "provides.domains[]", "name: com.acme");
      const Node* version = item.find("version");
      const int number = version == nullptr
                             ? 1
                             : in_.integer(*version, "provides.domains[].version", 1, 1'000'000).value_or(1);
      const auto text = name == nullptr ? std::nullopt : in_.text(*name, "provides.domains[].name", 256);
      if (!text) continue;
      if (!is_domain(*text)) {
        in_.error("M105", *name, "'" + *text + "' is no domain",
                  "a domain is words joined by dots: com.acme");
      } else if (*text == "ai.onnx" || text->starts_with("ai.onnx.")) {
        in_.error("M105", *name, "the domain " + *text + " is ONNX's own",
                  "name a domain of yours: com.acme");
      } else if (!out_.domains.emplace(*text, number).second) {
        in_.error("M106", *name, "the domain '" + *text + "' is listed twice", "remove one of them");
      }
    }
  }

  void read_opsets(const Node& node) {
    const auto* items = in_.list(node, "provides.opsets");
    if (items == nullptr) return;
    for (const Node& item : *items) {
      if (!in_.map(item, "provides.opsets[]", {"domain", "version"})) continue;
      std::string domain = "ai.onnx";
      if (const Node* n = item.find("domain")) {
        if (const auto text = in_.text(*n, "provides.opsets[].domain", 256)) domain = *text;
        if (!is_domain(domain)) {
          in_.error("M105", *n, "'" + domain + "' is no domain",
                    "a domain is words joined by dots: com.acme");
        }
      }
      if (const Node* n = in_.required(item, "version", "provides.opsets[]", "version: 20")) {
        const auto v = in_.integer(*n, "provides.opsets[].version", 1, 1'000'000);
        if (!v) continue;
        std::vector<int>& listed = domain == "ai.onnx" ? out_.opsets : out_.domain_opsets[domain];
        if (std::find(listed.begin(), listed.end(), *v) != listed.end()) {
          in_.error("M106", *n, "opset " + std::to_string(*v) + " of " + domain + " is listed twice",
                    "remove one of them");
        }
        listed.push_back(*v);
      }
    }
  }

  void read_schemas(const Node& node) {
    const auto* items = in_.list(node, "provides.schemas");
    if (items == nullptr) return;
    for (const Node& item : *items) {
      const auto text = in_.text(item, "provides.schemas[]");
      if (!text) continue;
      if (auto schema = read_schema(in_, item, *text))
        out_.schemas.push_back({std::move(*schema), in_.place(item)});
    }
  }

  void read_classes(const Node& node) {
    const auto* items = in_.list(node, "provides.classes");
    if (items == nullptr) return;
    for (const Node& item : *items) {
      const auto text = in_.text(item, "provides.classes[]");
      if (!text) continue;
      try {
        ir::CustomClass described = ir::parse_class(*text);
        described.plugin = out_.id;
        described.location = in_.place(item);
        out_.classes.push_back(std::move(described));
      } catch (const Error& error) {
        for (const Diagnostic& d : error.diagnostics()) in_.error(d.code, item, d.message, d.hint);
      }
    }
  }

  void read_overrides(const Node& node) {
    const auto* items = in_.list(node, "overrides");
    if (items == nullptr) return;
    for (const Node& item : *items) {
      const auto text = in_.text(item, "overrides[]", 256);
      if (!text) continue;
      if (!is_operator_name(*text) && !is_reverse_dns(*text)) {
        in_.error("M105", item, "'" + *text + "' is neither an operator nor a plugin id",
                  "write aten::gelu to replace one operator, or org.onnxport.aten for all of a plugin");
      }
      out_.overrides.push_back(*text);
    }
  }

  void read_default(const Node& node) {
    if (node.kind == Node::Kind::scalar && !node.quoted && (node.text == "on" || node.text == "off")) {
      out_.only_when_asked = node.text == "off";
      return;
    }
    in_.error("M105", node, "default must be on or off, this is " + node.description(),
              "off: the mappings are asked only for targets that prefer or require the plugin");
  }

  void read_targets(const Node& node) {
    if (node.kind != Node::Kind::map) {
      in_.error("M105", node, "targets must be a map, this is " + node.description(),
                "write targets: {com.acme.npu: {opset: \"<=18\"}}");
      return;
    }
    for (const auto& [name, value] : node.entries) {
      if (name.text.starts_with("x-")) continue;
      if (!is_reverse_dns(name.text)) {
        in_.error("M105", name, "'" + name.text + "' is no name of a target",
                  "name it as a plugin: a domain you own, reversed, in small letters: com.acme.npu");
      }
      if (!in_.map(value, "targets." + name.text, {"opset"})) continue;
      Manifest::TargetRange range;
      range.place = in_.place(value);
      if (const Node* n = in_.required(value, "opset", "targets." + name.text, "opset: \"<=18\"")) {
        range.place = in_.place(*n);
        if (const auto opsets = read_opset_range(in_, *n))
          std::tie(range.min_opset, range.max_opset) = *opsets;
      }
      out_.targets.emplace(name.text, std::move(range));
    }
  }

  void read_profiles(const Node& node) {
    const auto* items = in_.list(node, "profiles");
    if (items == nullptr) return;
    for (const Node& item : *items) {
      const auto text = in_.text(item, "profiles[]");
      if (!text) continue;
      if (!text->ends_with(".yaml")) {
        in_.error("M105", item, "'" + *text + "' is no profile", "a profile is a file NAME.yaml");
        continue;
      }
      out_.profiles.push_back(path_inside(item, *text, "profiles/"));
    }
  }

  // What only the whole can show.
  void check_whole(const Node& root) {
    const bool pass_in_library = std::any_of(out_.passes.begin(), out_.passes.end(),
                                             [](const ManifestPass& p) { return p.is_in_library(); });
    const bool needs_library =
        !out_.ops.empty() || !out_.opsets.empty() || !out_.domain_opsets.empty() || pass_in_library;
    if (needs_library && root.find("library") == nullptr) {
      in_.error("M104", root, "the key 'library' is missing: ops, opsets and passes are supplied by one",
                "add library: {linux_amd64: libacme.so}, or move the operators to provides.mappings; a pass "
                "without one "
                "needs rules");
    }
    if (!needs_library && out_.mappings.empty() && out_.passes.empty() && out_.schemas.empty() &&
        out_.profiles.empty() && out_.targets.empty() && !in_.has_errors()) {
      in_.error("M104", root, "the plugin provides nothing",
                "add provides.ops, provides.mappings, provides.opsets or provides.passes");
    }
    for (size_t i = 0; i < out_.mappings.size(); ++i) {
      const ManifestMapping& m = out_.mappings[i];
      if (std::binary_search(out_.ops.begin(), out_.ops.end(), m.torch_op)) {
        Node at;
        at.line = m.place.line;
        at.column = m.place.column;
        in_.error("M106", at, "the operator '" + m.torch_op + "' is in provides.ops and in provides.mappings",
                  "remove it from one of them");
      }
    }
  }

  ManifestReader in_;
  Manifest out_;
};

}  // namespace

bool Manifest::promises(std::string_view torch_op) const {
  const auto listed = [&](std::string_view name) {
    return std::binary_search(ops.begin(), ops.end(), name, std::less<>());
  };
  return listed(torch_op) || listed(without_overload(torch_op));
}

bool Manifest::promises_opset(std::string_view domain, int version) const {
  const auto lists = [&](const std::vector<int>& versions) {
    return std::find(versions.begin(), versions.end(), version) != versions.end();
  };
  if (domain.empty()) return lists(opsets);
  const auto found = domain_opsets.find(domain);
  return found != domain_opsets.end() && lists(found->second);
}

bool Manifest::serves_domain(std::string_view domain) const {
  if (domain.empty()) return !opsets.empty();
  return domains.contains(domain) || domain_opsets.contains(domain);
}

const ManifestPass* Manifest::find_pass(std::string_view pass_name) const {
  const auto found =
      std::find_if(passes.begin(), passes.end(), [&](const ManifestPass& p) { return p.name == pass_name; });
  return found == passes.end() ? nullptr : &*found;
}

bool Manifest::overrides_op(std::string_view torch_op) const {
  return std::any_of(overrides.begin(), overrides.end(), [&](const std::string& o) {
    return without_default(o) == torch_op || o == without_overload(torch_op);
  });
}

bool Manifest::overrides_plugin(std::string_view plugin_id) const {
  return std::find(overrides.begin(), overrides.end(), plugin_id) != overrides.end();
}

std::string_view without_default(std::string_view torch_op) {
  constexpr std::string_view kDefault = ".default";
  if (torch_op.ends_with(kDefault)) torch_op.remove_suffix(kDefault.size());
  return torch_op;
}

std::string_view without_overload(std::string_view torch_op) {
  const size_t names = torch_op.find("::");
  return torch_op.substr(0, torch_op.find('.', names == std::string_view::npos ? 0 : names));
}

std::string_view current_platform() {
#if defined(_WIN32)
  return "windows_amd64";
#elif defined(__APPLE__)
  return "macos_arm64";
#elif defined(__aarch64__)
  return "linux_arm64";
#else
  return "linux_amd64";
#endif
}

Manifest parse_manifest(std::string_view text, const fs::path& file) {
  return ManifestBuilder(file).build(yaml::parse(text, file.string()));
}

Manifest read_manifest(const fs::path& file) {
  std::string text = yaml::read_text(file.string());
  Manifest out = parse_manifest(text, file);
  out.text = std::move(text);
  return out;
}

}  // namespace onnxport
