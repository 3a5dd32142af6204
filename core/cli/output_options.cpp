#include "core/cli/output_options.h"

namespace onnxport::cli {

void OutputArguments::apply() {
  Arguments::apply();
  options.overwrite = !no_overwrite;
}

void add_file_options(CLI::App& c, OutputArguments& a, const std::string& output_text,
                      const std::string& opset_text) {
  auto* group = "Output";
  a.paths.push_back(c.add_option("-o,--output", a.output, output_text)->group(group)->type_name("FILE"));
  c.add_option("--opset", a.opsets, opset_text)
      ->group(group)
      ->type_name("VERSION")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  c.add_option("--ir-version", a.options.ir_version, "The IR version to write (default: by opset)")
      ->group(group);
  c.add_flag("--keep-initializers-as-inputs", a.options.keep_initializers_as_inputs,
             "List initializers among the inputs too")
      ->group(group);
  c.add_flag("--no-overwrite", a.no_overwrite, "Refuse to replace an existing file")->group(group);
  a.paths.push_back(c.add_option("--report", a.report, "Write the report as JSON to a file")
                        ->group(group)
                        ->type_name("FILE"));
}

}  // namespace onnxport::cli
