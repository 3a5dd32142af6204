#include <fmt/core.h>
#include <unistd.h>

#include "core/cli/arguments.h"
#include "core/cli/commands.h"
#include "core/cli/profiles.h"
#include "core/cli/targets.h"
#include "core/cli/terminal.h"

namespace onnxport::cli {

std::pair<CLI::App*, Command> add_show(CLI::App& app, const Common&) {
  struct ShowArguments : Arguments {
    std::filesystem::path model;
    std::string after = "capture";
    std::string opset;
    ProfileArguments profiles;
  };
  auto a = std::make_shared<ShowArguments>();
  CLI::App* c = app.add_subcommand("show", "Print a model's graph, after any stage");
  c->add_option("model", a->model, "TorchScript (.pt), an exported program (.pt2) or an ONNX file (.onnx)")
      ->required()
      ->type_name("MODEL");
  c->add_option("--after", a->after, "The stage to print (default: capture)")
      ->check(CLI::IsMember({"capture", "prepare", "translate", "legalize"}));
  c->add_option("--opset", a->opset, "The opset of --after legalize (default 20), or ai.onnx=18,com.acme=2")
      ->type_name("VERSION");
  add_input_options(*c, *a);
  add_plugin_options(*c, *a);
  add_pass_options(*c, *a);
  add_single_config_option(*c, a->profiles);
  return {c, [a, c] {
            a->apply();
            const Session session = open_session(a->profiles, a->options.plugins);
            ExportOptions options = with_single_profile(session, a->profiles, a->options, *c);
            if (!a->opset.empty()) override_opsets(a->opset, options);
            fmt::print("{}", show(session, a->model, a->after, options));
            return 0;
          }};
}

}  // namespace onnxport::cli
