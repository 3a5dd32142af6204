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
  const onnxport_mapping_api* mappings = library_->mappings();
  for (uint32_t i = 0; mappings != nullptr && i < mappings->count; ++i) {
    const onnxport_mapping& m = library_->mapping(i);
    const std::string name = text(m.torch_op);
    if (m.translate == nullptr || !manifest_.promises(name))
      refuse("the operator '" + name + "'", "ops: [" + name + "]");
    mappings_[name].push_back(&m);
  }
  if (const onnxport_opset_api* opset = library_->opset()) {
    if (std::find(manifest_.opsets.begin(), manifest_.opsets.end(), opset->version) ==
        manifest_.opsets.end()) {
      const std::string version = std::to_string(opset->version);
      refuse("opset " + version, "opsets: [{domain: ai.onnx, version: " + version + "}]");
    }
  }
  const onnxport_pass_api* passes = library_->passes();
  for (uint32_t i = 0; passes != nullptr && i < passes->count; ++i) {
    const std::string name = text(library_->pass(i).name);
    if (std::find(manifest_.passes.begin(), manifest_.passes.end(), name) == manifest_.passes.end())
      refuse("the pass '" + name + "'", "passes: [" + name + "]");
  }
  if (!broken.empty()) throw Error(std::move(broken));
}

const std::vector<const onnxport_mapping*>& PluginEntry::registered(std::string_view entry) {
  static const std::vector<const onnxport_mapping*> none;
  library();
  const auto found = mappings_.find(entry);
  return found == mappings_.end() ? none : found->second;
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
