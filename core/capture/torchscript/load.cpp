#include "core/capture/torchscript/load.h"

#include <ATen/core/ivalue_inl.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/serialization/import_read.h>
#include <torch/csrc/jit/serialization/import_source.h>
#include <torch/csrc/jit/serialization/storage_context.h>
#include <torch/custom_class.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "core/archive/file_error.h"
#include "core/capture/torchscript/code_limits.h"
#include "core/libtorch/convert.h"
#include "core/libtorch/location.h"
#include "core/libtorch/operators.h"

// Of torch/csrc/jit/operator_upgraders/upgraders_entry.h, which Debian's headers leave out.
namespace torch::jit {
TORCH_API void populate_upgraders_graph_map();
}

namespace onnxport {
namespace {

constexpr std::string_view kCode = "code/";

// Whatever libtorch throws while it reads a file, without its C++ stack.
std::string libtorch_text(const std::exception& e) {
  const auto* error = dynamic_cast<const c10::Error*>(&e);
  return excerpt(error != nullptr ? error->what_without_backtrace() : e.what(), 2000);
}

// Names that the code uses and libtorch does not know. Operators of plugins are registered; of what is unknown
// libtorch would name the first, we say all, each with its line.
class NameScan {
 public:
  NameScan(const Archive& archive, SourceLines& lines, const ir::CustomSchemas* custom)
      : archive_(archive), lines_(lines), custom_(custom) {}

  // Throws what is unknown; gives the schemas of plugins that the code needs.
  std::vector<const ir::CustomSchema*> run() {
    for (const std::string& record : archive_.records(kCode)) {
      if (!record.ends_with(".py")) continue;
      const std::string code = archive_.text(record);
      each(code, "ops.", [&](size_t at) { operator_used(record, code, at); });
      each(code, "__torch__.torch.classes.", [&](size_t at) { class_used(record, code, at); });
    }
    if (!errors_.empty()) throw Error(std::move(errors_));
    return std::move(used_);
  }

 private:
  // Where `prefix` begins a name.
  template <typename Visit>
  static void each(std::string_view code, std::string_view prefix, Visit&& visit) {
    for (size_t at = code.find(prefix); at != std::string_view::npos; at = code.find(prefix, at + 1)) {
      if (at == 0 || !is_word(code[at - 1])) visit(at);
    }
  }

  static bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

  // The word at `at`, which moves behind it.
  static std::string_view word(std::string_view code, size_t& at) {
    const size_t from = at;
    while (at < code.size() && is_word(code[at])) ++at;
    return code.substr(from, at - from);
  }

  static bool skip(std::string_view code, size_t& at, std::string_view text) {
    if (code.substr(at, text.size()) != text) return false;
    at += text.size();
    return true;
  }

  Location place(const std::string& record, size_t at, std::string name) {
    return place_of_node(std::move(name), "", lines_.locate(record, at), archive_.file().path().string());
  }

  // ops.space.name(
  void operator_used(const std::string& record, std::string_view code, size_t from) {
    size_t at = from;
    skip(code, at, "ops.");
    const std::string_view space = word(code, at);
    if (space.empty() || !skip(code, at, ".")) return;
    const std::string_view op = word(code, at);
    if (op.empty() || !skip(code, at, "(")) return;
    const std::string full = std::string(space) + "::" + std::string(op), name = excerpt(full);
    const auto given = custom_ == nullptr ? std::vector<const ir::CustomSchema*>() : custom_->overloads(full);
    for (const ir::CustomSchema* schema : given) {
      register_schema(*schema);
      used_.push_back(schema);
    }
    if (!given.empty() || is_registered(full)) return;
    Location where = place(record, from, name);
    if (!seen_.insert(full + '@' + where.source).second) return;
    errors_.push_back({Severity::error, "T501",
                       "the model calls the operator " + name + ", which nothing here knows",
                       std::move(where),
                       "give its plugin's folder with --plugin-path (its manifest must state the operator's "
                       "schema), or its kernels with --torch-library FILE"});
  }

