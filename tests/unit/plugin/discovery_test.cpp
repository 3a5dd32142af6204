// The order of the tiers, what is refused, and what the user reads when nothing is found.
#include "core/plugin/discovery.h"
#include "core/host/host.h"

#include <gmock/gmock.h>

#include <map>
#include <span>
#include <thread>
#include <vector>

#include "core/plugin/registry.h"
#include "unit/plugin/files.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;

std::string manifest(const std::string& id, const std::string& version = "1.0.0",
                     const std::string& more = "") {
  return "onnxport_manifest: 1\nplugin: {id: " + id + ", version: \"" + version + "\"}\n" + more +
         "provides: {mappings: [{torch: acme::swish, function: \"(x) => (y) { y = Relu(x) }\"}]}\n";
}

class DiscoveryTest : public testing::Test {
 protected:
  Environment environment() const {
    Environment out;
    out.variable = [this](const char* name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    };
    out.elevated = elevated_;
    out.builtin = folder_.path() / "builtin";
    return out;
  }
  std::vector<std::string> tiers(const PluginOptions& options = {}) const {
    std::vector<std::string> out;
    for (const FoundManifest& m : discover(options, environment()).manifests)
      out.push_back(m.tier + ":" + m.file.filename().string());
    return out;
  }

  TemporaryFolder folder_;
  std::map<std::string, std::string> variables_{{"XDG_CONFIG_DIRS", "/nonexistent"}};
  bool elevated_ = false;
};

TEST_F(DiscoveryTest, SearchesTheTiersInOrderAndFoldersByName) {
  const fs::path file = folder_.write("one/x.onnxport.yaml", "");
  folder_.write("two/b.onnxport.yaml", "");
  folder_.write("two/a.onnxport.yaml", "");
  folder_.write("two/libhelper.so", "");
  folder_.write("two/.onnxport.yaml", "");
  folder_.write("env/e.onnxport.yaml", "");
  folder_.write("xdg/onnxport/plugins.d/u.onnxport.yaml", "");
  folder_.write("sys/onnxport/plugins.d/s.onnxport.yaml", "");
  folder_.write("builtin/z.onnxport.yaml", "");
  variables_ = {{"ONNXPORT_PLUGIN_PATH", (folder_.path() / "env").string() + ":relative"},
                {"XDG_CONFIG_HOME", (folder_.path() / "xdg").string()},
                {"XDG_CONFIG_DIRS", (folder_.path() / "sys").string()}};
  PluginOptions options;
  options.files = {file};
  options.paths = {folder_.path() / "two"};
  EXPECT_THAT(tiers(options),
              ElementsAre("explicit:x.onnxport.yaml", "path:a.onnxport.yaml", "path:b.onnxport.yaml",
                          "environment:e.onnxport.yaml", "user:u.onnxport.yaml", "system:s.onnxport.yaml",
                          "built-in:z.onnxport.yaml"));
  options.default_paths = false;
  options.builtin = false;
  EXPECT_THAT(tiers(options),
              ElementsAre("explicit:x.onnxport.yaml", "path:a.onnxport.yaml", "path:b.onnxport.yaml"));
}

TEST_F(DiscoveryTest, RaisedPrivilegesIgnoreTheUsersEnvironment) {
  folder_.write("env/e.onnxport.yaml", "");
  folder_.write("home/.config/onnxport/plugins.d/u.onnxport.yaml", "");
  folder_.write("builtin/z.onnxport.yaml", "");
  variables_["ONNXPORT_PLUGIN_PATH"] = (folder_.path() / "env").string();
  variables_["HOME"] = (folder_.path() / "home").string();
  EXPECT_THAT(tiers(),
              ElementsAre("environment:e.onnxport.yaml", "user:u.onnxport.yaml", "built-in:z.onnxport.yaml"));
  elevated_ = true;
  EXPECT_THAT(tiers(), ElementsAre("built-in:z.onnxport.yaml"));
}

TEST_F(DiscoveryTest, L208NothingFoundNamesEveryFolder) {
  variables_["HOME"] = "/nonexistent/home";
  variables_["ONNXPORT_PLUGIN_PATH"] = "plugins";
  const std::string text = error_of([&] { Registry(PluginOptions{}, plugin_host(), environment()); });
  EXPECT_EQ(text.substr(0, 83),
            "error L208: no plugin was found, and without plugins nothing can be exported; searc");
  EXPECT_THAT(text,
              HasSubstr("\n    plugins (environment): refused: ONNXPORT_PLUGIN_PATH takes absolute paths"));
  EXPECT_THAT(text, HasSubstr("\n    /nonexistent/home/.config/onnxport/plugins.d (user): absent"));
  EXPECT_THAT(text, HasSubstr("\n    " + (folder_.path() / "builtin").string() + " (built-in): absent\n"));
  EXPECT_THAT(text, HasSubstr("\n  -> the built-in plugins belong beside libonnxport, in onnxport/plugins.d: "
                              "reinstall onnxport, or "
                              "name their folder in ONNXPORT_BUILTIN_PLUGINS"));
}

