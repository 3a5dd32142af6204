#include "core/convert/splice.h"

#include <unordered_map>

namespace onnxport {

namespace {

class Splicer {
 public:
  Splicer(onnx::LocalFunctionForm& from, ir::Node& call, ir::Graph& to, onnx::GraphFacts& facts)
      : from_(from), call_(call), to_(to), facts_(facts) {}

  void run() {
    const ir::Block& body = from_.graph->body();
    size_t given = 0;
    for (const ir::Value* parameter : body.parameters()) {
      const auto contents = from_.facts.contents.find(parameter);
      if (contents != from_.facts.contents.end()) {
        ir::Value* made = to_.body().add_parameter(parameter->type());
        to_.input_names.emplace_back();
        facts_.contents[made] = std::move(contents->second);
        values_[parameter] = made;
      } else {
        values_[parameter] = given < call_.operand_count() ? call_.operand(given) : nullptr;
        ++given;
      }
    }
    for (const ir::Value* initializer : from_.graph->initializers()) {
      ir::Value* made = to_.add_initializer("", *initializer->constant());
      made->set_type(initializer->type());
      if (const auto node = from_.facts.constants.find(initializer); node != from_.facts.constants.end()) {
        node->second.set_name(prefixed(node->second.name()));
        facts_.constants[made] = std::move(node->second);
      }
      values_[initializer] = made;
    }
    for (const ir::Node* node : body) to_.insert_before(&call_, copy(*node));
    for (size_t i = 0; i < call_.output_count() && i < body.result_count(); ++i) {
      ir::Value* made = values_.at(body.result(i));
      if (made == nullptr) continue;  // an operand that the call leaves out, returned: nobody can read it
      if (made->producer() != nullptr && made->producer()->parent() == call_.parent() &&
          body.result(i)->producer() != nullptr)
        made->set_name(call_.output(i)->name());
      call_.output(i)->replace_all_uses_with(made);
    }
    to_.erase(&call_);
  }

 private:
  std::string prefixed(std::string_view name) const {
    if (name.empty()) return {};
    return call_.name().empty() ? std::string(name)
                                : std::string(call_.name().text()) + '/' + std::string(name);
  }

  ir::Value* value(const ir::Value* from) const { return from == nullptr ? nullptr : values_.at(from); }

  void fill(const ir::Block& from, ir::Block& to) {
    blocks_[&from] = &to;
    if (const auto rest = from_.facts.blocks.find(&from); rest != from_.facts.blocks.end())
      facts_.blocks[&to] = std::move(rest->second);
    for (const ir::Value* parameter : from.parameters())
      values_[parameter] =
          to.add_parameter(parameter->type(), to_.intern(prefixed(parameter->name().text())));
    for (const ir::Node* node : from) to_.append(to, copy(*node));
    std::vector<ir::Value*> results;
    for (size_t i = 0; i < from.result_count(); ++i) results.push_back(value(from.result(i)));
    to.set_results(results);
  }

  ir::Node* copy(const ir::Node& from) {
    std::vector<ir::Value*> operands;
    for (size_t i = 0; i < from.operand_count(); ++i) operands.push_back(value(from.operand(i)));
    ir::Node* node = to_.create(from.op_text(), operands);
    node->set_name(to_.intern(prefixed(from.name().text())));
    node->set_provenance(call_.provenance());
    for (const ir::Block* block : from.blocks()) fill(*block, *node->add_block());
    for (const ir::Attribute& attribute : from.attributes()) {
      const auto* block = std::get_if<ir::Block*>(&attribute.value);
      node->set_attribute(to_.intern(attribute.name.text()),
                          block != nullptr ? ir::AttributeValue(blocks_.at(*block)) : attribute.value);
    }
    if (const auto rest = from_.facts.nodes.find(&from); rest != from_.facts.nodes.end())
      facts_.nodes[node] = std::move(rest->second);
    for (const ir::Value* output : from.outputs()) {
      ir::Value* made = node->add_output(output->type());
      made->set_name(to_.intern(prefixed(output->name().text())));
      values_[output] = made;
    }
    return node;
  }

  onnx::LocalFunctionForm& from_;
  ir::Node& call_;
  ir::Graph& to_;
  onnx::GraphFacts& facts_;
  std::unordered_map<const ir::Value*, ir::Value*> values_;
  std::unordered_map<const ir::Block*, ir::Block*> blocks_;
};

}  // namespace

void splice(onnx::LocalFunctionForm& body, ir::Node& call, ir::Graph& graph, onnx::GraphFacts& facts) {
  Splicer(body, call, graph, facts).run();
}

}  // namespace onnxport
