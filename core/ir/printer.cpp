#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <unordered_map>
#include <utility>

#include "core/ir/graph.h"
#include "core/ir/literal.h"

namespace onnxport::ir {

namespace {

std::string hex_of(std::span<const std::byte> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "x";
  for (const std::byte b : bytes) {
    out += digits[static_cast<unsigned>(b) >> 4];
    out += digits[static_cast<unsigned>(b) & 15];
  }
  return out;
}

template <typename T>
std::string element_literal(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  if constexpr (std::is_floating_point_v<T>) {
    return std::isnan(value) ? hex_of(bytes) : real_literal(value);  // a NaN has bits worth keeping
  } else {
    return std::to_string(value);
  }
}

// What has no literal of its own (small floats, complex) is bytes in memory order.
std::string element_text(DType dtype, std::span<const std::byte> bytes) {
  switch (dtype) {
    case DType::f32:
      return element_literal<float>(bytes);
    case DType::f64:
      return element_literal<double>(bytes);
    case DType::i8:
      return element_literal<int8_t>(bytes);
    case DType::i16:
      return element_literal<int16_t>(bytes);
    case DType::i32:
      return element_literal<int32_t>(bytes);
    case DType::i64:
      return element_literal<int64_t>(bytes);
    case DType::u8:
    case DType::boolean:
      return element_literal<uint8_t>(bytes);
    case DType::u16:
      return element_literal<uint16_t>(bytes);
    case DType::u32:
      return element_literal<uint32_t>(bytes);
    case DType::u64:
      return element_literal<uint64_t>(bytes);
    default:
      return hex_of(bytes);
  }
}

std::string tensor_elements(const Tensor& tensor, size_t max_elements) {
  if (static_cast<uint64_t>(tensor.count()) > max_elements) return "{...}";
  const size_t size = std::max<size_t>(1, size_of(tensor.dtype()));  // packed elements: byte by byte
  const Tensor dense = tensor.contiguous();
  std::string out = "{";
  for (size_t at = 0; at < dense.bytes().size(); at += size) {
    out += (at == 0 ? "" : ", ") + element_text(dense.dtype(), dense.bytes().subspan(at, size));
  }
  return out + '}';
}

struct AttributeText {
  const Node& node;
  const PrintOptions& options;

  std::string operator()(std::monostate) const { return "none"; }
  std::string operator()(int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const { return real_literal(v); }
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  std::string operator()(const std::string& v) const { return quote(v); }
  std::string operator()(DType v) const { return "dtype " + std::string(short_name(v)); }
  std::string operator()(const std::vector<int64_t>& v) const { return list(v, "[]"); }
  std::string operator()(const std::vector<double>& v) const { return list(v, "reals []"); }
  std::string operator()(const std::vector<bool>& v) const { return list(v, "bools []"); }
  std::string operator()(const std::vector<std::string>& v) const { return list(v, "strings []"); }
  std::string operator()(const Tensor& v) const {
    return v.type().text() + tensor_elements(v, options.max_elements);
  }
  std::string operator()(const std::complex<double>& v) const {
    return "complex [" + real_literal(v.real()) + ", " + real_literal(v.imag()) + ']';
  }
  std::string operator()(Block* v) const {
    for (size_t i = 0; i < node.blocks().size(); ++i) {
      if (node.blocks()[i] == v) return '^' + std::to_string(i);
    }
    return "^?";
  }

  template <typename T>
  std::string list(const std::vector<T>& items, const char* when_empty) const {
    if (items.empty()) return when_empty;
    std::string out = "[";
    for (size_t i = 0; i < items.size(); ++i) out += (i == 0 ? "" : ", ") + (*this)(static_cast<T>(items[i]));
    return out + ']';
  }
};

class Printer {
 public:
  Printer(const Graph& graph, const PrintOptions& options) : graph_(graph), options_(options) {}

  std::string text() {
    out_ += graph_.dialect() == Graph::Dialect::torch ? "torch graph " : "onnx graph ";
    out_ += quote(graph_.graph_name);
    out_ += parameters(graph_.body());
    out_ += " {\n";
    facts();
    schemas(graph_.body());
    for (const Value* v : graph_.initializers()) {
      line(1,
           "initializer " + define(v) + " = " +
               (v->constant() != nullptr ? tensor_elements(*v->constant(), options_.max_elements) : "{...}"));
    }
    block(graph_.body(), 1);
    out_ += "}\n";
    return std::move(out_);
  }

 private:
  void line(int depth, const std::string& text) {
    out_.append(static_cast<size_t>(depth) * 2, ' ');
    out_ += text;
    out_ += '\n';
  }

