#include "core/verify/verify_files.h"

#include <algorithm>

#include "core/serialize/serialize.h"
#include "core/verify/compare.h"
#include "core/verify/inputs.h"
#include "core/verify/ort.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

using Named = std::vector<std::pair<std::string, ir::Tensor>>;

class FileVerifier {
 public:
  FileVerifier(const ir::Graph& model, const std::vector<InputSpec>& given,
               const std::filesystem::path& before, const std::filesystem::path& after,
               const VerifyOptions& options)
      : model_(model),
        given_(given),
        options_(options),
        before_(before, options.ort_libraries),
        after_(after, options.ort_libraries) {}

  VerifyReport run() {
    VerifyReport out;
    out.runs.push_back(*run(true));
    if (!options_.second_size || sizes(true).empty()) return out;
    // A file may want sizes that fit each other in ways that it does not say.
    if (auto second = run(false)) out.runs.push_back(std::move(*second));
    return out;
  }

 private:
  const InputSpec* spec_of(const std::string& name, size_t index) const {
    for (size_t i = 0; i < given_.size(); ++i) {
      if (given_[i].name.empty() ? i == index : given_[i].name == name) return &given_[i];
    }
    return nullptr;
  }

  // Of an input of the file: as asked for, else as the file says, every unknown size under a name of its own.
  ir::Type type_of(const std::string& name, size_t index) const {
    const InputSpec* spec = spec_of(name, index);
    if (spec != nullptr && spec->type.is_tensor() && spec->type.shape()) return spec->type;
    for (size_t i = 0; i < model_.input_names.size(); ++i) {
      if (model_.input_names[i] != name) continue;
      const ir::Type& type = model_.body().parameters()[i]->type();
      if (!type.is_tensor() || !type.shape()) break;
      ir::Shape shape = *type.shape();
      for (size_t k = 0; k < shape.size(); ++k) {
        if (!shape[k].is_constant() && !shape[k].is_expression())
          shape[k] = ir::Dim::symbol(name + "_" + std::to_string(k));
      }
      return ir::Type::tensor(type.dtype(), std::move(shape));
    }
    throw Error("V805", "no values can be made for the input '" + name + "': the file does not say its shape",
                {}, "give examples with --inputs DIR, or its shape with --input");
  }

  const ir::Tensor* example_of(const std::string& name, size_t index) const {
    const InputSpec* spec = spec_of(name, index);
    return spec == nullptr || !spec->example ? nullptr : &*spec->example;
  }

  // Of every symbol of an input that has no example.
  Sizes sizes(bool first) const {
    Sizes out;
    int64_t size = 2;
    for (size_t i = 0; i < before_.input_names().size(); ++i) {
      const std::string& name = before_.input_names()[i];
      if (example_of(name, i) != nullptr) continue;
      const ir::Type type = type_of(name, i);
      for (const ir::Dim& dim : *type.shape()) {
        dim.for_each_symbol([&](std::string_view symbol) {
          if (out.emplace(std::string(symbol), first ? 2 : size + 1).second) ++size;
        });
      }
    }
    return out;
  }

  Named make_inputs(const Sizes& at, int64_t int_limit) const {
    Named out;
    for (size_t i = 0; i < before_.input_names().size(); ++i) {
      const std::string& name = before_.input_names()[i];
      const ir::Tensor* example = example_of(name, i);
      out.emplace_back(name, example != nullptr ? *example
                                                : random_tensor(type_of(name, i), at, options_.seed + 31 * i,
                                                                {.limit = int_limit}));
    }
    return out;
  }

  // nullopt: at a second size, the file that is known to be right does not run.
  std::optional<VerifyRun> run(bool first) {
    VerifyRun out;
    const Sizes at = sizes(first);
    out.sizes = {at.begin(), at.end()};
    Named inputs;
    std::vector<ir::Tensor> expected;
    // Ints are often indices: a table may be smaller than we guess.
    for (const int64_t limit : {int64_t{10}, int64_t{2}, int64_t{1}}) {
      inputs = make_inputs(at, limit);
      try {
        expected = before_.run(inputs);
        break;
      } catch (const Error& e) {
        if (limit != 1) continue;
        if (!first) return std::nullopt;
        throw Error("V804",
                    "the file itself does not run on made-up inputs: " + e.diagnostics().front().message, {},
                    "give examples with --inputs DIR");
      }
    }
    const std::vector<ir::Tensor> actual = after_.run(inputs);
    if (first && options_.write_case) write_case(inputs, expected);
    compare_all(expected, actual, out);
    return out;
  }

  void compare_all(const std::vector<ir::Tensor>& expected, const std::vector<ir::Tensor>& actual,
                   VerifyRun& out) const {
    out.passed = before_.output_names() == after_.output_names();
    if (!out.passed) out.message = "the two files have outputs of other names";
    for (size_t i = 0; out.passed && i < expected.size(); ++i) {
      const Comparison c = compare(expected[i], actual[i], options_.rtol, options_.atol);
      out.max_abs_error = std::max(out.max_abs_error, c.max_abs_error);
      out.max_rel_error = std::max(out.max_rel_error, c.max_rel_error);
      if (c.equal) continue;
      out.passed = false;
      out.message = "output '" + before_.output_names()[i] + "' " + c.message;
    }
  }

  void write_case(const Named& inputs, const std::vector<ir::Tensor>& outputs) const {
    const std::filesystem::path folder = *options_.write_case / "test_data_set_0";
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) throw Error("S705", "the folder " + folder.string() + " cannot be made: " + error.message());
    for (size_t i = 0; i < inputs.size(); ++i)
      write_tensor_file(inputs[i].second, inputs[i].first, folder / ("input_" + std::to_string(i) + ".pb"));
    for (size_t i = 0; i < outputs.size(); ++i)
      write_tensor_file(outputs[i], before_.output_names()[i],
                        folder / ("output_" + std::to_string(i) + ".pb"));
  }

  const ir::Graph& model_;
  const std::vector<InputSpec>& given_;
  const VerifyOptions& options_;
  OrtSession before_;
  OrtSession after_;
};

}  // namespace

VerifyReport verify_onnx_files(const ir::Graph& model, const std::vector<InputSpec>& given,
                               const std::filesystem::path& before, const std::filesystem::path& after,
                               const VerifyOptions& options) {
  return FileVerifier(model, given, before, after, options).run();
}

}  // namespace onnxport
