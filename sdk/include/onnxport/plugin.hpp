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

#include <deque>

#include "onnxport/op.hpp"
#include "onnxport/rewrite.hpp"

namespace onnxport {
inline namespace sdk_v1 ONNXPORT_SDK_HIDDEN {

// The results of an operator that returns lists beside tensors, (Tensor, Tensor[]): each a value or a list.
struct Result {
  Result(Value value_) : value(value_) {}
  Result(Values list_) : list(std::move(list_)), is_list(true) {}
  Value value;
  Values list;
  bool is_list = false;
};
using Results = std::vector<Result>;

// One mapping: a torch operator ("ns::name" for every overload, "ns::name.overload" for one) and the function
// that emits its ONNX form. The function returns one value, or as many as the operator has results.
struct Mapping {
  using One = Value (*)(Op&);
  using Many = Values (*)(Op&);
  using Mixed = Results (*)(Op&);

  Mapping(std::string name, One function) : torch_op(std::move(name)), one(function) {}
  Mapping(std::string name, Many function) : torch_op(std::move(name)), many(function) {}
  Mapping(std::string name, Mixed function) : torch_op(std::move(name)), mixed(function) {}
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
  Mixed mixed = nullptr;
  std::string onnx_op;
  bool makes_float = false;
  uint32_t flags = 0;  // ONNXPORT_TAKES_COMPLEX, …
  bool runs_by_parts = false;
  bool returns_list = false;
  int min_opset = 0;
  int max_opset = 0;
};

using Mappings = std::vector<Mapping>;

// One rewrite of nodes of an operator; returns what replaces the outputs. A function that returns nothing replaces
// nodes through Node::replace().
struct Rule {
  using One = Value (*)(Node&);
  using Many = Values (*)(Node&);
  using Free = void (*)(Node&);

  Rule(std::string op, One function) : op_type(std::move(op)), one(function) {}
  Rule(std::string op, Many function) : op_type(std::move(op)), many(function) {}
  Rule(std::string op, Free function) : op_type(std::move(op)), free(function) {}
  Rule&& in_domain(std::string name) && {
    domain = std::move(name);
    return std::move(*this);
  }

  std::string op_type;
  std::string domain;
  One one = nullptr;
  Many many = nullptr;
  Free free = nullptr;
};

using Rules = std::vector<Rule>;

// The legality table and rules of one opset of a domain. A table in C or C++ is an array of onnxport_op_def.
struct Opset {
  std::string domain;  // "" is ai.onnx
  int version = 0;
  int ir_version = 0;  // of ai.onnx
  const onnxport_op_def* ops = nullptr;
  uint32_t op_count = 0;
  Rules down;  // version -> version - 1
  Rules up;    // version - 1 -> version
};

// The types of what an operator gives that ONNX does not know.
struct Inference {
  using Function = void (*)(Inferred&);

  std::string domain;  // "" is ai.onnx
  std::string op_type;
  Function function = nullptr;
};
using Inferences = std::vector<Inference>;

// A named set of rewrites at a stage: "translate" (on the pivot), "optimize" (on the pivot, after folding) or "target"
// (on the target opset).
struct Pass {
  std::string name;
  std::string stage;
  Rules rules;
};

struct Identity {
  std::string id;                                      // reverse-DNS, equal to the manifest's
  std::string version;                                 // semver, equal to the manifest's
  uint16_t min_abi_minor = ONNXPORT_TARGET_ABI_MINOR;  // the lowest host minor that suffices
};

// All that a plugin brings.
struct Contents {
  Mappings mappings;
  std::vector<Opset> opsets;
  std::vector<Pass> passes;
  Inferences inferences;
};

// What onnxport_plugin_query returns. Make one, static, from the explicit tables of the plugin.
class Plugin {
 public:
  Plugin(const onnxport_host* host, Identity identity, Contents contents);
  Plugin(const onnxport_host* host, Identity identity, Mappings mappings, std::vector<Opset> opsets = {},
         std::vector<Pass> passes = {})
      : Plugin(host, std::move(identity),
               Contents{std::move(mappings), std::move(opsets), std::move(passes), {}}) {}
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  // Null in a host that lacks what this header was written for: the host says so.
  const onnxport_plugin* table() const { return usable_ ? &table_ : nullptr; }

 private:
  static const void* get_interface(const onnxport_plugin* self, onnxport_str id);
  bool fetch(const onnxport_host* host);
  void fill_mappings();
  void fill_opsets();
  void fill_passes();
  void fill_inferences();
  const onnxport_rule* add_rules(const Rules& rules);

  // What `user` of a row of the tables points to: the function, and the host that it is called in.
  template <typename Row>
  struct Bound {
    const HostApi* api;
    const Row* row;
  };
  template <typename Body>
  static int32_t guarded(const HostApi& api, onnxport_context* context, Body body) noexcept;
  static int32_t translate(onnxport_context* context, const void* user) noexcept;
  static int32_t rewrite(onnxport_context* context, const void* user) noexcept;
  static int32_t infer(onnxport_context* context, const void* user) noexcept;
  static int32_t set_results(const HostApi& api, onnxport_context* context, const Results& results);

  Identity identity_;
  Contents contents_;
  HostApi api_;
  bool usable_ = false;
  std::deque<Bound<Mapping>> bound_mappings_;
  std::deque<Bound<Rule>> bound_rules_;
  std::deque<Bound<Inference>> bound_inferences_;
  std::vector<onnxport_mapping> abi_mappings_;
  std::deque<std::vector<onnxport_rule>> abi_rules_;
  std::vector<onnxport_opset> abi_opsets_;
  std::vector<onnxport_pass> abi_passes_;
  std::vector<onnxport_inference> abi_inferences_;
  onnxport_mapping_api mapping_api_{};
  onnxport_opset_api opset_api_{};
  onnxport_pass_api pass_api_{};
  onnxport_infer_api infer_api_{};
  onnxport_plugin table_{};
};

// Runs `body`, turning every exception into a status and words for the user.
template <typename Body>
int32_t Plugin::guarded(const HostApi& api, onnxport_context* context, Body body) noexcept {
  const auto say = [&](auto function, std::string_view text, std::string_view hint, std::string_view code) {
    const onnxport_message message{sizeof(onnxport_message), 0, to_abi(code), to_abi(text), to_abi(hint)};
    function(context, &message);
  };
  try {
    return body();
  } catch (const Declined& e) {
    say(api.diag->decline, e.what(), e.hint(), e.code());
    return ONNXPORT_DECLINED;
  } catch (const Failed& e) {
    if (*e.what() != '\0') say(api.diag->fail, e.what(), e.hint(), e.code());
    return ONNXPORT_FAILED;
  } catch (const std::exception& e) {
    try {
      say(api.diag->fail, std::string("exception: ") + e.what(), {}, {});
    } catch (...) {  // out of memory while saying so
    }
    return ONNXPORT_FAILED;
  } catch (...) {
    say(api.diag->fail, "an exception that is not a std::exception", {}, {});
    return ONNXPORT_FAILED;
  }
}

inline int32_t Plugin::set_results(const HostApi& api, onnxport_context* context, const Results& results) {
  std::vector<onnxport_value> values;
  for (size_t i = 0; i < results.size(); ++i) {
    values.push_back(results[i].is_list ? 0 : results[i].value.handle());
    if (!results[i].is_list) continue;
    const std::vector<onnxport_value> list = detail::handles(results[i].list);
    const int32_t status = api.op->set_list_result(context, static_cast<uint32_t>(i), list.data(),
                                                   static_cast<uint32_t>(list.size()));
    if (status != ONNXPORT_OK) return status;
  }
  return api.op->set_results(context, values.data(), static_cast<uint32_t>(values.size()));
}

inline int32_t Plugin::translate(onnxport_context* context, const void* user) noexcept {
  const auto& bound = *static_cast<const Bound<Mapping>*>(user);
  const HostApi& api = *bound.api;
  return guarded(api, context, [&] {
    const Mapping& m = *bound.row;
    Op op(api, context);
    if (m.mixed != nullptr) return set_results(api, context, m.mixed(op));
    const auto run = [&]() -> Values {
      if (m.many != nullptr) return m.many(op);
      if (m.one != nullptr) return {m.one(op)};
      return {op.node(m.onnx_op, {m.makes_float ? op.promoted_to_float("self") : op["self"]})};
    };
    const Values results = m.runs_by_parts ? op.by_parts(run) : run();
    const std::vector<onnxport_value> out = detail::handles(results);
    const auto count = static_cast<uint32_t>(out.size());
    return m.returns_list ? api.op->set_list_result(context, 0, out.data(), count)
                          : api.op->set_results(context, out.data(), count);
  });
}

inline int32_t Plugin::rewrite(onnxport_context* context, const void* user) noexcept {
  const auto& bound = *static_cast<const Bound<Rule>*>(user);
  const HostApi& api = *bound.api;
  return guarded(api, context, [&]() -> int32_t {
    const Rule& r = *bound.row;
    Node node(api, context);
    if (r.free != nullptr) {
      r.free(node);
      return ONNXPORT_OK;
    }
    node.replace(node, r.many != nullptr ? r.many(node) : Values{r.one(node)});
    return ONNXPORT_OK;
  });
}

inline int32_t Plugin::infer(onnxport_context* context, const void* user) noexcept {
  const auto& bound = *static_cast<const Bound<Inference>*>(user);
  return guarded(*bound.api, context, [&]() -> int32_t {
    Inferred node(*bound.api, context);
    bound.row->function(node);
    return ONNXPORT_OK;
  });
}

inline const void* Plugin::get_interface(const onnxport_plugin* self, onnxport_str id) {
  const auto& plugin = *static_cast<const Plugin*>(self->user);
  const std::string_view name = from_abi(id);
  if (name == "onnxport.mapping/1" && !plugin.abi_mappings_.empty()) return &plugin.mapping_api_;
  if (name == "onnxport.opset/1" && !plugin.abi_opsets_.empty()) return &plugin.opset_api_;
  if (name == "onnxport.pass/1" && !plugin.abi_passes_.empty()) return &plugin.pass_api_;
  if (name == "onnxport.infer/1" && !plugin.abi_inferences_.empty()) return &plugin.infer_api_;
  return nullptr;
}

// False where the host lacks an interface of 1.0, or has a shorter one.
inline bool Plugin::fetch(const onnxport_host* host) {
  if (host == nullptr || host->struct_size < ONNXPORT_HOST_1_0_SIZE || host->abi_major != ONNXPORT_ABI_MAJOR)
    return false;
  bool all = true;
  const auto get = [&](auto& table, std::string_view id, uint32_t least) {
    const void* found = host->get_interface(host, to_abi(id));
    all = all && found != nullptr && *static_cast<const uint32_t*>(found) >= least;
    table = static_cast<std::remove_reference_t<decltype(table)>>(found);
  };
  get(api_.op, "onnxport.op/1", ONNXPORT_OP_API_1_0_SIZE);
  get(api_.graph, "onnxport.graph/1", ONNXPORT_GRAPH_API_1_0_SIZE);
  get(api_.dim, "onnxport.dim/1", ONNXPORT_DIM_API_1_0_SIZE);
  get(api_.emit, "onnxport.emit/1", ONNXPORT_EMIT_API_1_0_SIZE);
  get(api_.diag, "onnxport.diag/1", ONNXPORT_DIAG_API_1_0_SIZE);
  get(api_.options, "onnxport.options/1", ONNXPORT_OPTIONS_API_1_0_SIZE);
  get(api_.rewrite, "onnxport.rewrite/1", ONNXPORT_REWRITE_API_1_0_SIZE);
  get(api_.match, "onnxport.match/1", ONNXPORT_MATCH_API_1_0_SIZE);
  get(api_.onnx_body, "onnxport.onnx_body/1", ONNXPORT_ONNX_BODY_API_1_0_SIZE);
  get(api_.infer_result, "onnxport.infer_result/1", ONNXPORT_INFER_RESULT_API_1_0_SIZE);
  const bool whole = all;
  get(api_.weight, "onnxport.weight/1", ONNXPORT_WEIGHT_API_1_0_SIZE);
  if (!all) api_.weight = nullptr;  // a host may lack it: who needs it says so
  return whole;
}

inline Plugin::Plugin(const onnxport_host* host, Identity identity, Contents contents)
    : identity_(std::move(identity)), contents_(std::move(contents)), usable_(fetch(host)) {
  fill_mappings();
  fill_opsets();
  fill_passes();
  fill_inferences();
  table_ = {sizeof(onnxport_plugin),
            ONNXPORT_ABI_MAJOR,
            identity_.min_abi_minor,
            to_abi(identity_.id),
            to_abi(identity_.version),
            get_interface,
            this};
}

inline void Plugin::fill_mappings() {
  for (const Mapping& m : contents_.mappings) {
    bound_mappings_.push_back({&api_, &m});
    abi_mappings_.push_back(
        {to_abi(m.torch_op), m.min_opset, m.max_opset, m.flags, 0u, translate, &bound_mappings_.back()});
  }
  mapping_api_ = {sizeof(onnxport_mapping_api), static_cast<uint32_t>(abi_mappings_.size()),
                  abi_mappings_.data(), sizeof(onnxport_mapping)};
}

inline void Plugin::fill_opsets() {
  for (const Opset& o : contents_.opsets) {
    abi_opsets_.push_back({to_abi(o.domain), o.version, o.ir_version, o.ops, add_rules(o.down),
                           add_rules(o.up), o.op_count, static_cast<uint32_t>(o.down.size()),
                           static_cast<uint32_t>(o.up.size()), 0u});
  }
  opset_api_ = {sizeof(onnxport_opset_api), static_cast<uint32_t>(abi_opsets_.size()),
                abi_opsets_.data(),         sizeof(onnxport_opset),
                sizeof(onnxport_op_def),    sizeof(onnxport_param),
                sizeof(onnxport_attr_def),  sizeof(onnxport_rule)};
}

inline void Plugin::fill_passes() {
  for (const Pass& p : contents_.passes) {
    abi_passes_.push_back(
        {to_abi(p.name), to_abi(p.stage), add_rules(p.rules), static_cast<uint32_t>(p.rules.size()), 0u});
  }
  pass_api_ = {sizeof(onnxport_pass_api), static_cast<uint32_t>(abi_passes_.size()), abi_passes_.data(),
               sizeof(onnxport_pass), sizeof(onnxport_rule)};
}

inline void Plugin::fill_inferences() {
  for (const Inference& i : contents_.inferences) {
    bound_inferences_.push_back({&api_, &i});
    abi_inferences_.push_back({to_abi(i.domain), to_abi(i.op_type), infer, &bound_inferences_.back()});
  }
  infer_api_ = {sizeof(onnxport_infer_api), static_cast<uint32_t>(abi_inferences_.size()),
                abi_inferences_.data(), sizeof(onnxport_inference)};
}

inline const onnxport_rule* Plugin::add_rules(const Rules& rules) {
  std::vector<onnxport_rule> abi;
  for (const Rule& r : rules) {
    bound_rules_.push_back({&api_, &r});
    abi.push_back({to_abi(r.domain), to_abi(r.op_type), rewrite, &bound_rules_.back()});
  }
  abi_rules_.push_back(std::move(abi));
  return abi_rules_.back().data();
}

}  // namespace ONNXPORT_SDK_HIDDEN
}  // namespace onnxport

extern "C" ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host);
