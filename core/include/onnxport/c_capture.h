/* For bindings of other languages that hold tensors of libtorch: whatever code this thread runs between two calls, as a model.
 *
 *   onnxport_named_tensor x = {onnxport_text("x"), tensor};            tensor: at::Tensor*
 *   onnxport_recording* recording = onnxport_capture_begin(&x, 1, weights, weight_count, sizeof x);
 *   ...                                                                 any code that computes y of x and the weights
 *   onnxport_named_tensor y = {onnxport_text("y"), result};
 *   onnxport_capture_end(recording, &y, 1, sizeof y);
 *   onnxport_source source = {sizeof source};
 *   source.recording = recording;                                       then as any source of onnxport/c.h
 *   onnxport_recording_free(recording);
 *
 * In libonnxport_torch (onnxport::torch), beside libonnxport. C99. Nothing here throws: what went wrong is told by the call that
 * is given the source. The sizes are those of the tensors: one recording says nothing of others. It is replayed before anything
 * is written, and has to give the same results (P607). */
#ifndef ONNXPORT_C_CAPTURE_H
#define ONNXPORT_C_CAPTURE_H

#include "onnxport/c.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An at::Tensor* of the libtorch that libonnxport_torch uses: what AOTInductor calls AtenTensorHandle. It is looked at during the
 * call only; the tensor behind it is kept. */
typedef struct onnxport_named_tensor {
  onnxport_string name; /* in the ONNX file */
  const void* tensor;
} onnxport_named_tensor;

/* Begins to record what this thread calls; gradients are off until the end. `inputs` become the inputs of the graph, `state` its
 * weights: parameters and buffers, which have their contents back after the end. `tensor_size` is sizeof(onnxport_named_tensor).
 * NULL only where no memory is left. */
ONNXPORT_API onnxport_recording* onnxport_capture_begin(const onnxport_named_tensor* inputs,
                                                        size_t input_count,
                                                        const onnxport_named_tensor* state,
                                                        size_t state_count, size_t tensor_size);

/* Ends it, on the thread that began it; `outputs` become the results of the graph. 0, or the exit status of what went wrong, which
 * the call that is given the source tells: P601 (no tensors), P603 (the code read what a tensor holds), P604 (it gave a weight
 * other storage), P609 (not recorded, ended already, or on another thread). */
ONNXPORT_API int32_t onnxport_capture_end(onnxport_recording* recording, const onnxport_named_tensor* outputs,
                                          size_t output_count, size_t tensor_size);

/* Ends it first, where that was not done; on another thread than it began on it stays for the life of the process. Programs that were captured of it stay as they are. NULL does nothing. */
ONNXPORT_API void onnxport_recording_free(onnxport_recording* recording);

#ifdef __cplusplus
}
#endif

#endif
