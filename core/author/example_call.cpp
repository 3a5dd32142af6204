#include "core/author/example_call.h"

#include <charconv>

#include "onnxport/errors.h"

namespace onnxport {
namespace {

class ExampleCall {
 public:
  // Either is given.
  ExampleCall(const ir::Schema& schema, const ExampleTensors* tensors, const WrittenArguments* written)
      : schema_(schema), written_(written), graph_(new ir::Graph(ir::Graph::Dialect::torch)) {
    if (tensors != nullptr) type_ = ir::Type::parse(tensors->type).value();
  }

  std::unique_ptr<ir::Graph> make(std::string& why) {
    std::vector<ir::Value*> operands;
    for (const ir::SchemaArgument& a : schema_.arguments) {
      ir::Value* value = written_ != nullptr ? given(a) : argument(a);
      if (value == nullptr) {
        why = "there is no example of the argument '" + a.name + "' (" + a.type + ")";
        return nullptr;
      }
      operands.push_back(value);
    }
    ir::Node* node = graph_->create(schema_.qualified_name(), operands, graph_->keep(schema_));
    graph_->append(graph_->body(), node);
    std::vector<ir::Value*> results;
    for (const ir::SchemaArgument& r : schema_.returns) {
      const bool list = r.type.find('[') != std::string::npos;
      ir::Value* value = node->add_output(list ? ir::Type::list(ir::Type::tensor()) : ir::Type::tensor());
      if (!list) results.push_back(value);
    }
    graph_->body().set_results(results);
    for (size_t i = 0; i < results.size(); ++i) graph_->output_names.push_back("y" + std::to_string(i));
    return std::move(graph_);
  }

 private:
  ir::Value* constant(ir::AttributeValue value, ir::Type type) {
    ir::Node* node = graph_->create("prim::Constant");
    node->set_attribute(graph_->intern("value"), std::move(value));
    graph_->append(graph_->body(), node);
    return node->add_output(std::move(type));
  }

  ir::Value* list(std::vector<ir::Value*> items, ir::Type element) {
    ir::Node* node = graph_->create("prim::ListConstruct", items);
    graph_->append(graph_->body(), node);
    return node->add_output(ir::Type::list(std::move(element)));
  }

  ir::Value* tensor(const std::string& name) { return tensor(name, type_); }
  ir::Value* tensor(const std::string& name, const ir::Type& type) {
    graph_->input_names.push_back(name);
    return graph_->add_input(name, type);
  }

  ir::Value* integer(int64_t number) { return constant(number, ir::Type::integer()); }

  template <typename T>
  ir::Value* numbers(const std::vector<T>& items) {
    std::vector<ir::Value*> values;
    for (const auto& item : items) values.push_back(number(T(item)));
    return list(std::move(values), values.empty() ? ir::Type::integer() : values.front()->type());
  }
  ir::Value* number(int64_t n) { return integer(n); }
  ir::Value* number(double n) { return constant(n, ir::Type::real()); }
  ir::Value* number(bool b) { return constant(b, ir::Type::boolean()); }

  ir::Value* by_default(const ir::DefaultValue& value, const std::string& type) {
    if (const auto* n = std::get_if<int64_t>(&value))
      return type.starts_with("float") ? number(static_cast<double>(*n)) : number(*n);
    if (const auto* n = std::get_if<double>(&value)) return number(*n);
    if (const auto* n = std::get_if<bool>(&value)) return number(*n);
    if (const auto* s = std::get_if<std::string>(&value)) return constant(*s, ir::Type::string());
    if (const auto* l = std::get_if<std::vector<int64_t>>(&value)) return numbers(*l);
    if (const auto* l = std::get_if<std::vector<double>>(&value)) return numbers(*l);
    if (const auto* l = std::get_if<std::vector<bool>>(&value)) return numbers(*l);
    return constant(std::monostate{}, ir::Type::none());
  }

