/* The C API of libonnxport: what the C++ API does, for every language that can call C.
 *
 *   onnxport_source source = {sizeof source};
 *   source.path = onnxport_text("model.pt2");
 *   const char* options = "{\"opset\": 18, \"output\": \"model.onnx\"}";
 *   onnxport_result* result;
 *   if (onnxport_export(&source, options, strlen(options), NULL, &result) != 0) {
 *     onnxport_string why = onnxport_result_message(result);
 *     fwrite(why.data, 1, why.size, stderr);
 *   }
 *   onnxport_result_free(result);
 *
 * C99. It only grows: functions, and members at the end of structs, each of which begins with its size as the caller was
 * compiled. Texts are UTF-8 with a length; no exception leaves a function. Any number of threads may call at once.
 *
 * Options are a JSON object with the members of ExportOptions (onnxport/options.h) by their names, `verify` and `plugins`
 * being objects in it, the values of enumerations texts ("weights": "auto"|"inline"|"external"|"reference"); and "output", the
 * file to write. A name that no option has is an error (I140).
 */
#ifndef ONNXPORT_C_H_
#define ONNXPORT_C_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ONNXPORT_API __attribute__((visibility("default")))

/* Of the caller's until the call returns, of a result's until it is freed. Not terminated. */
typedef struct onnxport_string {
  const char* data;
  size_t size;
} onnxport_string;

static inline onnxport_string onnxport_text(const char* text) {
  onnxport_string out;
  out.data = text;
  out.size = strlen(text);
  return out;
}

/* A weight in memory, which stays as it is until the call returns, or the program that was captured from it is freed. */
typedef struct onnxport_weight {
  onnxport_string name; /* in the model's state */
  int32_t dtype;        /* as ONNX numbers element types (TensorProto.DataType) */
  uint32_t rank;
  const int64_t* dims;
  const int64_t* strides; /* in elements, none negative; NULL: row-major */
  const void* data;       /* the first element */
  size_t byte_count;      /* to the last one in memory */
} onnxport_weight;

/* Code that was recorded while it ran: see onnxport/c_capture.h. */
typedef struct onnxport_recording onnxport_recording;

/* Where a model is read from: a file, the bytes of one, or a recording. */
typedef struct onnxport_source {
  size_t struct_size;
  onnxport_string path; /* a .pt, .pt2 or .onnx file; with bytes: what messages call them */
  const void* bytes;    /* NULL: the file is read */
  size_t byte_count;
  /* Weights that the bytes do not hold: read where they lie, copied once, into what is written. */
  const onnxport_weight* weights;
  size_t weight_count;
  size_t weight_size;                  /* sizeof(onnxport_weight) of the caller */
  const onnxport_recording* recording; /* NULL: the file or the bytes are read */
} onnxport_source;

/* Each may be NULL. They are called on threads of the export, never two at once. */
typedef struct onnxport_callbacks {
  size_t struct_size;
  void* context;
  void (*progress)(void* context, onnxport_string stage, double fraction);
  /* Takes the bytes of the ONNX file in pieces, in order, in place of a file or onnxport_result_model. Other than 0 ends the
   * export with error S715. */
  int32_t (*sink)(void* context, const void* bytes, size_t size);
} onnxport_callbacks;

typedef struct onnxport_result onnxport_result;

/* Each function gives 0, or the exit status of the family of its first error (docs/errors.md; 1: something else), and puts
 * into *out a result, also where it fails (NULL only where no memory is left for one). `callbacks` may be NULL. */

/* Exports to the option "output", to the sink, or into the result. A dry run gives 0 whatever it finds: see the report. */
ONNXPORT_API int32_t onnxport_export(const onnxport_source* source, const char* options_json,
                                     size_t options_size, const onnxport_callbacks* callbacks,
                                     onnxport_result** out);
/* Takes an ONNX file (or the bytes of one) to the option "opset": to the option "output", to the sink, or into the result. */
ONNXPORT_API int32_t onnxport_convert(const onnxport_source* source, const char* options_json,
                                      size_t options_size, const onnxport_callbacks* callbacks,
                                      onnxport_result** out);

/* A captured model, to be written for several targets: captured once, whatever their number. Any number of threads may write it at
 * once. */
