#include <algorithm>
#include <set>

#include "core/capture/torchscript/signature.h"
#include "core/ir/schema.h"

namespace onnxport {
namespace {

class OutputFlattener {
 public:
  OutputFlattener(ir::Graph& graph, std::vector<Diagnostic>& notes) : graph_(graph), notes_(notes) {}

  // `declared`: what the function's signature says of it.
  void flatten(ir::Value* value, const std::string& name, const ir::Type& declared) {
    if (value->type().kind() == ir::Type::Kind::optional && declared.is_tensor()) value = not_none(value);
    switch (value->type().kind()) {
      case ir::Type::Kind::none:
        notes_.push_back({Severity::note,
                          "T545",
                          "the result '" + (name.empty() ? "output" : name) + "' is None and left out",
                          {},
                          ""});
        return;
      case ir::Type::Kind::tuple:
        return flatten_tuple(value, name, declared);
      case ir::Type::Kind::list:
        return flatten_list(value, name);
      case ir::Type::Kind::dict:
        return flatten_dict(value, name);
      case ir::Type::Kind::string:
        notes_.push_back(
            {Severity::note, "T545", "the result '" + name + "' is a string and left out", {}, ""});
        return;
      default:
        add(value, name);
    }
  }

 private:
  // TorchScript has made sure that it is a tensor; what it was before may have been None.
  ir::Value* not_none(ir::Value* value) {
    ir::Node* none = graph_.create("prim::Constant", {});
    none->set_attribute(graph_.intern("value"), ir::AttributeValue{});
    graph_.append(graph_.body(), none);
    const ir::Schema* schema = graph_.keep(
        ir::parse_schema("aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor"));
    ir::Value* operands[] = {value, none->add_output(ir::Type::none())};
    ir::Node* copy = graph_.create("aten::clone", operands, schema);
    graph_.append(graph_.body(), copy);
    return copy->add_output(ir::Type::tensor());
  }

  void add(ir::Value* value, const std::string& name) {
    std::string unique = name.empty() ? "output" : name;
    for (size_t i = 1; !names_.insert(unique).second; ++i)
      unique = (name.empty() ? "output" : name) + '_' + std::to_string(i);
    graph_.body().add_result(value);
    graph_.output_names.push_back(unique);
  }

  static std::string element_name(const std::string& name, size_t index) {
    return name.empty() ? "output_" + std::to_string(index) : name + '.' + std::to_string(index);
  }

  void flatten_tuple(ir::Value* value, const std::string& name, const ir::Type& declared) {
    const ir::Type type = value->type();
    std::vector<ir::Value*> items;
    ir::Node* producer = value->producer();
    if (producer != nullptr && producer->op() == "prim::TupleConstruct") {
      for (size_t i = 0; i < producer->operand_count(); ++i) items.push_back(producer->operand(i));
    } else {
      ir::Node* unpack = graph_.create("prim::TupleUnpack", std::span<ir::Value* const>(&value, 1));
      for (const ir::Type& element : type.elements()) items.push_back(unpack->add_output(element));
      graph_.append(graph_.body(), unpack);
    }
    for (size_t i = 0; i < items.size(); ++i) {
      const bool named = i < type.names().size();
      const std::string field =
          named ? (name.empty() ? type.names()[i] : name + '.' + type.names()[i]) : element_name(name, i);
      flatten(items[i], field, i < declared.elements().size() ? declared.elements()[i] : ir::Type());
    }
  }

  // The elements of a list or dict as they are at the end, when the body alone fills it; nullopt when they
  // are not known.
  std::optional<std::vector<ir::Value*>> contents(ir::Value* value) const {
    const ir::Node* producer = value->producer();
    const bool is_dict = value->type().kind() == ir::Type::Kind::dict;
    if (producer == nullptr || producer->op() != (is_dict ? "prim::DictConstruct" : "prim::ListConstruct"))
      return std::nullopt;
    std::vector<ir::Value*> out;
    for (size_t i = 0; i < producer->operand_count(); ++i) out.push_back(producer->operand(i));
    std::set<const ir::Node*> users;
    for (const ir::Operand* use = value->first_use(); use != nullptr; use = use->next())
      users.insert(use->user());
    if (users.empty()) return out;
    for (const ir::Node* node : graph_.body()) {
      if (users.erase(node) == 0) continue;
      const std::string_view op = node->op_text();
      if (op.starts_with("aten::append") && node->operand(0) == value) {
        out.push_back(node->operand(1));
      } else if (op.starts_with("aten::_set_item") && is_dict && node->operand(0) == value) {
        set_item(out, node->operand(1), node->operand(2));
      } else if (node->schema() == nullptr || node->schema()->is_mutating()) {
        return std::nullopt;
      }
    }
    return users.empty() ? std::optional(std::move(out)) : std::nullopt;
  }

  static std::optional<std::string> key_text(const ir::Value* key) {
    const ir::Node* node = key->producer();
    if (node == nullptr || node->op() != "prim::Constant") return std::nullopt;
    if (const auto* text = node->attribute_as<std::string>("value")) return *text;
    if (const auto* number = node->attribute_as<int64_t>("value")) return std::to_string(*number);
    return std::nullopt;
  }

  static void set_item(std::vector<ir::Value*>& items, ir::Value* key, ir::Value* value) {
    const auto text = key_text(key);
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      if (text && key_text(items[i]) == text) {
        items[i + 1] = value;
        return;
      }
    }
    items.push_back(key);
    items.push_back(value);
  }

  void flatten_list(ir::Value* value, const std::string& name) {
    const auto items = contents(value);
    if (!items) return add(value, name);
    for (size_t i = 0; i < items->size(); ++i)
      flatten((*items)[i], element_name(name, i), value->type().elements().at(0));
  }

  void flatten_dict(ir::Value* value, const std::string& name) {
    const auto items = contents(value);
    bool known = items.has_value();
    for (size_t i = 0; known && i + 1 < items->size(); i += 2) known = key_text((*items)[i]).has_value();
    if (!known) return add_whole(value, name);
    for (size_t i = 0; i + 1 < items->size(); i += 2) {
      const std::string key = *key_text((*items)[i]);
      flatten((*items)[i + 1], name.empty() ? key : name + '.' + key, value->type().elements().at(1));
    }
  }

  // A dict that loops fill: its keys are known when those are unrolled. No name: its keys are the names.
  void add_whole(ir::Value* value, const std::string& name) {
    graph_.body().add_result(value);
    graph_.output_names.push_back(name);
  }

  ir::Graph& graph_;
  std::vector<Diagnostic>& notes_;
  std::set<std::string> names_;
};

}  // namespace

void flatten_outputs(ir::Graph& graph, ir::Value* result, const ir::Type& declared,
                     std::vector<Diagnostic>& notes) {
  OutputFlattener(graph, notes).flatten(result, "", declared);
}

}  // namespace onnxport
