#include "core/libtorch/recorder.h"

#include <ATen/core/ivalue_inl.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/libtorch/convert.h"
#include "core/libtorch/location.h"
#include "onnxport/version.h"

namespace onnxport {
namespace {

// A key of libtorch's own tests: no kernel of the library listens to it, and without a guard no call carries it.
constexpr c10::DispatchKey kKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

// The dispatcher calls a function without a context; which recording is on is a matter of the thread.
Recording*& active() {
  static thread_local Recording* recording = nullptr;
  return recording;
}

void fallback(const c10::OperatorHandle& op, c10::DispatchKeySet /*keys*/, c10::Stack* stack) {
  if (Recording* const recording = active()) return recording->record(op, *stack);
  // at::launch and torch.jit.fork give the keys of their caller to a thread that nobody records: what it makes shows as a tensor
  // that no operator made.
  const c10::impl::ExcludeDispatchKeyGuard off(kKey);
  op.callBoxed(stack);
}

void register_fallback() {
  static auto* const handle = new c10::RegistrationHandleRAII(c10::Dispatcher::singleton().registerFallback(
      kKey, c10::KernelFunction::makeFromBoxedFunction<&fallback>(), "onnxport recorder"));
  (void)handle;
}

class ActiveRecording {
 public:
  explicit ActiveRecording(Recording* recording) : outer_(std::exchange(active(), recording)) {}
  ~ActiveRecording() { active() = outer_; }
  ActiveRecording(const ActiveRecording&) = delete;
  ActiveRecording& operator=(const ActiveRecording&) = delete;

