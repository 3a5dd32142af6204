// Session -> Program -> write: a model is captured once and written for as many targets as are wanted.
//
//   const onnxport::Session session;
//   const onnxport::Program program = session.capture("model.pt2");
//   for (const int opset : {18, 23}) {
//     onnxport::Target target;
//     target.opset = opset;
//     program.write(target, "model.opset" + std::to_string(opset) + ".onnx");
//   }
//
// Sessions and programs are immutable: any number of threads may capture from one session and write one program at once. Both
// are handles, cheap to copy. Every function throws onnxport::Error for what goes wrong.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onnxport/errors.h"
#include "onnxport/options.h"
#include "onnxport/profile.h"
#include "onnxport/report.h"

namespace onnxport {

struct ProgramState;
class Registry;
class LiveModel;

#pragma GCC visibility push(default)

// A weight in memory. Its owner keeps the elements as they are for as long as the source, and programs of it, live.
struct GivenTensor {
  std::string name;                     // in the model's state: "layer1.0.weight"
  int32_t dtype = 0;                    // as ONNX numbers element types (TensorProto.DataType)
  std::vector<int64_t> dims;            //
  std::vector<int64_t> strides;         // in elements, none negative; empty: row-major
  std::span<const std::byte> elements;  // from the first one to the last in memory
};

// Where a model is read from: a file, bytes in memory, or code of this process (onnxport/callable.h, onnxport/module.h).
class Source {
 public:
  // A TorchScript file (.pt), an exported program (.pt2) or an ONNX file (.onnx).
  Source(std::filesystem::path file) : path_(std::move(file)) {}  // NOLINT(google-explicit-constructor)
  Source(std::string_view file) : path_(file) {}                  // NOLINT(google-explicit-constructor)
  Source(const std::string& file) : path_(file) {}                // NOLINT(google-explicit-constructor)
  Source(const char* file) : path_(file) {}                       // NOLINT(google-explicit-constructor)

  // The bytes of such a file, which kind they say themselves. They are copied, once, and may go afterwards. `name` is what
  // messages call them. Error I101 when the system gives no memory for them.
  static Source memory(std::span<const std::byte> bytes, std::string name = "model");

  // The same, for a file without some of its weights, which are these: they are not copied. Of an exported program, and of a
  // TorchScript function whose arguments they are (docs/python.md). Error I128 for one that is impossible.
  static Source memory(std::span<const std::byte> bytes, std::vector<GivenTensor> weights,
                       std::string name = "model");

  // What libonnxport_torch makes of code of this process; `name` is what messages call it.
  static Source live(std::shared_ptr<const LiveModel> model, std::string name);

  // The file, or the name given to bytes in memory or to a live model.
  const std::filesystem::path& path() const { return path_; }
  bool is_memory() const { return bytes_ != nullptr; }
  bool is_exported_program() const;
  // The same source, read as an ONNX file whatever its name is.
  Source as_onnx() const {
    Source out = *this;
    out.as_onnx_ = true;
    return out;
  }
  bool is_onnx() const {
    return as_onnx_ || (!is_memory() && live_ == nullptr && path_.extension() == ".onnx");
  }
  const std::shared_ptr<const LiveModel>& live() const { return live_; }  // null: a file or bytes

  struct Bytes;
  const std::shared_ptr<const Bytes>& bytes() const { return bytes_; }

 private:
  std::filesystem::path path_;
  std::shared_ptr<const Bytes> bytes_;
  bool as_onnx_ = false;
  std::shared_ptr<const LiveModel> live_;
};

// Takes the bytes of an ONNX file in pieces, in order, as they are made.
using Sink = std::function<void(std::span<const std::byte>)>;

// A captured model, prepared to be translated.
class Program {
 public:
  // The graph's inputs and outputs, "x: f32[batch,3]", as the model has them; what a target changes is in its report.
  std::vector<std::string> inputs() const;
  std::vector<std::string> outputs() const;
  // Of capture and prepare: notes and the time they took. What a target adds is in the report of its write().
  const CaptureReport& report() const;

