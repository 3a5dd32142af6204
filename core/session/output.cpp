// What is asked of a path before work starts, not after minutes of it.
#include "onnxport/output.h"

#include <unistd.h>

#include "core/onnx/model_file.h"
#include "core/serialize/output_file.h"
#include "core/session/output_checks.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kAlwaysInline = uint64_t{1} << 30;  // Weights::automatic puts no fewer bytes elsewhere

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

[[noreturn]] void refuse(std::string what, std::string hint) {
  throw Error("S705", std::move(what), {}, std::move(hint));
}

void check_folder(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    refuse("the folder " + folder.string() + " does not exist", "create it first");
  if (::access(folder.c_str(), W_OK) != 0)
    refuse("the folder " + folder.string() + " is not writable", "write to another folder");
}

void check_file(const fs::path& file, bool overwrite, const Source& source) {
  std::error_code error;
  if (file.empty()) refuse("the output has no name", "name a file, such as model.onnx");
  const bool exists = fs::exists(file, error);
  if (!exists && fs::is_symlink(file, error))
    refuse(file.string() + " is a symbolic link that leads nowhere",
           "remove the link, or give another output");
  if (exists && !overwrite)
    throw Error("S709", file.string() + " exists already", {}, "give another output, or allow overwriting");
  if (fs::is_directory(file, error))
    refuse(file.string() + " is a folder", "give a file name, such as model.onnx");
  check_folder(folder_of(output_target(file)));
  if (exists && !source.is_memory() && fs::equivalent(source.path(), file, error))
    refuse("the output is the model itself", "give another output");
}

// Whether weights may go to FILE.data: when they are told to, or when there may be enough of them.
bool may_have_data(const Target& target, const Source& source) {
  if (target.weights == Weights::external) return true;
  std::error_code error;
  const uintmax_t size = source.is_memory() ? 0 : fs::file_size(source.path(), error);
  return target.weights == Weights::automatic && !error && size >= kAlwaysInline;
}

void check_data(const fs::path& file, const Target& target, const Source& source) {
  fs::path data = output_target(file);
  data += ".data";
  std::error_code error;
  if (fs::is_symlink(data, error))
    refuse(data.string() + " is a symbolic link, and the weights must lie beside the file",
           "remove the link, or give another output");
  check_file(data, target.overwrite, source);
}

void check_case_folder(const fs::path& folder, bool overwrite) {
  if (folder.empty()) refuse("the folder of the test case has no name", "name a folder");
  std::error_code error;
  const fs::path data = folder / "test_data_set_0";
  for (fs::path at = data; !at.empty(); at = at.parent_path()) {
    if (!fs::exists(fs::symlink_status(at, error))) {
      if (at == at.root_path() || !at.has_parent_path()) return check_folder(".");
      continue;
    }
    if (!fs::is_directory(at, error))
      refuse(at.string() + " is no folder", "give another folder for the test case");
    if (at == data && !overwrite && !fs::is_empty(at, error))
      throw Error("S709", at.string() + " exists already", {}, "give another folder, or allow overwriting");
    return check_folder(at);
  }
}

// Two names of one file, also of one that does not exist yet.
bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code error, other;
  const fs::path first = fs::weakly_canonical(a, error);
  const fs::path second = fs::weakly_canonical(b, other);
  return error || other ? a.lexically_normal() == b.lexically_normal()
                        : first == second || fs::equivalent(first, second, error);
}

}  // namespace

void check_case(const VerifyOptions& options, bool overwrite) {
  if (options.write_case) check_case_folder(*options.write_case, overwrite);
}

void check_output(const fs::path& file, const Target& target, const Source& source) {
  check_file(file, target.overwrite, source);
  if (may_have_data(target, source)) check_data(file, target, source);
  if (target.verify.enabled) check_case(target.verify, target.overwrite);
}

void check_report(const fs::path& file, bool overwrite, const Source& source) {
  check_file(file, overwrite, source);
  std::error_code error;
  if (!source.is_onnx() || source.is_memory() || !fs::exists(file, error)) return;
  for (const fs::path& weights : onnx::ModelFile(source.path()).data_files()) {
    if (fs::equivalent(file, weights, error))
      refuse(file.string() + " would be written, and holds weights of the model itself", "give another file");
  }
}

void check_apart(std::span<const fs::path> files) {
  const auto data = [](const fs::path& file) { return fs::path(file.string() + ".data"); };
  for (size_t i = 0; i < files.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (!same_file(files[i], files[k]) && !same_file(files[i], data(files[k])) &&
          !same_file(data(files[i]), files[k]))
        continue;
      throw Error("I112", "two things would be written to " + files[i].string(), {},
                  "name them apart; of several opsets: -o 'model.opset{opset}.onnx'");
    }
  }
}

void write_report(const fs::path& file, std::string_view text) {
  OutputFile out(output_target(file));
  out.write(std::as_bytes(std::span(text)));
  OutputFile* const files[] = {&out};
  commit(files);
}

}  // namespace onnxport
