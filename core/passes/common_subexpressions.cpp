#include <algorithm>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "core/passes/passes.h"
#include "core/passes/rewriting.h"

namespace onnxport {

namespace {

void mix(size_t& seed, size_t value) { seed ^= value + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2); }

struct AttributeHash {
  size_t operator()(std::monostate) const { return 0; }
  size_t operator()(const ir::Tensor& t) const {
    const ir::Tensor dense = t.contiguous();
    const auto bytes = dense.bytes().first(std::min<size_t>(dense.bytes().size(), 64));
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  size_t operator()(const std::complex<double>& v) const { return std::hash<double>()(v.real()); }
  template <typename T>
  size_t operator()(const std::vector<T>& list) const {
    size_t seed = list.size();
    for (const auto& x : list) mix(seed, std::hash<T>()(x));
    return seed;
  }
  template <typename T>
  size_t operator()(const T& v) const {
    return std::hash<T>()(v);
  }
};

bool equal(const ir::AttributeValue& a, const ir::AttributeValue& b) {
  if (a.index() != b.index()) return false;
  if (const auto* x = std::get_if<ir::Tensor>(&a)) {
    const auto& y = std::get<ir::Tensor>(b);
    return x->dtype() == y.dtype() && x->dims() == y.dims() &&
           (x->same_storage(y) || std::ranges::equal(x->contiguous().bytes(), y.contiguous().bytes()));
  }
  return std::visit(
      [&](const auto& x) {
        using T = std::decay_t<decltype(x)>;
        if constexpr (std::is_same_v<T, ir::Tensor>) {
          return false;
        } else {
          return x == std::get<T>(b);
        }
      },
      a);
}

struct Hash {
  size_t operator()(const ir::Node* node) const {
    size_t seed = std::hash<const void*>()(node->op_text().data());
    for (size_t i = 0; i < node->operand_count(); ++i) mix(seed, std::hash<const void*>()(node->operand(i)));
    for (const ir::Attribute& a : node->attributes()) mix(seed, std::visit(AttributeHash(), a.value));
    return seed;
  }
};

struct Same {
  bool operator()(const ir::Node* a, const ir::Node* b) const {
    if (!(a->op() == b->op()) || a->operand_count() != b->operand_count() ||
        a->output_count() != b->output_count() || a->attributes().size() != b->attributes().size()) {
      return false;
    }
    for (size_t i = 0; i < a->operand_count(); ++i) {
      if (a->operand(i) != b->operand(i)) return false;
    }
    return std::all_of(a->attributes().begin(), a->attributes().end(), [&](const ir::Attribute& x) {
      const ir::AttributeValue* y = b->attribute(x.name.text());
      return y != nullptr && equal(x.value, *y);
    });
  }
};

using Seen = std::unordered_set<ir::Node*, Hash, Same>;

// What an enclosing block has computed before may be used inside; what a block computes may not be used outside.
void merge_in(ir::Graph& graph, ir::Block& block, std::vector<Seen*>& scopes) {
  Seen own;
  scopes.push_back(&own);
  for (ir::Node* node = block.first(); node != nullptr;) {
    ir::Node* next = node->next();
    for (ir::Block* inner : node->blocks()) merge_in(graph, *inner, scopes);
    if (node->blocks().empty() && is_deterministic(*node)) {
      ir::Node* earlier = nullptr;
      for (Seen* scope : scopes) {
        const auto found = scope->find(node);
        if (found != scope->end()) earlier = *found;
      }
      bool replaceable = earlier != nullptr;
      for (size_t i = 0; replaceable && i < node->output_count(); ++i) {
        replaceable = can_replace(node->output(i), earlier->output(i));
      }
      if (replaceable) {
        for (size_t i = 0; i < node->output_count(); ++i)
          node->output(i)->replace_all_uses_with(earlier->output(i));
        graph.erase(node);
      } else if (earlier == nullptr) {
        own.insert(node);
      }
    }
    node = next;
  }
  scopes.pop_back();
}

// Enough for axes, shapes and numbers; whether two weights are one is for those to say who read them.
constexpr size_t kLargestMerged = 256;

void merge_small_constants(ir::Graph& graph) {
  std::unordered_map<std::string, ir::Value*> seen;
  for (ir::Value* value : graph.initializers()) {
    const ir::Tensor& tensor = *value->constant();
    if (!value->has_uses() || !value->name().text().empty() || tensor.byte_size() > kLargestMerged) continue;
    std::string key = tensor.type().text() + ' ';
    const ir::Tensor dense = tensor.contiguous();
    key.append(reinterpret_cast<const char*>(dense.bytes().data()), dense.bytes().size());
    const auto [first, is_new] = seen.try_emplace(std::move(key), value);
    if (!is_new) replace(value, first->second);
  }
}

}  // namespace

void merge_common_subexpressions(ir::Graph& graph) {
  merge_small_constants(graph);
  std::vector<Seen*> scopes;
  merge_in(graph, graph.body(), scopes);
}

}  // namespace onnxport
