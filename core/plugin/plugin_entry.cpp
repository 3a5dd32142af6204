#include "core/plugin/plugin_entry.h"

#include <algorithm>

namespace onnxport {

const PluginLibrary& PluginEntry::library() {
  if (unusable_) throw *unusable_;
  if (failure_) throw *failure_;
  if (library_) return *library_;
  try {
    library_ = PluginLibrary::open(manifest_, host_);
    check_promises();
  } catch (const Error& e) {
    library_.reset();
    failure_ = e;
    throw;
  }
  return *library_;
}

const std::string& PluginEntry::library_sha256() {
  if (library_sha256_) return *library_sha256_;
  library_sha256_.emplace();
  const auto found = manifest_.libraries.find(current_platform());
  std::error_code error;
  if (found == manifest_.libraries.end() || !std::filesystem::is_regular_file(found->second.path, error))
    return *library_sha256_;
  library_sha256_ = sha256_of(found->second.path);
  if (found->second.sha256.empty()) found->second.sha256 = *library_sha256_;
  return *library_sha256_;
}

void PluginEntry::check_promises() {
  std::vector<Diagnostic> broken;
  Location place;
  place.file = manifest_.file.string();
  const auto refuse = [&](const std::string& what, const std::string& line) {
    broken.push_back(
        {Severity::error, "M113",
         "plugin " + manifest_.id + ": its library registers " + what + ", which its manifest does not list",
         place, "add to provides: " + line + "; or remove it from the library"});
  };
  const auto text = [](onnxport_str s) {
    return std::string(s.data == nullptr ? "" : s.data, s.data == nullptr ? 0 : s.size);
  };
  for (const onnxport_mapping& m : library_->mappings()) {
    const std::string name = text(m.torch_op);
    if (!manifest_.promises(name)) refuse("the operator '" + name + "'", "ops: [" + name + "]");
    mappings_[name].push_back(&m);
  }
  for (const PluginOpset& opset : library_->opsets()) {
    if (manifest_.promises_opset(opset.domain, opset.version)) continue;
    const std::string domain = opset.domain.empty() ? "ai.onnx" : opset.domain;
    const std::string version = std::to_string(opset.version);
    refuse("opset " + version + " of " + domain,
           "opsets: [{domain: " + domain + ", version: " + version + "}]");
  }
  for (const onnxport_pass& pass : library_->passes()) {
    const std::string name = text(pass.name);
    const ManifestPass* listed = manifest_.find_pass(name);
    if (listed == nullptr || !listed->is_in_library())
      refuse("the pass '" + name + "'", "passes: [" + name + "]");
  }
  for (const onnxport_inference& i : library_->inferences()) {
    const std::string domain = text(i.domain);
    if (manifest_.serves_domain(domain)) continue;
    refuse("the inference of " + (domain.empty() ? "" : domain + "::") + text(i.op_type),
           domain.empty() ? "opsets: [{domain: ai.onnx, version: …}]"
                          : "domains: [{name: " + domain + ", version: 1}]");
  }
  if (!broken.empty()) throw Error(std::move(broken));
}

const std::vector<const onnxport_mapping*>& PluginEntry::registered(std::string_view entry) {
  static const std::vector<const onnxport_mapping*> none;
  library();
  const auto found = mappings_.find(entry);
  return found == mappings_.end() ? none : found->second;
}

const PluginOpset* PluginEntry::find_opset(std::string_view domain, int version) {
  for (const PluginOpset& opset : library().opsets()) {
    if (opset.domain == domain && opset.version == version) return &opset;
  }
  Location place;
  place.file = manifest_.file.string();
  throw Error("M115",
              "plugin " + id() + ": its manifest lists opset " + std::to_string(version) + " of " +
                  (domain.empty() ? "ai.onnx" : std::string(domain)) + ", its library does not have it",
              place, "install the manifest and the library of one release together");
}

OpenedPass PluginEntry::open_pass(const ManifestPass& pass) {
  if (unusable_) throw *unusable_;
  if (!pass.is_in_library()) return {*pass.stage, {}};
  return find_library_pass(library(), manifest_, pass);
}

std::vector<std::string> PluginEntry::unkept_promises() {
  library();
  std::vector<std::string> out;
  for (const std::string& op : manifest_.ops) {
    const auto at = mappings_.lower_bound(op);
    if (at == mappings_.end() || (at->first != op && without_overload(at->first) != op)) out.push_back(op);
  }
  return out;
}

}  // namespace onnxport
