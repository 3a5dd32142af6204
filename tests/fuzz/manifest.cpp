// Any bytes as a plugin's manifest; what is read as one is used: its mappings are called, its patterns made ready.
#include <cstddef>
#include <cstdint>

#include "core/host/host.h"
#include "core/ir/pivot.h"
#include "core/passes/pass_rule.h"
#include "core/plugin/manifest.h"
#include "fuzz/refusals.h"
#include "fuzz/sample_graph.h"
#include "fuzz/yaml_mutator.h"

namespace onnxport::fuzz {
namespace {

// A call of one mapping with arguments of the kinds that its schema asks for.
class CallOf {
 public:
  explicit CallOf(const ManifestMapping& mapping)
      : mapping_(mapping), graph_(ir::Graph::Dialect::onnx), torch_(ir::Graph::Dialect::torch) {
    graph_.opsets[""] = kPivotOpset;
    const ir::Shape shape{ir::Dim::symbol("n"), ir::Dim(4)};
    x_ = graph_.add_input("x", ir::Type::tensor(ir::DType::f32, shape));
  }

  void run() {
    if (!mapping_.schema) return;
    const ir::Schema& schema = *mapping_.schema;
    std::vector<Argument> arguments;
    for (const ir::SchemaArgument& a : schema.arguments) arguments.push_back(argument(a));
    ir::Node* node = torch_.create("acme::op");
    for (const ir::SchemaArgument& r : schema.returns) {
      const bool list = r.type.find('[') != std::string::npos;
      torch_.body().add_result(
          node->add_output(list ? ir::Type::list(ir::Type::tensor()) : ir::Type::tensor()));
    }
    torch_.append(torch_.body(), node);
    const std::string name = schema.qualified_name();
    Call call;
    call.schema = &schema;
    call.name = name;
    call.arguments = arguments;
    call.outputs = node->outputs();
    call.target_opset = 20;
    Candidate candidate;
    candidate.plugin_id = "com.acme.fuzz";
    candidate.plugin_version = "1.0.0";
    candidate.manifest = &mapping_;
    GraphBuilder builder(graph_, kPivotOpset);
    const Outcome out = run_mapping(candidate, call, builder, one_plugin());
    if (out.status == Outcome::Status::failed) check_refusal(out.cause, "");
    if (out.status != Outcome::Status::done && graph_.body().first() != nullptr)
      stop("a mapping that is not done leaves nodes behind");
    check_graph(graph_);
  }

 private:
  Argument argument(const ir::SchemaArgument& a) const {
    const bool list = a.is_list();
    const auto one = [&](Argument item) { return list ? Argument::list_of({item, item}) : item; };
    if (a.type.starts_with("Tensor")) return one(Argument::of(x_));
    if (a.is_optional()) return {};
    if (a.type.starts_with("float")) return one({0.5});
    if (a.type.starts_with("bool")) return one({true});
    if (a.type.starts_with("str")) return one({std::string("word")});
    if (a.type.starts_with("ScalarType")) return {ir::DType::f16};
    return one({int64_t{1}});
  }

  const ManifestMapping& mapping_;
  ir::Graph graph_;
  ir::Graph torch_;
  ir::Value* x_ = nullptr;
};

void use(const Manifest& manifest) {
  for (const ManifestMapping& mapping : manifest.mappings) CallOf(mapping).run();
  for (const ManifestPass& pass : manifest.passes) {
    for (const ManifestRule& rule : pass.rules) {
      try {
        if (make_pattern_rule(rule, kPivotOpset)->root_op().empty()) stop("a rule without a root");
      } catch (const Error& e) {
        check_refusal(e, "M");
      }
    }
  }
}

}  // namespace
}  // namespace onnxport::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace onnxport;
  try {
    const Manifest manifest =
        parse_manifest({reinterpret_cast<const char*>(data), size}, "/plugins/fuzz.onnxport.yaml");
    fuzz::use(manifest);
  } catch (const Error& e) {
    fuzz::check_refusal(e, "M");
  }
  return 0;
}