  // Of an argument that has to be given.
  ir::Value* argument(const ir::SchemaArgument& a) {
    if (a.default_value) return by_default(*a.default_value, a.type);
    if (a.type == "Tensor") return tensor(a.name);
    if (a.is_optional()) return constant(std::monostate{}, ir::Type::none());
    const std::string kind = a.type.substr(0, a.type.find_first_of("[?"));
    const bool is_list = a.is_list();
    if (kind == "Tensor")  // a list of tensors, or of tensors that may be absent
      return list({tensor(a.name + "_0"), tensor(a.name + "_1")}, ir::Type::tensor());
    if (kind == "int" || kind == "SymInt" || kind == "Scalar")
      return is_list ? list({integer(1), integer(1)}, ir::Type::integer()) : integer(1);
    if (kind == "float") return is_list ? list({number(0.5), number(0.5)}, ir::Type::real()) : number(0.5);
    if (kind == "bool")
      return is_list ? list({number(true), number(true)}, ir::Type::boolean()) : number(false);
    if (kind == "str" && !is_list) return constant(std::string(), ir::Type::string());
    if (kind == "ScalarType") return constant(ir::DType::f32, ir::Type::dtype_kind());
    return nullptr;
  }

  // ---- as it is written ----

  ir::Value* given(const ir::SchemaArgument& a) {
    const auto found = written_->find(a.name);
    if (found != written_->end()) return as_written(a, found->second, a.name);
    if (a.default_value) return by_default(*a.default_value, a.type);
    throw Error("T552", "the call gives no argument '" + a.name + "' (" + a.type + "), which has no default",
                {}, "write it: " + a.name + "=…");
  }

  ir::Value* as_written(const ir::SchemaArgument& a, const std::string& text, const std::string& name) {
    if (text == "None") return constant(std::monostate{}, ir::Type::none());
    if (text.front() == '[') {
      std::vector<ir::Value*> items;
      for (const std::string& item : split_written(std::string_view(text).substr(1, text.size() - 2)))
        items.push_back(as_written(a, item, name + "_" + std::to_string(items.size())));
      const ir::Type element = items.empty() ? ir::Type::tensor() : items.front()->type();
      return list(std::move(items), element.is_tensor() ? ir::Type::tensor() : element);
    }
    if (text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.back() == text.front())
      return constant(text.substr(1, text.size() - 2), ir::Type::string());
    if (text == "true" || text == "True") return number(true);
    if (text == "false" || text == "False") return number(false);
    int64_t whole = 0;
    double real = 0;
    const char* const end = text.data() + text.size();
    if (const auto read = std::from_chars(text.data(), end, whole); read.ec == std::errc() && read.ptr == end)
      return a.type.starts_with("float") ? number(static_cast<double>(whole)) : number(whole);
    if (const auto read = std::from_chars(text.data(), end, real); read.ec == std::errc() && read.ptr == end)
      return number(real);
    if (const auto type = ir::Type::parse(text); type && type->is_tensor() && text.back() == ']')
      return tensor(name, *type);
    if (const auto dtype = ir::parse_dtype(text)) return constant(*dtype, ir::Type::dtype_kind());
    throw Error("T552", "'" + text + "' is no " + a.type + ", which the argument '" + a.name + "' is", {},
                "a tensor is written f32[n,4], a text 'fast', a list [1, 2], an element type f16");
  }

  const ir::Schema& schema_;
  const WrittenArguments* written_;
  ir::Type type_;
  std::unique_ptr<ir::Graph> graph_;
};

}  // namespace

const std::vector<ExampleTensors>& example_tensors() {
  static const std::vector<ExampleTensors> all = {{"f32[n,3]"}, {"f32[n,3,4]"}, {"f32[n,3,8,8]"}, {"f32[n]"},
                                                  {"i64[n,3]"}, {"bool[n,3]"},  {"f32[]"}};
  return all;
}

std::unique_ptr<ir::Graph> example_call(const ir::Schema& schema, const ExampleTensors& tensors,
                                        std::string& why) {
  return ExampleCall(schema, &tensors, nullptr).make(why);
}

std::unique_ptr<ir::Graph> written_call(const ir::Schema& schema, const WrittenArguments& arguments) {
  std::string why;
  auto graph = ExampleCall(schema, nullptr, &arguments).make(why);
  if (graph == nullptr) throw Error("T552", why, {}, "give it");
  return graph;
}

}  // namespace onnxport