  // __torch__.torch.classes.space.Name
  void class_used(const std::string& record, std::string_view code, size_t from) {
    size_t at = from;
    skip(code, at, "__torch__.torch.classes.");
    if (word(code, at).empty() || !skip(code, at, ".") || word(code, at).empty()) return;
    const std::string full(code.substr(from, at - from)), name = excerpt(full);
    if (!seen_.insert(full).second || torch::getCustomClass(full)) return;
    errors_.push_back({Severity::error, "T543",
                       "the model holds an object of the C++ class " + name + ", which nothing here knows",
                       place(record, from, name),
                       "load the library that registers it with --torch-library FILE"});
  }

  const Archive& archive_;
  SourceLines& lines_;
  const ir::CustomSchemas* custom_;
  std::vector<const ir::CustomSchema*> used_;
  std::set<std::string> seen_;
  std::vector<Diagnostic> errors_;
};

// The steps of libtorch's own deserializer, with its own parts, except that storages come from the mapping.
class Deserializer {
 public:
  Deserializer(const Archive& archive, std::shared_ptr<torch::jit::CompilationUnit> unit)
      : archive_(archive),
        unit_(std::move(unit)),
        importer_(
            unit_, &constants_, [this](const std::string& qualifier) { return source(qualifier); },
            archive.reader().version()) {}

  c10::IValue read_module() {
    const c10::IValue constants =
        read("constants");  // named: a loop does not keep the temporary its range views
    for (const c10::IValue& constant : constants.toTupleRef().elements()) constants_.push_back(constant);
    return read("data");
  }
  c10::IValue read(const std::string& name) {
    c10::IValue out = torch::jit::readArchiveAndTensors(
        name, "", "", [this](const c10::QualifiedName& type) { return resolve(type); },
        [this](const at::StrongTypePtr& type, c10::IValue state) {
          return make_object(type, std::move(state));
        },
        c10::Device(c10::kCPU), archive_.reader(), torch::jit::Unpickler::defaultTypeParser,
        archive_.storages(name + "/"));
    check(out);
    return out;
  }
  bool ran_code() const { return ran_code_; }

 private:
  std::shared_ptr<torch::jit::Source> source(const std::string& qualifier) const {
    std::string record = qualifier;
    std::replace(record.begin(), record.end(), '.', '/');
    record = std::string(kCode) + record + ".py";
    if (!archive_.has(record)) return nullptr;
    return std::make_shared<torch::jit::Source>(archive_.text(record), record, 1);
  }

  // libtorch takes a pickle's word for a tensor's sizes.
  void check(const c10::IValue& value) const {
    value.visit([&](const c10::IValue& v) {
      if (v.isTensor() && !fits_its_storage(v.toTensor()))
        throw Error("I102", "a tensor is larger than the record that holds its numbers",
                    place_of_file(archive_.file().path().string()), "fetch or save the file again");
      return false;
    });
  }

  c10::StrongTypePtr resolve(const c10::QualifiedName& name) {
    return c10::StrongTypePtr(unit_, importer_.loadType(name));
  }

  c10::intrusive_ptr<c10::ivalue::Object> make_object(const at::StrongTypePtr& type, c10::IValue state) {
    const auto cls = type.type_->expect<at::ClassType>();
    auto object = c10::ivalue::Object::create(type, cls->numAttributes());
    torch::jit::Function* set_state = cls->findMethod("__setstate__");
    check(state);
    if (set_state != nullptr && cls->findMethod("__getstate__") != nullptr) {
      ran_code_ = true;
      torch::jit::Stack stack{object, std::move(state)};
      set_state->run(stack);
      return object;
    }
    const auto attributes = std::move(state).toGenericDict();
    for (size_t i = 0; i < cls->numAttributes(); ++i)
      object->setSlot(i, attributes.at(cls->getAttributeName(i)));
    return object;
  }