TEST_F(DiscoveryTest, FirstOfAnIdWinsAndListShowsTheRest) {
  folder_.write("env/a.onnxport.yaml", manifest("com.acme.ops", "2.0.0"));
  folder_.write("builtin/a.onnxport.yaml", manifest("com.acme.ops"));
  folder_.write("builtin/b.onnxport.yaml", manifest("com.acme.off"));
  folder_.write("builtin/c.onnxport.yaml", "nonsense");
  variables_["ONNXPORT_PLUGIN_PATH"] = (folder_.path() / "env").string();
  PluginOptions options;
  options.disable = {"com.acme.off"};
  const Registry registry(options, plugin_host(), environment());
  std::vector<std::string> seen;
  for (const PluginInfo& p : registry.list().plugins) seen.push_back(p.id + " " + p.version + " " + p.state);
  EXPECT_THAT(seen, ElementsAre("com.acme.ops 2.0.0 active", "com.acme.ops 1.0.0 shadowed",
                                "com.acme.off 1.0.0 disabled", "c.onnxport.yaml  broken"));
  ASSERT_EQ(registry.notes().size(), 1u);
  EXPECT_EQ(registry.notes()[0].severity, Severity::warning);
  options.files = {folder_.path() / "builtin" / "c.onnxport.yaml"};
  EXPECT_THAT(error_of([&] { Registry(options, plugin_host(), environment()); }),
              HasSubstr("c.onnxport.yaml:1:1: error M105"));
}

TEST_F(DiscoveryTest, C403Requirements) {
  folder_.write(
      "builtin/a.onnxport.yaml",
      manifest("com.acme.a", "1.0.0", "requires: {plugins: [{id: com.acme.base, version: \">=2\"}]}\n"));
  Registry alone(PluginOptions{}, plugin_host(), environment());
  EXPECT_THAT(
      error_of([&] { alone.candidates("acme::swish", 20); }),
      HasSubstr(
          "error C403: plugin com.acme.a requires the plugin com.acme.base >=2, which is not installed"));
  folder_.write("builtin/b.onnxport.yaml",
                "onnxport_manifest: 1\nplugin: {id: com.acme.base, version: \"1.9.0\"}\nprovides: {schemas: "
                "[\"acme::f(Tensor x) -> Tensor\"]}\n");
  Registry old(PluginOptions{}, plugin_host(), environment());
  EXPECT_THAT(error_of([&] { old.candidates("acme::swish", 20); }),
              HasSubstr("requires the plugin com.acme.base >=2, found is 1.9.0"));
  folder_.write("builtin/a.onnxport.yaml",
                manifest("com.acme.a", "1.0.0", "requires: {onnxport: \">=99\"}\n"));
  Registry host(PluginOptions{}, plugin_host(), environment());
  EXPECT_THAT(error_of([&] { host.candidates("acme::swish", 20); }),
              HasSubstr("requires onnxport >=99, this is "));
}

TEST_F(DiscoveryTest, ExportsShareWhatWasFoundAndCountTheirOwn) {
  folder_.write("builtin/a.onnxport.yaml", manifest("com.acme.a"));
  const Registry session(PluginOptions{}, plugin_host(), environment());
  Registry first = session.for_export();
  const std::span<const Candidate> found = first.candidates("acme::swish", 20);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(first.used_plugins(), ElementsAre("com.acme.a"));
  Registry second = session.for_export();
  EXPECT_THAT(second.used_plugins(), ElementsAre());
  EXPECT_EQ(second.candidates("acme::swish", 20).data(), found.data());  // looked up once
  EXPECT_THAT(second.used_plugins(), ElementsAre("com.acme.a"));
  EXPECT_THAT(session.used_plugins(), ElementsAre());
}

TEST_F(DiscoveryTest, ManyThreadsAskOneSetOfPlugins) {
  folder_.write("builtin/a.onnxport.yaml", manifest("com.acme.a"));
  const Registry session(PluginOptions{}, plugin_host(), environment());
  std::vector<const Candidate*> seen(8);
  {
    std::vector<std::jthread> threads;
    for (const Candidate*& found : seen) {
      threads.emplace_back([&] {
        Registry own = session.for_export();
        for (int opset = 7; opset <= 28; ++opset) own.candidates("acme::unknown", opset);
        found = own.candidates("acme::swish", 20).data();
      });
    }
  }
  EXPECT_THAT(seen, testing::Each(seen.front()));
}

TEST_F(DiscoveryTest, AnswersQuestionsWithoutOpeningLibraries) {
  folder_.write("builtin/a.onnxport.yaml",
                "onnxport_manifest: 1\nplugin: {id: com.acme.a, version: \"1.0.0\"}\nlibrary: {linux_amd64: "
                "absent.so, linux_arm64: absent.so}\n"
                "provides: {ops: [acme::softsign], opsets: [{version: 19}, {version: 21}], domains: [{name: "
                "com.acme, version: 3}], schemas: [\"acme::softsign(Tensor x) -> Tensor\"]}\n");
  Registry registry(PluginOptions{}, plugin_host(), environment());
  EXPECT_THAT(registry.available_opsets(), ElementsAre(19, 21));
  EXPECT_THAT(registry.similar("acme::sofsign.out"), ElementsAre("acme::softsign"));
  EXPECT_EQ(registry.domain_version("com.acme.a", "com.acme"), 3);
  EXPECT_EQ(registry.domain_version("com.acme.a", "com.other"), std::nullopt);
  EXPECT_EQ(registry.domain_version("com.acme.b", "com.acme"), std::nullopt);
  EXPECT_EQ(registry.custom_schemas()->find("acme::softsign")->schema.text(),
            "acme::softsign(Tensor x) -> Tensor");
  EXPECT_TRUE(registry.candidates("acme::unknown", 20).empty());
  EXPECT_THAT(registry.used_plugins(), ElementsAre());
  EXPECT_THAT(error_of([&] { registry.candidates("acme::softsign", 20); }),
              HasSubstr("absent.so does not exist"));
}

}  // namespace
}  // namespace onnxport
