// opset_matrix OUT.tsv SHARE SEED CASES.json...: every case of the mapping tables at every opset that plugins offer. A
// case is captured once for each of its forms (static, and dynamic where it has dims that vary), and every target is
// written from that one program: checked by ONNX, and run in ONNX Runtime against what PyTorch computed.
//
// OUT.tsv has a row for each (case, form, opset): table, index, operator, form, opset, verdict, code, message.
// Verdicts: `equal`; `checked`: valid, and ONNX Runtime has no kernel or the case is not run there; `refused`: a named
// O6xx; `wrong`: anything else. SHARE is the part of the cases that is done, chosen by SEED.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "onnxport/errors.h"
#include "onnxport/session.h"

namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

struct Verdict {
  std::string name;
  std::string code;
  std::string message;
};

struct Case {
  std::string table;
  size_t index = 0;
  YAML::Node node;

  std::string text(const char* key) const { return node[key] ? node[key].as<std::string>() : std::string(); }
  std::optional<double> number(const char* key) const {
    return node[key] ? std::optional(node[key].as<double>()) : std::nullopt;
  }
  Strings list(const char* key) const { return node[key] ? node[key].as<Strings>() : Strings(); }
};

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
  return text.substr(0, 600);
}

// ONNX Runtime's own words for a kernel that its build has not.
bool lacks_kernel(const std::string& message) {
  return message.find("Could not find an implementation") != std::string::npos;
}

class Matrix {
 public:
  Matrix(std::ostream& out, onnxport::PluginOptions plugins) : out_(out), session_(plugins) {}

  void run(const Case& c) {
    run(c, "static", c.list("static"));
    if (const Strings inputs = c.list("dynamic"); !inputs.empty()) run(c, "dynamic", inputs);
  }

  size_t wrong() const { return wrong_; }

 private:
  void run(const Case& c, const char* form, const Strings& inputs) {
    try {
      onnxport::ProgramOptions options;
      options.inputs = inputs;
      options.inputs_dir = fs::path(c.text("folder")) / "first";
      options.state = onnxport::State::drop;  // cases of in-place operators write to their inputs
      const onnxport::Program program = session_.capture(fs::path(c.text("folder")) / "model.pt", options);
      for (const int opset : session_.opsets()) tell(c, form, opset, write(c, program, opset));
    } catch (const std::exception& e) {
      tell(c, form, 0, {"wrong", "", e.what()});
    }
  }

  Verdict write(const Case& c, const onnxport::Program& program, int opset) {
    onnxport::Target target;
    target.opset = opset;
    target.verify.enabled = c.text("ort_skip").empty();
    target.verify.expected = fs::path(c.text("folder")) / "first";
    target.verify.second_size = false;
    target.verify.atol = c.number("atol");
    target.verify.rtol = c.number("rtol");
    try {
      program.write(target, [](std::span<const std::byte>) {});
      return {target.verify.enabled ? "equal" : "checked", "", ""};
    } catch (const onnxport::Error& e) {
      const onnxport::Diagnostic& first = e.diagnostics().front();
      if (first.code.rfind("O6", 0) == 0) return {"refused", first.code, first.text()};
      if (first.code == "V804" && lacks_kernel(first.message)) return {"checked", first.code, first.message};
      return {"wrong", first.code, e.what()};
    } catch (const std::exception& e) {
      return {"wrong", "", e.what()};
    }
  }

  void tell(const Case& c, const char* form, int opset, const Verdict& v) {
    if (v.name == "wrong") ++wrong_;
    out_ << c.table << '\t' << c.index << '\t' << c.text("op") << '\t' << form << '\t' << opset << '\t'
         << v.name << '\t' << v.code << '\t' << one_line(v.message) << '\n';
  }

  std::ostream& out_;
  onnxport::Session session_;
  size_t wrong_ = 0;
};

std::vector<Case> cases_of(const fs::path& file) {
  std::vector<Case> out;
  for (const YAML::Node& node : YAML::LoadFile(file.string()))
    out.push_back({file.parent_path().filename().string(), out.size(), node});
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "usage: opset_matrix OUT.tsv SHARE SEED CASES.json...\n";
    return 2;
  }
  try {
    const double share = std::stod(argv[2]);
    std::mt19937_64 random(std::stoull(argv[3]));
    std::uniform_real_distribution<double> chance(0, 1);
    onnxport::PluginOptions plugins;
    plugins.default_paths = false;
    std::ofstream out(argv[1]);
    Matrix matrix(out, plugins);
    for (int i = 4; i < argc; ++i) {
      for (const Case& c : cases_of(argv[i])) {
        if (chance(random) < share) matrix.run(c);
      }
    }
    out.close();
    if (!out) {
      std::cerr << "opset_matrix: cannot write " << argv[1] << '\n';
      return 1;
    }
  } catch (const std::exception& e) {
    std::cerr << "opset_matrix: " << e.what() << '\n';
    return 1;
  }
  return 0;
}
