#include "core/verify/ort.h"

#include <onnxruntime_c_api.h>

#include <cstdlib>
#include <cstring>
#include <mutex>

#include "core/loader/shared_library.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

// The oldest API that has all we call; any library from then on serves it.
constexpr uint32_t kApiVersion = 16;

// Where to look: what was asked for by name and nothing else; or beside this library, then where the system
// looks. A set-uid program must not load what its caller names.
std::vector<std::filesystem::path> places() {
  if (const char* named = secure_getenv("ONNXPORT_ORT_LIBRARY"); named != nullptr && *named != '\0')
    return {named};
  const std::filesystem::path folder = folder_of_code(reinterpret_cast<const void*>(&places));
  std::vector<std::filesystem::path> out;
  for (const char* name : {"libonnxruntime.so.1", "libonnxruntime.so"}) {
    for (const char* beside : {"", "../lib"}) {
      std::error_code ignored;
      const std::filesystem::path file = folder / beside / name;
      if (std::filesystem::exists(file, ignored)) out.push_back(file);
    }
  }
  out.emplace_back("libonnxruntime.so.1");
  out.emplace_back("libonnxruntime.so");
  return out;
}

const OrtApi* find_api() {
  std::string tried;
  for (const std::filesystem::path& file : places()) {
    tried += (tried.empty() ? "" : ", ") + file.string();
    try {
      const SharedLibrary library = SharedLibrary::open(file);
      const auto base = library.function<const OrtApiBase* (*)()>("OrtGetApiBase");
      const OrtApi* api = base == nullptr ? nullptr : base()->GetApi(kApiVersion);
      if (api != nullptr) return api;
    } catch (const LoadError&) {
      continue;
    }
  }
  throw Error("V802", "no ONNX Runtime library can be opened (tried " + tried + ")", {},
              "set ONNXPORT_ORT_LIBRARY to a libonnxruntime.so of version 1.16 or newer");
}

const OrtApi& api() {
  static const OrtApi* const found = find_api();
  return *found;
}

void check(OrtStatus* status) {
  if (status == nullptr) return;
  const std::string text = api().GetErrorMessage(status);
  api().ReleaseStatus(status);
  throw Error("V804", "ONNX Runtime: " + text);
}

OrtEnv* environment() {
  static OrtEnv* const env = [] {
    OrtEnv* made = nullptr;
    check(api().CreateEnv(ORT_LOGGING_LEVEL_ERROR, "onnxport", &made));
    return made;
  }();
  return env;
}

template <typename T, void (*OrtApi::*Release)(T*)>
class Owned {
 public:
  Owned() = default;
  explicit Owned(T* p) : p_(p) {}
  ~Owned() {
    if (p_ != nullptr) (api().*Release)(p_);
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  T* get() const { return p_; }
  T** out() { return &p_; }

 private:
  T* p_ = nullptr;
};

using OwnedValue = Owned<OrtValue, &OrtApi::ReleaseValue>;
using OwnedInfo = Owned<OrtTensorTypeAndShapeInfo, &OrtApi::ReleaseTensorTypeAndShapeInfo>;

// ONNX's and ONNX Runtime's element types have the same numbers.
ONNXTensorElementDataType element_type(ir::DType dtype) {
  return static_cast<ONNXTensorElementDataType>(dtype);
}

ir::Tensor to_tensor(const OrtValue* value) {
  ONNXType kind = ONNX_TYPE_UNKNOWN;
  check(api().GetValueType(value, &kind));
  if (kind != ONNX_TYPE_TENSOR) throw Error("V804", "ONNX Runtime returned something other than a tensor");
  OwnedInfo info;
  check(api().GetTensorTypeAndShape(value, info.out()));
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  size_t rank = 0;
  size_t count = 0;
  check(api().GetTensorElementType(info.get(), &type));
  check(api().GetDimensionsCount(info.get(), &rank));
  check(api().GetTensorShapeElementCount(info.get(), &count));
  std::vector<int64_t> dims(rank);
  check(api().GetDimensions(info.get(), dims.data(), rank));
  void* data = nullptr;
  check(api().GetTensorMutableData(const_cast<OrtValue*>(value), &data));
  const auto dtype = static_cast<ir::DType>(type);
  return ir::Tensor::copy_of(dtype, std::move(dims),
                             {static_cast<const std::byte*>(data), count * ir::size_of(dtype)});
}

// Those of a Sequence one by one.
void append_tensors(const OrtValue* value, std::vector<ir::Tensor>& out) {
  ONNXType kind = ONNX_TYPE_UNKNOWN;
  check(api().GetValueType(value, &kind));
  if (kind != ONNX_TYPE_SEQUENCE) return out.push_back(to_tensor(value));
  OrtAllocator* allocator = nullptr;
  check(api().GetAllocatorWithDefaultOptions(&allocator));
  size_t count = 0;
  check(api().GetValueCount(value, &count));
  for (size_t i = 0; i < count; ++i) {
    OwnedValue item;
    check(api().GetValue(value, static_cast<int>(i), allocator, item.out()));
    out.push_back(to_tensor(item.get()));
  }
}

}  // namespace

