// Plugins of other builds in today's host, and today's wrapper in the oldest one.
#include <dlfcn.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>

#include "core/host/host.h"
#include "core/host/plugin_inference.h"
#include "core/ir/pivot.h"
#include "core/torch_interface/torch_interface.h"
#include "unit/plugin/files.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;
using Status = Outcome::Status;
using test::TemporaryFolder;
using testing::HasSubstr;

const fs::path kPlugins = fs::path(ONNXPORT_BUILD_DIR) / "tests" / "abi";

// One graph with an input x, and the calls of a torch operator in it.
class Bench {
 public:
  Bench() : graph(ir::Graph::Dialect::onnx), builder(graph, kPivotOpset), torch_(ir::Graph::Dialect::torch) {
    graph.opsets[""] = kPivotOpset;
    x = graph.add_input("x", ir::Type::tensor(ir::DType::f32, ir::Shape{ir::Dim::symbol("batch"), 4}));
    call_ = torch_.create("acme::op");
    call_->add_output(ir::Type::tensor());
    torch_.append(torch_.body(), call_);
    torch_.body().add_result(call_->output());
  }
  Outcome run(const Candidate& candidate, Registry& registry, const std::string& op) {
    const ir::Schema schema = ir::parse_schema(op + "(Tensor x, float scale=2) -> Tensor");
    const std::vector<Argument> arguments = {Argument::of(x), Argument{0.5}};
    Call call;
    call.schema = &schema;
    call.name = op;
    call.arguments = arguments;
    call.outputs = call_->outputs();
    call.target_opset = 20;
    return run_mapping(candidate, call, builder, registry);
  }

  ir::Graph graph;
  GraphBuilder builder;
  ir::Value* x = nullptr;

 private:
  ir::Graph torch_;
  ir::Node* call_ = nullptr;
};

// ---- plugins built from frozen headers ----

class FrozenPlugin : public testing::TestWithParam<std::string> {
 protected:
  FrozenPlugin() {
    const std::string library = "frozen_" + GetParam() + ".so";
    fs::copy_file(kPlugins / library, folder_.path() / library);
    PluginOptions options;
    options.files = {
        folder_.write("frozen.onnxport.yaml",
                      "onnxport_manifest: 1\nplugin: {id: com.test.frozen, version: \"1.0.0\"}\nlibrary: {" +
                          std::string(current_platform()) + ": " + library +
                          "}\nprovides:\n  ops: [acme::scaled, acme::declines]\n  passes: [{name: "
                          "fuse-linear, stage: optimize}]\n  "
                          "domains: [{name: com.acme, "
                          "version: 3}]\n  opsets: [{domain: com.acme, version: 3}]\n")};
    options.default_paths = options.builtin = false;
    registry_ = std::make_unique<Registry>(options, plugin_host());
  }

  TemporaryFolder folder_;
  std::unique_ptr<Registry> registry_;
  Bench bench_;
};

TEST_P(FrozenPlugin, Maps) {
  const Outcome out = bench_.run(registry_->candidates("acme::scaled", 20)[0], *registry_, "acme::scaled");
  ASSERT_EQ(out.status, Status::done) << out.cause.message;
  EXPECT_EQ(out.results.at(0).value()->type().text(), "f32[2*batch+1,4]");
  EXPECT_EQ(*out.results.at(0).value()->producer()->attribute_as<double>("scale"), 0.5);
  EXPECT_EQ(bench_.graph.opsets["com.acme"], 3);
  const Outcome declined =
      bench_.run(registry_->candidates("acme::declines", 20)[0], *registry_, "acme::declines");
  EXPECT_EQ(declined.status, Status::declined);
  EXPECT_EQ(declined.cause.message, "not in C");
}

TEST_P(FrozenPlugin, RewritesAndInfers) {
  const PluginInference inference(*registry_);
  bench_.builder.set_operator_inference(&inference);
  ir::Value* w = bench_.graph.add_input("w", ir::Type::tensor(ir::DType::f32, ir::Shape{4, 3}));
  ir::Value* b = bench_.graph.add_input("b", ir::Type::tensor(ir::DType::f32, ir::Shape{3}));
  ir::Value* y = bench_.builder.emit1("Add", {bench_.builder.emit1("MatMul", {bench_.x, w}), b});
  bench_.graph.body().add_result(y);
  const auto passes = registry_->passes();
  ASSERT_EQ(passes.size(), 1u);
  const OpenedPass opened = registry_->open_pass(passes[0]);
  ASSERT_EQ(opened.rules.size(), 1u);
  const RuleCall call{&opened.rules[0], passes[0].plugin_id, passes[0].plugin_version, 20, registry_.get()};
  const Outcome out = run_rule(call, *y->producer(), bench_.builder);
  ASSERT_EQ(out.status, Status::done) << out.cause.message;
  EXPECT_EQ(out.replacements.at(0).values.at(0)->type().text(), "f32[batch,3]");
}

