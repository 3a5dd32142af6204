// The C++17 side of the onnxport plugin SDK, header-only: no libtorch, no protobuf, nothing to link.
//
//   // acme::scaled_tanh(Tensor x, float scale) -> Tensor
//   Value scaled_tanh(Op& op) { return op.Tanh(op["x"]) * op.real("scale"); }
//
//   ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
//     static const onnxport::Plugin plugin(host, {"com.acme.ops", "1.4.0"}, {{"acme::scaled_tanh",
//     scaled_tanh}}); return plugin.table();
//   }
#pragma once

#include "onnxport/op.hpp"
#include "onnxport/rewrite.hpp"

namespace onnxport {
inline namespace sdk_v1 {

// One mapping: a torch operator ("ns::name" for every overload, "ns::name.overload" for one) and the function
// that emits its ONNX form. The function returns one value, or as many as the operator has results.
struct Mapping {
  using One = Value (*)(Op&);
  using Many = Values (*)(Op&);

  Mapping(std::string name, One function) : torch_op(std::move(name)), one(function) {}
  Mapping(std::string name, Many function) : torch_op(std::move(name)), many(function) {}
  // The elementwise case, torch(self) -> Onnx(self), integers made floats first where torch does so.
  static Mapping elementwise(std::string name, std::string onnx_op, bool makes_float = false) {
    Mapping m(std::move(name), One{nullptr});
    m.onnx_op = std::move(onnx_op);
    m.makes_float = makes_float;
    return m;
  }

  // Only for these target opsets.
  Mapping&& opset(int min, int max) && {
    min_opset = min;
    max_opset = max;
    return std::move(*this);
  }
  // Understands complex values (real, last axis of 2).
  Mapping&& complex() && {
    flags |= ONNXPORT_TAKES_COMPLEX;
    return std::move(*this);
  }
  // For calls with a complex argument, and for those alone: stands beside a mapping of the same operator that
  // is for real ones.
  Mapping&& only_complex() && {
    flags |= ONNXPORT_TAKES_COMPLEX | ONNXPORT_ONLY_COMPLEX;
    return std::move(*this);
  }
  // Does to the real and to the imaginary parts of complex tensors what it does to real ones (a view, a
  // choice, a sum): it is run once for each and sees them as real tensors. Real floats among its arguments
  // have an imaginary part of 0, as what fills a padding has; so none of them may be a factor.
  Mapping&& by_parts() && {
    flags |= ONNXPORT_TAKES_COMPLEX;
    runs_by_parts = true;
    return std::move(*this);
  }
  // The single result is a list (Tensor[]), whose elements are the values returned.
  Mapping&& list() && {
    returns_list = true;
    return std::move(*this);
  }

  std::string torch_op;
  One one = nullptr;
  Many many = nullptr;
  std::string onnx_op;
  bool makes_float = false;
  uint32_t flags = 0;  // ONNXPORT_TAKES_COMPLEX, …
  bool runs_by_parts = false;
  bool returns_list = false;
  int min_opset = 0;
  int max_opset = 0;
};

using Mappings = std::vector<Mapping>;

// One rewrite of nodes of an operator; returns what replaces the outputs.
struct Rule {
  using One = Value (*)(Node&);
  using Many = Values (*)(Node&);

  Rule(std::string op, One function) : op_type(std::move(op)), one(function) {}
  Rule(std::string op, Many function) : op_type(std::move(op)), many(function) {}
  Rule&& in_domain(std::string name) && {
    domain = std::move(name);
    return std::move(*this);
  }

  std::string op_type;
  std::string domain;
  One one = nullptr;
  Many many = nullptr;
};

using Rules = std::vector<Rule>;

// The legality table and rules of one opset of ai.onnx.
struct Opset {
  int version = 0;
  int ir_version = 0;
  const onnxport_op_def* ops = nullptr;
  uint32_t op_count = 0;
  Rules down;  // version -> version - 1
  Rules up;    // version - 1 -> version
};

// A named set of rewrites at a stage: "translate" (on the pivot) or "legalize" (on the target opset).
struct Pass {
  std::string name;
  std::string stage;
  Rules rules;
};

struct Identity {
  std::string id;       // reverse-DNS, equal to the manifest's
  std::string version;  // semver, equal to the manifest's
  uint16_t min_abi_minor = 0;
};

// What onnxport_plugin_query returns. Make one, static, from the explicit tables of the plugin.
class Plugin {
 public:
  Plugin(const onnxport_host* host, Identity identity, Mappings mappings, std::vector<Opset> opsets = {},
         std::vector<Pass> passes = {});
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  const onnxport_plugin* table() const { return &table_; }

 private:
  const onnxport_rule* add_rules(const Rules& rules);

  Identity identity_;
  Mappings mappings_;
  std::vector<Opset> opsets_;
  std::vector<Pass> passes_;
  std::vector<onnxport_mapping> abi_mappings_;
  std::vector<std::vector<onnxport_rule>> abi_rules_;
  std::vector<onnxport_pass> abi_passes_;
  onnxport_mapping_api mapping_api_{};
  onnxport_opset_api opset_api_{};
  onnxport_pass_api pass_api_{};
  onnxport_plugin table_{};
};

namespace detail {

// One plugin library has one host: its interfaces and the tables that get_interface hands out.
struct Library {
  HostApi api;
  const onnxport_mapping_api* mapping = nullptr;
  const onnxport_opset_api* opset = nullptr;
  const onnxport_pass_api* pass = nullptr;
};
inline Library& library() {
  static Library instance;  // written once, inside the query's static initialisation
  return instance;
}

// Runs `body`, turning every exception into a status and words for the user.
template <typename Body>
int32_t guarded(onnxport_context* context, Body body) noexcept {
  const onnxport_diag_api* diag = library().api.diag;
  try {
    return body();
  } catch (const Declined& e) {
    diag->decline(context, to_abi(e.what()));
    return ONNXPORT_DECLINED;
  } catch (const Failed& e) {
    if (*e.what() != '\0') diag->fail(context, to_abi(e.what()));
    return ONNXPORT_FAILED;
  } catch (const std::exception& e) {
    try {
      diag->fail(context, to_abi(std::string("exception: ") + e.what()));
    } catch (...) {  // out of memory while saying so
    }
    return ONNXPORT_FAILED;
  } catch (...) {
    diag->fail(context, to_abi("an exception that is not a std::exception"));
    return ONNXPORT_FAILED;
  }
}

inline int32_t translate(onnxport_context* context, const void* user) noexcept {
  return guarded(context, [&] {
    const HostApi& api = library().api;
    const Mapping& m = *static_cast<const Mapping*>(user);
    Op op(api, context);
    const auto run = [&]() -> Values {
      if (m.many != nullptr) return m.many(op);
      if (m.one != nullptr) return {m.one(op)};
      return {op.node(m.onnx_op, {m.makes_float ? op.promoted_to_float("self") : op["self"]})};
    };
    const Values results = m.runs_by_parts ? op.by_parts(run) : run();
    const std::vector<onnxport_value> out = handles(results);
    const auto count = static_cast<uint32_t>(out.size());
    return m.returns_list ? api.op->set_list_result(context, 0, out.data(), count)
                          : api.op->set_results(context, out.data(), count);
  });
}

inline int32_t rewrite(onnxport_context* context, const void* user) noexcept {
  return guarded(context, [&] {
    const HostApi& api = library().api;
    const Rule& r = *static_cast<const Rule*>(user);
    Node node(api, context);
    const Values results = r.many != nullptr ? r.many(node) : Values{r.one(node)};
    const std::vector<onnxport_value> out = handles(results);
    return api.rewrite->replace(context, out.data(), static_cast<uint32_t>(out.size()));
  });
}

inline const void* get_interface(onnxport_str id) {
  const std::string_view name = from_abi(id);
  if (name == "onnxport.mapping/1") return library().mapping;
  if (name == "onnxport.opset/1") return library().opset;
  if (name == "onnxport.pass/1") return library().pass;
  return nullptr;
}

template <typename Api>
const Api* fetch(const onnxport_host* host, std::string_view id) {
  return static_cast<const Api*>(host->get_interface(host, to_abi(id)));
}

}  // namespace detail

inline Plugin::Plugin(const onnxport_host* host, Identity identity, Mappings mappings,
                      std::vector<Opset> opsets, std::vector<Pass> passes)
    : identity_(std::move(identity)),
      mappings_(std::move(mappings)),
      opsets_(std::move(opsets)),
      passes_(std::move(passes)) {
  detail::Library& lib = detail::library();
  lib.api.op = detail::fetch<onnxport_op_api>(host, "onnxport.op/1");
  lib.api.graph = detail::fetch<onnxport_graph_api>(host, "onnxport.graph/1");
  lib.api.emit = detail::fetch<onnxport_emit_api>(host, "onnxport.emit/1");
  lib.api.diag = detail::fetch<onnxport_diag_api>(host, "onnxport.diag/1");
  lib.api.rewrite = detail::fetch<onnxport_rewrite_api>(host, "onnxport.rewrite/1");
  lib.api.onnx_body = detail::fetch<onnxport_onnx_body_api>(host, "onnxport.onnx_body/1");

  for (const Mapping& m : mappings_) {
    abi_mappings_.push_back(
        {to_abi(m.torch_op), m.min_opset, m.max_opset, m.flags, 0u, detail::translate, &m});
  }
  mapping_api_ = {sizeof(onnxport_mapping_api), static_cast<uint32_t>(abi_mappings_.size()),
                  abi_mappings_.data(), sizeof(onnxport_mapping)};
  if (!abi_mappings_.empty()) lib.mapping = &mapping_api_;

  abi_rules_.reserve(2 * opsets_.size() + passes_.size());  // the tables point into it
  if (!opsets_.empty()) {
    const Opset& o = opsets_.front();
    opset_api_ = {sizeof(onnxport_opset_api),
                  o.version,
                  o.ir_version,
                  o.op_count,
                  o.ops,
                  sizeof(onnxport_op_def),
                  add_rules(o.down),
                  add_rules(o.up),
                  static_cast<uint32_t>(o.down.size()),
                  static_cast<uint32_t>(o.up.size()),
                  sizeof(onnxport_rule)};
    lib.opset = &opset_api_;
  }
  for (const Pass& p : passes_) {
    abi_passes_.push_back(
        {to_abi(p.name), to_abi(p.stage), add_rules(p.rules), static_cast<uint32_t>(p.rules.size()), 0u});
  }
  pass_api_ = {sizeof(onnxport_pass_api), static_cast<uint32_t>(abi_passes_.size()), abi_passes_.data(),
               sizeof(onnxport_pass), sizeof(onnxport_rule)};
  if (!abi_passes_.empty()) lib.pass = &pass_api_;

  table_ = {sizeof(onnxport_plugin), ONNXPORT_ABI_MAJOR,        identity_.min_abi_minor,
            to_abi(identity_.id),    to_abi(identity_.version), detail::get_interface};
}

inline const onnxport_rule* Plugin::add_rules(const Rules& rules) {
  std::vector<onnxport_rule> abi;
  for (const Rule& r : rules) abi.push_back({to_abi(r.domain), to_abi(r.op_type), detail::rewrite, &r});
  abi_rules_.push_back(std::move(abi));
  return abi_rules_.back().data();
}

}  // namespace sdk_v1
}  // namespace onnxport

extern "C" ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host);