  void facts() {
    for (const auto& [domain, version] : graph_.opsets)
      line(1, "opset " + quote(domain) + ' ' + std::to_string(version));
    for (const auto& [name, info] : graph_.symbols) {
      std::string text = "symbol " + quote(name) + ' ' + std::to_string(info.min) + " .. ";
      text += info.max ? std::to_string(*info.max) : "*";
      if (info.hint) text += " hint " + std::to_string(*info.hint);
      line(1, text);
    }
    for (const auto& [key, value] : graph_.metadata) line(1, "metadata " + quote(key) + ' ' + quote(value));
    for (const LocalFunction& f : graph_.functions) {
      line(1, "function " + quote(f.domain) + ' ' + quote(f.name) + ' ' +
                  hex_of(std::as_bytes(std::span(f.proto_bytes))));
    }
    names("inputs", graph_.input_names);
    names("outputs", graph_.output_names);
  }

  void names(const char* what, const std::vector<std::string>& names) {
    if (names.empty()) return;
    std::string text = what;
    for (size_t i = 0; i < names.size(); ++i) text += (i == 0 ? " " : ", ") + quote(names[i]);
    line(1, text);
  }

  void schemas(const Block& block) {
    for (const Node* node : block) {
      if (node->schema() != nullptr && seen_schemas_.insert(node->schema()).second) {
        line(1, "schema " + quote(node->schema()->text()));
      }
      for (const Block* inner : node->blocks()) schemas(*inner);
    }
  }

  // "%name", "%name#2" for the second of that name, "%7" for one without a name.
  const std::string& reference(const Value* value) {
    std::string& text = references_[value];
    if (!text.empty()) return text;
    if (value->name().empty()) return text = '%' + std::to_string(next_number_++);
    const std::string_view name = value->name().text();
    text = '%' + (is_plain_word(name) ? std::string(name) : quote(name));
    if (const int copy = ++copies_[value->name().text()]; copy > 1) text += '#' + std::to_string(copy);
    return text;
  }

  std::string define(const Value* value) {
    const std::string type = value->type().text();
    return type == "?" ? reference(value) : reference(value) + ": " + type;
  }

  std::string use(const Value* value) { return value == nullptr ? "_" : reference(value); }

  std::string parameters(const Block& block) {
    std::string out = "(";
    for (size_t i = 0; i < block.parameters().size(); ++i)
      out += (i == 0 ? "" : ", ") + define(block.parameters()[i]);
    return out + ')';
  }

  void block(const Block& block, int depth) {
    for (const Node* node : block) this->node(*node, depth);
    std::string text = "return";
    for (size_t i = 0; i < block.result_count(); ++i) text += (i == 0 ? " " : ", ") + use(block.result(i));
    line(depth, text);
  }

  void node(const Node& node, int depth) {
    std::string text;
    for (size_t i = 0; i < node.output_count(); ++i) text += (i == 0 ? "" : ", ") + define(node.output(i));
    if (node.output_count() > 0) text += " = ";
    text += is_plain_word(node.op_text()) ? std::string(node.op_text()) : quote(node.op_text());
    text += '(';
    for (size_t i = 0; i < node.operand_count(); ++i) text += (i == 0 ? "" : ", ") + use(node.operand(i));
    text += ')' + attributes(node);
    if (!node.name().empty()) text += " name " + quote(node.name().text());
    if (options_.provenance) text += provenance(node);
    if (node.blocks().empty()) return line(depth, text);
    for (const Block* inner : node.blocks()) {
      line(depth, text + " block" + parameters(*inner) + " {");
      block(*inner, depth + 1);
      text = "}";
    }
    line(depth, text);
  }

  std::string attributes(const Node& node) const {
    if (node.attributes().empty()) return {};
    std::string out = " {";
    for (const Attribute& a : node.attributes()) {
      if (out.size() > 2) out += ", ";
      out += is_plain_word(a.name.text()) ? std::string(a.name.text()) : quote(a.name.text());
      out += " = " + std::visit(AttributeText{node, options_}, a.value);
    }
    return out + '}';
  }

  static std::string provenance(const Node& node) {
    const Provenance* p = node.provenance();
    if (p == nullptr) return {};
    std::string out = " @" + quote(p->module_path);
    if (!p->source.empty() || !p->original_name.empty()) out += ' ' + quote(p->source);
    if (!p->original_name.empty()) out += ' ' + quote(p->original_name);
    return out;
  }

  const Graph& graph_;
  const PrintOptions& options_;
  std::string out_;
  std::unordered_map<const Value*, std::string> references_;
  std::unordered_map<std::string_view, int> copies_;
  std::set<const Schema*> seen_schemas_;
  int next_number_ = 0;
};

}  // namespace

std::string print(const Graph& graph, const PrintOptions& options) { return Printer(graph, options).text(); }

}  // namespace onnxport::ir