TEST_P(FrozenPlugin, BringsAnOpset) {
  const OpsetPlugin* opset = registry_->opset("com.acme", 3);
  ASSERT_NE(opset, nullptr);
  ASSERT_EQ(opset->opset->ops.size(), 2u);
  EXPECT_STREQ(opset->opset->ops[1].attrs[0].name, "scale");
  EXPECT_EQ(registry_->opset("com.acme", 2), nullptr);
}

std::vector<std::string> releases() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(fs::path(ONNXPORT_SOURCE_DIR) / "tests" / "abi" / "frozen"))
    out.push_back(entry.path().filename().string());
  return out;
}
INSTANTIATE_TEST_SUITE_P(Releases, FrozenPlugin, testing::ValuesIn(releases()),
                         [](const auto& release) { return "v" + std::to_string(release.index); });

// ---- many plugins, compiled by g++ -shared -fPIC, of two versions of the SDK ----

const char* const kOperators[] = {"Sigmoid", "Cos",  "Relu", "Neg",  "Abs",  "Exp",  "Floor",
                                  "Ceil",    "Sin",  "Tanh", "Sqrt", "Erf",  "Sign", "Log",
                                  "Tan",     "Sinh", "Cosh", "Atan", "Asin", "Acos"};

// A registry for each plugin, in all of which all plugins are.
std::vector<std::unique_ptr<Registry>> crowd(const TemporaryFolder& folder, int count) {
  PluginOptions options;
  options.default_paths = options.builtin = false;
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(i), id = "com.crowd.p" + number;
    fs::copy_file(kPlugins / ("crowd_" + number + ".so"), folder.path() / ("crowd_" + number + ".so"));
    options.files.push_back(folder.write(
        "p" + number + ".onnxport.yaml",
        "onnxport_manifest: 1\nplugin: {id: " + id + ", version: \"1.0.0\"}\nlibrary: {" +
            std::string(current_platform()) + ": crowd_" + number + ".so}\nprovides: {ops: [acme::op]}\n"));
    options.options[id] = {{"number", number}};
  }
  std::vector<std::unique_ptr<Registry>> out;
  for (int i = 0; i < count; ++i) {
    options.prefer = {"com.crowd.p" + std::to_string(i)};  // first, then the others
    for (int k = 0; k < count; ++k) {
      if (k != i) options.prefer.push_back("com.crowd.p" + std::to_string(k));
    }
    out.push_back(std::make_unique<Registry>(options, plugin_host()));
  }
  return out;
}