typedef struct onnxport_program onnxport_program;
/* Puts the program into *program, NULL where it fails; NULL for `callbacks` is none, a sink is not used. */
ONNXPORT_API int32_t onnxport_capture(const onnxport_source* source, const char* options_json,
                                      size_t options_size, const onnxport_callbacks* callbacks,
                                      onnxport_program** program, onnxport_result** out);
/* As onnxport_export, for one target: of the options, those that say how a model is captured, and "plugins", were for
 * onnxport_capture, and are not looked at. */
ONNXPORT_API int32_t onnxport_program_write(const onnxport_program* program, const char* options_json,
                                            size_t options_size, const onnxport_callbacks* callbacks,
                                            onnxport_result** out);
/* NULL does nothing. */
ONNXPORT_API void onnxport_program_free(onnxport_program* program);

/* Plugins found and their manifests read, once for any number of exports, by any number of threads. */
typedef struct onnxport_session onnxport_session;
/* Of the options, "plugins" is looked at. Puts the session into *session, NULL where it fails. */
ONNXPORT_API int32_t onnxport_session_open(const char* options_json, size_t options_size,
                                           onnxport_session** session, onnxport_result** out);
/* 1 while a session opened now would find the same manifests, and none of them, their libraries and the lock file has changed
 * since; else 0: open another. Looks at files, reads none. */
ONNXPORT_API int32_t onnxport_session_is_current(const onnxport_session* session);
/* As onnxport_export with the plugins of the session; the option "plugins" is not looked at. */
ONNXPORT_API int32_t onnxport_session_export(const onnxport_session* session, const onnxport_source* source,
                                             const char* options_json, size_t options_size,
                                             const onnxport_callbacks* callbacks, onnxport_result** out);
/* As onnxport_capture, in the same way. */
ONNXPORT_API int32_t onnxport_session_capture(const onnxport_session* session, const onnxport_source* source,
                                              const char* options_json, size_t options_size,
                                              const onnxport_callbacks* callbacks, onnxport_program** program,
                                              onnxport_result** out);
/* Programs captured with it stay. NULL does nothing. */
ONNXPORT_API void onnxport_session_free(onnxport_session* session);

/* Compares an ONNX file with the model. */
ONNXPORT_API int32_t onnxport_verify(const onnxport_source* source, onnxport_string onnx_file,
                                     const char* options_json, size_t options_size,
                                     const onnxport_callbacks* callbacks, onnxport_result** out);
/* The graph as text (onnxport_result_text) after "capture", "prepare", "translate" or "legalize". */
ONNXPORT_API int32_t onnxport_show(const onnxport_source* source, onnxport_string after,
                                   const char* options_json, size_t options_size, onnxport_result** out);
/* Every plugin that is found, as JSON (onnxport_result_report). */
ONNXPORT_API int32_t onnxport_plugins(const char* options_json, size_t options_size, onnxport_result** out);
/* Who maps a torch operator at the option "opset", as JSON (onnxport_result_report). */
ONNXPORT_API int32_t onnxport_which(onnxport_string torch_operator, const char* options_json,
                                    size_t options_size, onnxport_result** out);

/* The bytes of the model, when there was neither a file nor a sink. */
ONNXPORT_API onnxport_string onnxport_result_model(const onnxport_result* result);
/* JSON, as `onnxport --json` prints it; empty after an error. */
ONNXPORT_API onnxport_string onnxport_result_report(const onnxport_result* result);
/* What onnxport_show was asked for. */
ONNXPORT_API onnxport_string onnxport_result_text(const onnxport_result* result);
/* JSON: a list of notes, warnings and errors, each with code, message, place and hint. */
ONNXPORT_API onnxport_string onnxport_result_diagnostics(const onnxport_result* result);
/* The errors in words; empty when there are none. */
ONNXPORT_API onnxport_string onnxport_result_message(const onnxport_result* result);
/* NULL does nothing. */
ONNXPORT_API void onnxport_result_free(onnxport_result* result);

/* "major.minor.patch" of the library, terminated, there for ever. */
ONNXPORT_API const char* onnxport_version(void);

#ifdef __cplusplus
}
#endif

#endif /* ONNXPORT_C_H_ */
