// com.acme::ScaledTanh for ONNX Runtime, so that --verify can run it: --ort-library libacme_ort_kernels.so
#include <onnxruntime_c_api.h>

#include <cmath>

namespace {

const OrtApi* api = nullptr;

struct Kernel {
  float scale = 1;
};

OrtStatusPtr create(const OrtCustomOp*, const OrtApi*, const OrtKernelInfo* info, void** kernel) {
  auto* made = new Kernel;
  *kernel = made;
  OrtStatusPtr status = api->KernelInfoGetAttribute_float(info, "scale", &made->scale);
  if (status == nullptr) return nullptr;
  api->ReleaseStatus(status);  // in the first version of the operator it had another name
  return api->KernelInfoGetAttribute_float(info, "alpha", &made->scale);
}

OrtStatusPtr compute(void* kernel, OrtKernelContext* context) {
  const OrtValue* x = nullptr;
  if (OrtStatusPtr s = api->KernelContext_GetInput(context, 0, &x)) return s;
  OrtTensorTypeAndShapeInfo* info = nullptr;
  if (OrtStatusPtr s = api->GetTensorTypeAndShape(x, &info)) return s;
  size_t count = 0;
  size_t rank = 0;
  int64_t dims[8] = {};
  OrtStatusPtr status = api->GetTensorShapeElementCount(info, &count);
  if (status == nullptr) status = api->GetDimensionsCount(info, &rank);
  if (status == nullptr && rank <= 8) status = api->GetDimensions(info, dims, rank);
  api->ReleaseTensorTypeAndShapeInfo(info);
  if (status != nullptr) return status;
  OrtValue* y = nullptr;
  void* from = nullptr;
  void* to = nullptr;
  if (OrtStatusPtr s = api->KernelContext_GetOutput(context, 0, dims, rank, &y)) return s;
  if (OrtStatusPtr s = api->GetTensorMutableData(const_cast<OrtValue*>(x), &from)) return s;
  if (OrtStatusPtr s = api->GetTensorMutableData(y, &to)) return s;
  for (size_t i = 0; i < count; ++i) {
    static_cast<float*>(to)[i] =
        std::tanh(static_cast<const float*>(from)[i]) * static_cast<Kernel*>(kernel)->scale;
  }
  return nullptr;
}

OrtCustomOp scaled_tanh() {
  OrtCustomOp op{};
  op.version = 16;
  op.CreateKernelV2 = create;
  op.KernelComputeV2 = compute;
  op.KernelDestroy = [](void* kernel) { delete static_cast<Kernel*>(kernel); };
  op.GetName = [](const OrtCustomOp*) { return "ScaledTanh"; };
  op.GetExecutionProviderType = [](const OrtCustomOp*) -> const char* { return nullptr; };
  op.GetInputTypeCount = [](const OrtCustomOp*) -> size_t { return 1; };
  op.GetOutputTypeCount = [](const OrtCustomOp*) -> size_t { return 1; };
  op.GetInputType = [](const OrtCustomOp*, size_t) { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; };
  op.GetOutputType = [](const OrtCustomOp*, size_t) { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; };
  op.GetInputCharacteristic = [](const OrtCustomOp*, size_t) { return INPUT_OUTPUT_REQUIRED; };
  op.GetOutputCharacteristic = [](const OrtCustomOp*, size_t) { return INPUT_OUTPUT_REQUIRED; };
  op.GetInputMemoryType = [](const OrtCustomOp*, size_t) { return OrtMemTypeDefault; };
  op.GetVariadicInputMinArity = [](const OrtCustomOp*) { return 1; };
  op.GetVariadicInputHomogeneity = [](const OrtCustomOp*) { return 1; };
  op.GetVariadicOutputMinArity = [](const OrtCustomOp*) { return 1; };
  op.GetVariadicOutputHomogeneity = [](const OrtCustomOp*) { return 1; };
  return op;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) OrtStatus* RegisterCustomOps(OrtSessionOptions* options,
                                                                               const OrtApiBase* base) {
  api = base->GetApi(16);
  static OrtCustomOp op = scaled_tanh();
  static OrtCustomOpDomain* domain = nullptr;
  if (domain == nullptr) {
    if (OrtStatus* s = api->CreateCustomOpDomain("com.acme", &domain)) return s;
    if (OrtStatus* s = api->CustomOpDomain_Add(domain, &op)) return s;
  }
  return api->AddCustomOpDomain(options, domain);
}