 private:
  Recording* outer_;
};

// Applies `change` to every tensor within a value.
template <typename Change>
c10::IValue map_tensors(const c10::IValue& value, const Change& change) {
  if (value.isTensor()) return change(value.toTensor());
  if (!value.isList() || value.toListRef().empty()) return value;
  const auto list = value.toList();
  if (list.elementType()->kind() != c10::TypeKind::TensorType &&
      list.elementType()->kind() != c10::TypeKind::OptionalType)
    return value;
  c10::impl::GenericList out(list.elementType());
  for (const c10::IValue& item : value.toListRef()) out.push_back(map_tensors(item, change));
  return out;
}

bool returns_tensor(const c10::FunctionSchema& schema) {
  return std::any_of(schema.returns().begin(), schema.returns().end(), [](const c10::Argument& a) {
    return a.type()->str().find("Tensor") != std::string::npos;
  });
}

// How large the result is depends on what the tensors hold.
bool size_depends_on_contents(const c10::FunctionSchema& schema) {
  static constexpr std::array<std::string_view, 12> names{
      "aten::nonzero",  "aten::masked_select",          "aten::unique_dim",        "aten::_unique",
      "aten::_unique2", "aten::unique_consecutive",     "aten::bincount",          "aten::nonzero_numpy",
      "aten::argwhere", "aten::unique_dim_consecutive", "aten::repeat_interleave", "aten::_ctc_loss"};
  return std::find(names.begin(), names.end(), schema.name()) != names.end();
}

}  // namespace

size_t Recording::number(const at::Tensor& tensor) {
  const auto [slot, fresh] = numbers_.try_emplace(tensor.unsafeGetTensorImpl(), tensors_.size());
  if (!fresh) return slot->second;
  using Storage = c10::weak_intrusive_ptr<c10::StorageImpl>;
  const bool strided = tensor.has_storage() && tensor.layout() == at::kStrided;
  tensors_.push_back(
      {tensor, c10::weak_intrusive_ptr<c10::TensorImpl>(tensor.getIntrusivePtr()),
       strided ? tensor.storage().getWeakStorageImpl() : Storage(c10::intrusive_ptr<c10::StorageImpl>()),
       tensor.sizes().vec(), strided ? tensor.strides().vec() : std::vector<int64_t>(),
       strided ? tensor.storage_offset() : 0, tensor.scalar_type()});
  if (strided) by_storage_[tensor.storage().unsafeGetStorageImpl()].push_back(slot->second);
  return slot->second;
}

bool Recording::number_as_twin(const at::Tensor& tensor) {
  if (!tensor.has_storage() || tensor.layout() != at::kStrided) return false;
  const auto there = by_storage_.find(tensor.storage().unsafeGetStorageImpl());
  if (there == by_storage_.end()) return false;
  for (auto n = there->second.rbegin(); n != there->second.rend(); ++n) {
    const Known& known = tensors_[*n];
    if (tensor.sizes() != known.sizes || tensor.strides() != known.strides ||
        tensor.storage_offset() != known.offset || tensor.scalar_type() != known.type)
      continue;
    numbers_.emplace(tensor.unsafeGetTensorImpl(), *n);
    twins_.push_back(tensor);
    return true;
  }
  return false;
}

at::Tensor Recording::tensor(size_t index) const {
  if (tensors_[index].kept.defined()) return tensors_[index].kept;
  return at::Tensor(tensors_[index].seen.lock());
}

RecordedItem Recording::item(const c10::IValue& value) {
  RecordedItem out;
  if (value.isTensor() && value.toTensor().defined()) {
    out.kind = RecordedItem::Kind::tensor;
    out.tensor = number(value.toTensor());
    out.sizes = value.toTensor().sizes().vec();
  } else if (value.isList()) {
    out.kind = RecordedItem::Kind::list;
    for (const c10::IValue& element : value.toListRef()) out.items.push_back(item(element));
    out.type = value.type();
  } else if (!value.isTensor()) {
    out.value = value;
  }
  return out;
}

RecordedItem Recording::result(const c10::IValue& value) {
  const size_t before = tensors_.size();
  RecordedItem out = item(value);
  for (size_t i = before; i < tensors_.size(); ++i) tensors_[i].kept.reset();
  return out;
}

void Recording::run(const c10::OperatorHandle& op, c10::DispatchKey key, c10::Stack& stack) {
  register_fallback();
  const c10::AutoGradMode no_gradients(false);
  const ActiveRecording scope(this);
  const c10::impl::IncludeDispatchKeyGuard on(kKey);
  op.callBoxedForDispatchKey(key, stack);
}

void Recording::run(const std::function<void()>& code) {
  const std::shared_ptr<void> until_the_end = open();
  code();
}

std::shared_ptr<void> Recording::open() {
  struct Guards {
    explicit Guards(Recording* recording) : scope(recording), on(kKey) {}
    c10::AutoGradMode no_gradients{false};
    ActiveRecording scope;
    c10::impl::IncludeDispatchKeyGuard on;
  };
  register_fallback();
  of_code_ = true;
  return std::make_shared<Guards>(this);
}

void Recording::record(const c10::OperatorHandle& op, c10::Stack& stack) {
  const c10::impl::ExcludeDispatchKeyGuard off(kKey);
  const c10::FunctionSchema& schema = op.schema();
  RecordedCall call{&schema};
  const size_t count = schema.arguments().size();
  before(call, stack.data() + (stack.size() - count));
  for (size_t i = stack.size() - count; i < stack.size(); ++i) call.arguments.push_back(item(stack[i]));
  execute(op, stack);
  if (!returns_tensor(schema)) {  // a question about sizes: its answer is in what follows
    if (!schema.returns().empty()) answered(call, stack.back());
    return;
  }
  for (size_t i = stack.size() - schema.returns().size(); i < stack.size(); ++i)
    call.results.push_back(result(stack[i]));
  after(call);
  calls_.push_back(std::move(call));
}

void Recording::execute(const c10::OperatorHandle& op, c10::Stack& stack) {
  if (of_code_) return op.callBoxed(stack);
  const size_t count = op.schema().arguments().size();
  const c10::Stack arguments(stack.end() - static_cast<std::ptrdiff_t>(count), stack.end());
  const auto is_meta = [](const c10::IValue& v) {
    return v.isTensor() && v.toTensor().defined() && v.toTensor().is_meta();
  };
  const bool blind = std::any_of(arguments.begin(), arguments.end(), is_meta);
  const std::string name = qualified_name(op.schema());
  if (blind && size_depends_on_contents(op.schema()))
    throw Error("T531", "the size of what " + name + " returns depends on the contents of its input",
                place_of_node(name),
                "a plugin can map the operator as a whole: see " + manual_page("plugins.md"));
  try {
    op.callBoxed(stack);
    return;
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {  // c10::Error mostly
    if (!returns_tensor(op.schema()) && blind)
      throw Error("T531", name + " asks for the contents of a tensor, which are only known at run time",
                  place_of_node(name),
                  "a plugin can map the operator as a whole: see " + manual_page("plugins.md"));
  }
  stack.resize(stack.size() > count ? stack.size() - count : 0);
  stack.insert(stack.end(), arguments.begin(), arguments.end());
  execute_on_zeros(op, stack);
}

// Many kernels have no shape rule in C++ (PyTorch's are in Python): run on zeros of the same sizes, keep the sizes.
void Recording::execute_on_zeros(const c10::OperatorHandle& op, c10::Stack& stack) {
  const c10::FunctionSchema& schema = op.schema();
  const size_t count = schema.arguments().size();
  const c10::Stack arguments(stack.end() - static_cast<std::ptrdiff_t>(count), stack.end());
  stack.resize(stack.size() - count);
  c10::Stack zeros;
  for (const c10::IValue& argument : arguments) {
    if (argument.isDevice()) {
      zeros.emplace_back(c10::Device(c10::kCPU));
      continue;
    }
    zeros.push_back(map_tensors(argument, [](const at::Tensor& t) {
      return t.defined() && t.is_meta() ? at::zeros(t.sizes(), t.options().device(at::kCPU)) : t;
    }));
  }
  op.callBoxed(zeros);
  const std::string name = qualified_name(schema);
  if (std::find(stand_ins_.begin(), stand_ins_.end(), name) == stand_ins_.end()) stand_ins_.push_back(name);
  for (size_t i = 0; i < zeros.size(); ++i) {
    const c10::AliasInfo* alias = schema.returns()[i].alias_info();
    const auto written =
        std::find_if(schema.arguments().begin(), schema.arguments().end(), [&](const c10::Argument& a) {
          return alias != nullptr && alias->isWrite() && a.alias_info() != nullptr &&
                 a.alias_info()->beforeSets() == alias->beforeSets();
        });
    if (written != schema.arguments().end()) {
      stack.push_back(arguments[static_cast<size_t>(written - schema.arguments().begin())]);
      continue;
    }
    stack.push_back(map_tensors(zeros[i], [](const at::Tensor& t) {
      return t.defined() ? at::empty_strided(t.sizes(), t.strides(), t.options().device(at::kMeta)) : t;
    }));
  }
}

}  // namespace onnxport
