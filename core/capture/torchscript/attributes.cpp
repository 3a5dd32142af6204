// Attributes that the code sets: what one is from there on, and that a branch or a loop hands it out as a result.
#include <ATen/core/ivalue_inl.h>

#include <array>
#include <set>

#include "core/capture/torchscript/importer.h"
#include "core/libtorch/convert.h"

namespace onnxport {

void Importer::import_set_attribute(torch::jit::Node& node) {
  const Binding owner = find(node.input(0));
  const Binding value = find(node.input(1));
  const std::string& name = node.s(c10::attr::name);
  if (!owner.object.isObject())
    throw unsupported(node, "T541",
                      "the attribute '" + name + "' is set on an object that is only known at run time",
                      "return the value instead");
  const Attribute key{owner.object.toObject().get(), name};
  attributes_.try_emplace(key, owner);
  written_[key] = value;
  note_write(key);
}

// That the module's attribute has another value from here on; of one set in a region it is noted behind the region.
void Importer::note_write(const Attribute& key) {
  const Binding& owner = attributes_.at(key);
  const Binding& value = written_.at(key);
  const bool is_state = !owner.path.empty() || owner.object.type()->expectRef<c10::ClassType>().is_module();
  if (!is_state || value.value == nullptr || region_depth_ > 0) return;
  ir::Node* made = graph_.create("prim::SetAttr", std::array{value.value});
  made->set_attribute(graph_.intern("name"), join(owner.path, key.second));
  made->set_provenance(provenance_);
  graph_.append(*block_, made);
}

// What an attribute is where nothing more was written to it.
Binding Importer::attribute_now(const Attribute& key, const std::map<Attribute, Binding>& written) {
  const auto found = written.find(key);
  if (found != written.end()) return found->second;
  const Binding& owner = attributes_.at(key);
  return bind_attribute(owner.object.toObject()->getAttr(key.second), join(owner.path, key.second));
}

// The attributes that `after` has and `before` has not, or has otherwise: of objects that are older than the region, whose
// own are created_[first] and what follows.
std::vector<Importer::Attribute> Importer::changed(const std::map<Attribute, Binding>& before,
                                                   const std::map<Attribute, Binding>& after,
                                                   size_t first) const {
  std::set<const void*> inner;
  for (size_t i = first; i < created_.size(); ++i) inner.insert(created_[i].toObject().get());
  const auto same = [](const Binding& a, const Binding& b) {
    return a.value == b.value && a.function == b.function && a.object.is(b.object);
  };
  std::vector<Attribute> out;
  for (const auto& [key, binding] : after) {
    const auto was = before.find(key);
    if (!inner.contains(key.first) && (was == before.end() || !same(was->second, binding)))
      out.push_back(key);
  }
  return out;
}

ir::Type Importer::type_of_attribute(const Attribute& key) const {
  const auto object = attributes_.at(key).object.toObject();
  return from_torch(*object->type()->getAttribute(key.second));
}

// The attributes that a region sets, as the results that follow the node's own.
void Importer::hand_out(ir::Node& made, std::span<const Attribute> keys) {
  for (const Attribute& key : keys) {
    written_[key] = Binding::of(made.add_output(type_of_attribute(key)));
    note_write(key);
  }
}

}  // namespace onnxport