  const Archive& archive_;
  std::shared_ptr<torch::jit::CompilationUnit> unit_;
  std::vector<c10::IValue> constants_;
  torch::jit::SourceImporter importer_;
  bool ran_code_ = false;
};

std::vector<c10::IValue> traced_inputs(const Archive& archive, Deserializer& deserializer,
                                       const std::string& method) {
  if (!archive.has("traced_inputs.pkl")) return {};
  try {
    // Held only for its shapes; a model is as good without.
    for (const auto& entry : deserializer.read("traced_inputs").toGenericDict()) {
      if (entry.key().toStringRef() == method) return entry.value().toListRef().vec();
    }
  } catch (const std::exception&) {
  }
  return {};
}

// A method that the user asked for, or forward, which is asked for by default.
void check_method(const torch::jit::Module& module, const std::string& name, const Location& place) {
  if (module.find_method(name)) return;
  std::string others;
  for (const torch::jit::Method& method : module.get_methods())
    others += (others.empty() ? "" : ", ") + excerpt(method.name());
  throw Error("I104", "the model has no method '" + excerpt(name) + "'", place,
              others.empty() ? "script a module whose forward() does the work"
                             : "its methods are: " + others + "; name one with --method");
}

void check_code(const Archive& archive) {
  CodeLimits limits;
  for (const std::string& record : archive.records(kCode)) {
    if (!record.ends_with(".py")) continue;
    const std::string fault = limits.fault(archive.text(record));
    if (fault.empty()) continue;
    throw Error("T546", "libtorch cannot be given the code of " + excerpt(record) + ": " + fault,
                place_of_file(archive.file().path().string()),
                "write the model's code with fewer levels and shorter lists: large ones belong in tensors");
  }
}

}  // namespace

LoadedModule load_module(const Archive& archive, SourceLines& lines, const CaptureOptions& options) {
  for (const std::filesystem::path& library : options.libraries) load_kernels(library.string());
  check_code(archive);
  const std::vector<const ir::CustomSchema*> custom = NameScan(archive, lines, options.schemas.get()).run();

  const Location place = place_of_file(archive.file().path().string());
  LoadedModule out;
  out.unit = std::make_shared<torch::jit::CompilationUnit>();
  try {
    torch::jit::populate_upgraders_graph_map();
    Deserializer deserializer(archive, out.unit);
    const c10::IValue value = deserializer.read_module();
    if (!value.isObject())
      throw Error("I103", "the archive's main object is no module", place, "use torch.jit.save");
    out.module = torch::jit::Module(value.toObject());
    out.ran_code = deserializer.ran_code();
    out.traced_inputs = traced_inputs(archive, deserializer, options.method);
    check_method(out.module, options.method, place);
    if (!options.preserve_mode) out.module.train(options.training);
    if (options.freeze) {
      if (options.training)
        throw Error("I109", "a model in training mode cannot be frozen", place, "drop --freeze");
      if (out.module.hasattr("training")) out.module.eval();
      std::vector<std::string> kept;
      if (options.method != "forward") kept.push_back(options.method);
      out.module = torch::jit::freeze_module(out.module, kept, /*freezeInterfaces=*/true,
                                             /*preserveParameters=*/true);
    }
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    const std::string why = libtorch_text(e);
    // It names the operator whose call does not fit its schema.
    for (const ir::CustomSchema* schema : custom) {
      if (why.find(schema->schema.name + "(") == std::string::npos &&
          why.find(schema->schema.name + ".") == std::string::npos)
        continue;
      throw Error("C407",
                  "the schema that plugin " + schema->plugin + " gives for " +
                      schema->schema.qualified_name() + " does not fit the model " + place.file + ": " + why,
                  schema->location,
                  "take the plugin's release for this model, or leave the plugin out: --disable-plugin " +
                      schema->plugin);
    }
    throw Error("I102", "libtorch cannot load the model: " + why, place,
                "save it again with torch.jit.save from the PyTorch it was made with");
  }
  return out;
}

}  // namespace onnxport