  // Writes `file` and, with external weights, `file`.data beside it: both or neither. The report is of this target alone.
  // On a program that is not needed any more (std::move(program).write(…)) its graph is freed as soon as it was translated.
  ExportReport write(const Target& target, const std::filesystem::path& file) const&;
  ExportReport write(const Target& target, const std::filesystem::path& file) &&;
  // The bytes of the file; weights are inline (Error S702 above 2 GiB, S707 when the target wants them elsewhere).
  ExportReport write(const Target& target, const Sink& sink) const&;
  ExportReport write(const Target& target, const Sink& sink) &&;
  // Translates and writes nothing: which operators there are, who maps each, what is unsupported. Of an ONNX file: whether it can
  // be taken to the opset.
  ExportReport dry_run(const Target& target) const;
  // Of an ONNX file alone (Error I113 for others): the opsets it can be taken to, and what stands in the way of the others.
  ReachReport reach() const;
  // Compares an ONNX file with this model. Error V801 when they differ, V806 when the program keeps no captured form.
  ExportReport verify(const std::filesystem::path& onnx, const VerifyOptions& options = {}) const;
  // The same with the plugins that the target asks, as Target::verify says.
  ExportReport verify(const std::filesystem::path& onnx, const Target& target) const;
  // The graph as text after "capture", "prepare", "translate" or "legalize".
  std::string show(std::string_view after, const Target& target = {}) const;

 private:
  friend class Session;
  explicit Program(std::shared_ptr<ProgramState> state) : state_(std::move(state)) {}
  std::shared_ptr<ProgramState> state_;
};

// Plugins found and their manifests read, once for everything that is done with them.
class Session {
 public:
  // Error L208 when there is no plugin at all, M1xx for a broken manifest among those named explicitly.
  explicit Session(const PluginOptions& plugins = {});

  // Whether a session of the same options would find what this one has: the same manifests, none of them, their libraries or the
  // lock file changed since, and the same variables of the environment. For what keeps a session; looks at files, reads none.
  bool is_current() const;

  // Captures and prepares a model; reads an ONNX file. Of ProgramOptions such a file takes `inputs` and `inputs_dir`, to verify.
  Program capture(const Source& source, const ProgramOptions& options = {}) const;
  // The graph as it is captured, as text: also of a model that cannot be prepared.
  std::string show(const Source& source, const ProgramOptions& options = {}) const;
  // Whether a target can be asked for at all: Error O605 when no plugin offers an opset it names, C403 and C405 for
  // plugins that it names, F203 for an opset that its runtime does not take.
  void check(const Target& target) const;

  // A profile by its name or file, merged with what it extends, and with what the manifests found say of its target. Error
  // F1xx for one that cannot be read, F109 for a name that nobody has, F201 where it contradicts its target.
  Profile profile(const std::string& name_or_file, const ProfileOptions& options = {}) const;
  // The manifests and folders that a profile brings (plugins.files). A session finds them when PluginOptions::for_targets
  // lists them, and is then asked for the profile: its plugins may say something of the target.
  std::vector<std::filesystem::path> plugin_files(const std::string& name_or_file,
                                                  const ProfileOptions& options = {}) const;
  // Every profile that can be named: of the folders, and of the manifests found.
  ProfileListing profiles(const ProfileOptions& options = {}) const;

  // Every manifest found, its library's file checked too (there, whole, the sha256), none opened.
  PluginListing plugins() const;
  // All that the manifest of one plugin says. Error C405 when no plugin has that id.
  PluginDetails inspect(const std::string& plugin_id) const;
  // Writes a lock file: the sha256 of the files of the plugins with these ids (* stands for any text), beside what it
  // lists already; without ids, of all that do not come with onnxport itself, and of no others. PluginOptions::lock and
  // PluginChoice::lock hold exports to it. Error C405 for an id that nobody has, S705 when it cannot be written, M1xx when
  // what is there is no lock file.
  LockedPlugins lock(const std::filesystem::path& file, const std::vector<std::string>& ids = {}) const;
  // The opsets of ai.onnx that can be written.
  std::vector<int> opsets() const;
  // Who maps a torch operator at a target opset: the candidates in order, the winner first, each with its reason.
  std::vector<WhichInfo> which(std::string_view torch_op, int opset) const;

 private:
  std::shared_ptr<const Registry> registry_;
};

#pragma GCC visibility pop

}  // namespace onnxport
