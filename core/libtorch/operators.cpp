#include "core/libtorch/operators.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/frontend/function_schema_parser.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <mutex>
#include <set>
#include <vector>

#include "core/libtorch/convert.h"
#include "core/libtorch/location.h"
#include "core/loader/shared_library.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

// libtorch's registry is one per process, so is what we put there: one owner behind one mutex.
struct Registrations {
  std::mutex mutex;
  std::vector<c10::RegistrationHandleRAII> handles;
  std::set<std::string, std::less<>> stubs;
};

Registrations& registrations() {
  // Never destroyed: libtorch's own registry may be gone first when the process ends.
  static Registrations* const all = new Registrations;
  return *all;
}

void stub_kernel(const c10::OperatorHandle& op, c10::Stack* /*stack*/) {
  throw Error("V803",
              "operator '" + qualified_name(op.schema()) + "' has no kernel: only its schema is known",
              place_of_node(qualified_name(op.schema())), "load its kernels with --torch-library FILE");
}

}  // namespace

void load_kernels(const std::string& path) {
  try {
    SharedLibrary::open(path, Symbols::shared);
  } catch (const LoadError& e) {
    throw Error("L212", std::string("cannot load the operator library: ") + e.what(), place_of_file(path),
                "build it for the same libtorch; check with ldd that its libraries are found");
  }
}

void register_schema(const ir::CustomSchema& custom) {
  Registrations& all = registrations();
  const std::lock_guard lock(all.mutex);
  c10::Dispatcher& dispatcher = c10::Dispatcher::singleton();
  const auto refuse = [&](const std::string& why) {
    throw Error("M112",
                "libtorch does not take the schema that plugin " + custom.plugin + " gives for " +
                    custom.schema.qualified_name() + ": " + why,
                custom.location,
                "write it as torch does: ns::name(Tensor x, float a=1) -> Tensor; or leave the plugin out: "
                "--disable-plugin " +
                    custom.plugin);
  };
  try {
    c10::FunctionSchema schema = torch::jit::parseSchema(custom.schema.text());
    const c10::OperatorName name = schema.operator_name();
    if (const auto known = dispatcher.findSchema(name)) {
      // Kernels that are here know best. What an earlier export registered stays for the life of the process.
      if (all.stubs.contains(qualified_name(schema)) && known->schema() != schema) {
        refuse("this process knows it already as " + c10::toString(known->schema()));
      }
      return;
    }
    const std::string qualified = qualified_name(schema);
    // The marks of the text decide what aliases what; without this libtorch assumes nothing about a custom operator.
    schema.setAliasAnalysis(c10::AliasAnalysisKind::FROM_SCHEMA);
    all.handles.push_back(dispatcher.registerDef(std::move(schema), "onnxport manifest", {}));
    all.handles.push_back(dispatcher.registerImpl(name, c10::DispatchKey::CompositeExplicitAutograd,
                                                  c10::KernelFunction::makeFromBoxedFunction<&stub_kernel>(),
                                                  std::nullopt, nullptr, "onnxport stub"));
    all.stubs.insert(qualified);
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& e) {
    refuse(e.what_without_backtrace());
  } catch (const std::exception& e) {
    refuse(e.what());
  }
}

bool is_stub(std::string_view name) {
  Registrations& all = registrations();
  const std::lock_guard lock(all.mutex);
  return all.stubs.find(name) != all.stubs.end();
}

bool is_registered(const std::string& name) {
  return !torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(name)).empty();
}

}  // namespace onnxport