void each_keeps_its_own(int count) {  // D01
  const TemporaryFolder folder;
  const auto registries = crowd(folder, count);
  std::vector<std::thread> threads;
  std::vector<std::string> wrong(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 5; ++round) {
        for (int k = 0; k < count; ++k) {
          const int i = (k * 7 + t) % count;
          Bench bench;
          Registry registry = registries[static_cast<size_t>(i)]->for_export();
          const Candidate candidate = registry.candidates("acme::op", 20)[0];
          const Outcome out = bench.run(candidate, registry, "acme::op");
          const std::string made = out.status == Status::done
                                       ? std::string(out.results.at(0).value()->producer()->op_text())
                                       : out.cause.message;
          if (candidate.plugin_id != "com.crowd.p" + std::to_string(i) ||
              made != kOperators[static_cast<size_t>(i)])
            wrong[static_cast<size_t>(t)] += std::to_string(i) + " gave " + made + "; ";
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& words : wrong) EXPECT_EQ(words, "");
}

TEST(Crowd, TwoPluginsOfTwoSdksShareNothing) { each_keeps_its_own(2); }
TEST(Crowd, TwentyPluginsShareNothing) { each_keeps_its_own(20); }

// ---- libonnxport and libonnxport_torch ----

TEST(TorchLibrary, OfAnotherBuildIsRefusedBeforeTheFirstCall) {  // L213
  for (const auto& [library, words] :
       {std::pair<const char*, const char*>{"other_torch.so", "it is of onnxport 0.0.7"},
        {"c99.so", "it does not say of which build it is"}}) {
    ::setenv("ONNXPORT_TORCH_LIBRARY", (kPlugins / library).c_str(), 1);
    const std::string text = test::error_of([] { torch_interface(); });
    EXPECT_THAT(text, HasSubstr("L213")) << library;
    EXPECT_THAT(text, HasSubstr(words));
  }
  EXPECT_FALSE(torch_interface_loaded());
  ::unsetenv("ONNXPORT_TORCH_LIBRARY");
}

// ---- today's wrapper in the oldest host ----

// The tables cut to what 1.0 had, each alone in its own memory.
struct OldHost {
  explicit OldHost(std::string without = "") : missing(std::move(without)) {
    table = {ONNXPORT_HOST_1_0_SIZE, 1, 0, {"1.0.0", 5}, get};
    current = this;
  }
  ~OldHost() {
    for (void* p : copies) std::free(p);
  }
  OldHost(const OldHost&) = delete;

  static const void* get(const onnxport_host*, onnxport_str id) {
    static const std::pair<std::string_view, uint32_t> sizes[] = {
        {"onnxport.op/1", ONNXPORT_OP_API_1_0_SIZE},
        {"onnxport.graph/1", ONNXPORT_GRAPH_API_1_0_SIZE},
        {"onnxport.dim/1", ONNXPORT_DIM_API_1_0_SIZE},
        {"onnxport.emit/1", ONNXPORT_EMIT_API_1_0_SIZE},
        {"onnxport.diag/1", ONNXPORT_DIAG_API_1_0_SIZE},
        {"onnxport.options/1", ONNXPORT_OPTIONS_API_1_0_SIZE},
        {"onnxport.rewrite/1", ONNXPORT_REWRITE_API_1_0_SIZE},
        {"onnxport.match/1", ONNXPORT_MATCH_API_1_0_SIZE},
        {"onnxport.onnx_body/1", ONNXPORT_ONNX_BODY_API_1_0_SIZE},
        {"onnxport.infer_result/1", ONNXPORT_INFER_RESULT_API_1_0_SIZE}};
    const std::string_view name(id.data, id.size);
    if (name == current->missing) return nullptr;
    for (const auto& [known, size] : sizes) {
      if (known != name) continue;
      const void* whole = plugin_host()->get_interface(plugin_host(), id);
      void* copy = std::malloc(size);
      std::memcpy(copy, whole, size);
      std::memcpy(copy, &size, sizeof size);
      current->copies.push_back(copy);
      return copy;
    }
    return nullptr;
  }

  std::string missing;
  std::vector<void*> copies;
  onnxport_host table{};
  inline static OldHost* current = nullptr;
};

const onnxport_plugin* query(const TemporaryFolder& folder, const OldHost& host) {
  const fs::path file =
      folder.path() / "crowd_0.so";  // a copy: a library of its own, asked for the first time
  fs::copy_file(kPlugins / "crowd_0.so", file);
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  const auto function = reinterpret_cast<onnxport_plugin_query_fn>(dlsym(library, ONNXPORT_QUERY_SYMBOL));
  return function(&host.table);
}

TEST(OldestHost, TodaysWrapperRunsInIt) {
  const TemporaryFolder folder, empty;
  const OldHost host;
  const onnxport_plugin* plugin = query(folder, host);
  ASSERT_NE(plugin, nullptr);
  EXPECT_EQ(plugin->min_abi_minor, 0);
  const LibraryTables tables = read_tables(*plugin);
  ASSERT_EQ(tables.mappings.size(), 1u);
  Candidate candidate;
  candidate.plugin_id = "com.crowd.p0";
  candidate.mapping = &tables.mappings[0];
  const auto registries = crowd(empty, 1);
  Bench bench;
  const Outcome out = bench.run(candidate, *registries[0], "acme::op");
  ASSERT_EQ(out.status, Status::done) << out.cause.message;
  EXPECT_EQ(out.results.at(0).value()->producer()->op_text(), "Sigmoid");
}

TEST(OldestHost, AHostThatLacksAnInterfaceIsRefused) {
  const TemporaryFolder folder;
  const OldHost host("onnxport.match/1");
  EXPECT_EQ(query(folder, host), nullptr);
}

}  // namespace
}  // namespace onnxport
