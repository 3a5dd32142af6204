#include "core/verify/other_types.h"

#include <functional>
#include <vector>

#include "core/verify/inputs.h"

namespace onnxport {
namespace {

void each_value(ir::Graph& graph, const std::function<void(ir::Value*)>& visit) {
  for (ir::Value* v : graph.initializers()) visit(v);
  for (ir::Value* v : graph.body().parameters()) visit(v);
  ir::for_each_node(graph.body(), [&](ir::Node* node) {
    for (ir::Value* v : node->outputs()) visit(v);
    for (ir::Block* block : node->blocks()) {
      for (ir::Value* v : block->parameters()) visit(v);
    }
  });
}

bool names_a_type(const ir::Attribute& attribute) {
  const std::string_view name = attribute.name.text();
  return name == "to" || name == "dtype" || name == "output_dtype";
}

}  // namespace

bool has_type(const ir::Graph& graph, ir::DType dtype) {
  bool out = false;
  each_value(const_cast<ir::Graph&>(graph), [&](ir::Value* v) { out = out || v->type().dtype() == dtype; });
  return out;
}

void change_type(ir::Graph& graph, ir::DType from, ir::DType to) {
  each_value(graph, [&](ir::Value* v) {
    if (v->is_constant() && v->constant()->dtype() == from) v->set_constant(as_dtype(*v->constant(), to));
    if (v->type().is_tensor() && v->type().dtype() == from)
      v->set_type(v->type().shape() ? ir::Type::tensor(to, *v->type().shape()) : ir::Type::tensor(to));
  });
  ir::for_each_node(graph.body(), [&](ir::Node* node) {
    std::vector<ir::Attribute> changed;
    for (const ir::Attribute& a : node->attributes()) {
      if (const auto* tensor = std::get_if<ir::Tensor>(&a.value);
          tensor != nullptr && tensor->dtype() == from) {
        changed.push_back({a.name, as_dtype(*tensor, to)});
      } else if (const auto* named = std::get_if<ir::DType>(&a.value); named != nullptr && *named == from) {
        changed.push_back({a.name, to});
      } else if (const auto* number = std::get_if<int64_t>(&a.value);
                 number != nullptr && names_a_type(a) && *number == static_cast<int64_t>(from)) {
        changed.push_back({a.name, static_cast<int64_t>(to)});
      }
    }
    for (ir::Attribute& a : changed) node->set_attribute(a.name, std::move(a.value));
  });
}

}  // namespace onnxport