struct OrtSession::Impl {
  Owned<OrtSessionOptions, &OrtApi::ReleaseSessionOptions> options;
  Owned<::OrtSession, &OrtApi::ReleaseSession> session;
  Owned<OrtMemoryInfo, &OrtApi::ReleaseMemoryInfo> memory;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
};

OrtSession::OrtSession(const std::filesystem::path& model,
                       std::span<const std::filesystem::path> custom_libraries)
    : impl_(std::make_unique<Impl>()) {
  Impl& i = *impl_;
  OrtEnv* env = environment();
  check(api().CreateSessionOptions(i.options.out()));
  check(api().SetIntraOpNumThreads(i.options.get(), 1));
  check(api().SetInterOpNumThreads(i.options.get(), 1));
  check(api().SetSessionLogSeverityLevel(i.options.get(), 3));
  // What is compared is the file, not what an optimizer makes of it.
  check(api().SetSessionGraphOptimizationLevel(i.options.get(), ORT_ENABLE_BASIC));
  for (const std::filesystem::path& library : custom_libraries) {
    check(api().RegisterCustomOpsLibrary_V2(i.options.get(), library.c_str()));
  }
  check(api().CreateSession(env, model.c_str(), i.options.get(), i.session.out()));
  check(api().CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, i.memory.out()));
  OrtAllocator* allocator = nullptr;
  check(api().GetAllocatorWithDefaultOptions(&allocator));
  const auto names = [&](auto count_of, auto name_of, std::vector<std::string>& out) {
    size_t count = 0;
    check((api().*count_of)(i.session.get(), &count));
    for (size_t k = 0; k < count; ++k) {
      char* name = nullptr;
      check((api().*name_of)(i.session.get(), k, allocator, &name));
      out.emplace_back(name);
      check(api().AllocatorFree(allocator, name));
    }
  };
  names(&OrtApi::SessionGetInputCount, &OrtApi::SessionGetInputName, i.inputs);
  names(&OrtApi::SessionGetOutputCount, &OrtApi::SessionGetOutputName, i.outputs);
}

OrtSession::~OrtSession() = default;
const std::vector<std::string>& OrtSession::input_names() const { return impl_->inputs; }
const std::vector<std::string>& OrtSession::output_names() const { return impl_->outputs; }

std::vector<ir::Tensor> OrtSession::run(const std::vector<std::pair<std::string, ir::Tensor>>& inputs) {
  std::vector<std::unique_ptr<OwnedValue>> owned;
  std::vector<const OrtValue*> values;
  std::vector<const char*> names;
  std::vector<ir::Tensor> aligned;  // ONNX Runtime reads whole words: bytes of a mapped file may lie anywhere
  aligned.reserve(inputs.size());
  for (const auto& [name, tensor] : inputs) {
    const ir::Tensor dense = tensor.contiguous();
    const bool odd = reinterpret_cast<uintptr_t>(dense.bytes().data()) % 16 != 0;
    aligned.push_back(odd ? ir::Tensor::copy_of(dense.dtype(), dense.dims(), dense.bytes()) : dense);
    const ir::Tensor& t = aligned.back();
    static std::byte nothing{};  // ONNX Runtime wants an address even of no elements
    auto* data = const_cast<std::byte*>(t.bytes().empty() ? &nothing : t.bytes().data());
    owned.push_back(std::make_unique<OwnedValue>());
    check(api().CreateTensorWithDataAsOrtValue(impl_->memory.get(), data, t.bytes().size(), t.dims().data(),
                                               t.dims().size(), element_type(t.dtype()),
                                               owned.back()->out()));
    values.push_back(owned.back()->get());
    names.push_back(name.c_str());
  }
  std::vector<const char*> output_names;
  for (const std::string& name : impl_->outputs) output_names.push_back(name.c_str());
  std::vector<OrtValue*> raw(output_names.size(), nullptr);
  check(api().Run(impl_->session.get(), nullptr, names.data(), values.data(), values.size(),
                  output_names.data(), output_names.size(), raw.data()));
  std::vector<std::unique_ptr<OwnedValue>> results;
  for (OrtValue* v : raw) results.push_back(std::make_unique<OwnedValue>(v));
  std::vector<ir::Tensor> out;
  for (const auto& v : results) append_tensors(v->get(), out);
  return out;
}

}  // namespace onnxport
