/* The C API as a C99 program uses it.   c_api_test MODEL.pt2 FOLDER */
#include <onnxport/c.h>
#include <stdio.h>
#include <stdlib.h>

static int failures = 0;

#define EXPECT(condition) expect((condition) != 0, #condition, __LINE__)

static void expect(int holds, const char* what, int line) {
  if (holds) return;
  fprintf(stderr, "c_api_test.c:%d: not so: %s\n", line, what);
  ++failures;
}

static int contains(onnxport_string text, const char* part) {
  const size_t size = strlen(part);
  size_t i;
  for (i = 0; i + size <= text.size; ++i) {
    if (memcmp(text.data + i, part, size) == 0) return 1;
  }
  return 0;
}

static int has_code(const onnxport_result* result, const char* code) {
  char member[32];
  snprintf(member, sizeof member, "\"code\": \"%s\"", code);
  return contains(onnxport_result_diagnostics(result), member);
}

static onnxport_string read_file(const char* path) {
  onnxport_string out = {NULL, 0};
  FILE* file = fopen(path, "rb");
  char* bytes;
  if (file == NULL) return out;
  fseek(file, 0, SEEK_END);
  out.size = (size_t)ftell(file);
  rewind(file);
  bytes = malloc(out.size);
  if (bytes != NULL && fread(bytes, 1, out.size, file) != out.size) out.size = 0;
  out.data = bytes;
  fclose(file);
  return out;
}

static onnxport_source source_of(const char* path) {
  onnxport_source out;
  memset(&out, 0, sizeof out);
  out.struct_size = sizeof out;
  if (path != NULL) out.path = onnxport_text(path);
  return out;
}

static int32_t run(const onnxport_source* source, const char* options, const onnxport_callbacks* callbacks,
                   onnxport_result** result) {
  return onnxport_export(source, options, strlen(options), callbacks, result);
}

struct taken {
  size_t bytes, calls, stages;
  int32_t answer;
};

static int32_t take(void* context, const void* bytes, size_t size) {
  struct taken* taken = context;
  (void)bytes;
  taken->bytes += size;
  ++taken->calls;
  return taken->answer;
}

static void progress(void* context, onnxport_string stage, double fraction) {
  struct taken* taken = context;
  if (stage.size != 0 && fraction >= 0 && fraction <= 1) ++taken->stages;
}

static void test_memory(const char* path) {
  onnxport_source file = source_of(path);
  onnxport_source memory = source_of(NULL);
  onnxport_result* a = NULL;
  onnxport_result* b = NULL;
  const onnxport_string bytes = read_file(path);
  memory.bytes = bytes.data;
  memory.byte_count = bytes.size;
  EXPECT(run(&file, "", NULL, &a) == 0);
  EXPECT(run(&memory, "{}", NULL, &b) == 0);
  if (a != NULL && b != NULL) {
    const onnxport_string first = onnxport_result_model(a), second = onnxport_result_model(b);
    EXPECT(first.size > 100);
    EXPECT(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    EXPECT(contains(onnxport_result_report(a), "\"opset\": 20"));
    EXPECT(onnxport_result_message(a).size == 0);
  }
  onnxport_result_free(a);
  onnxport_result_free(b);
  free((void*)bytes.data);
}

static void test_file_and_sink(const char* path, const char* folder) {
  onnxport_source source = source_of(path);
  onnxport_callbacks callbacks = {sizeof callbacks, NULL, NULL, NULL};
  onnxport_result* result = NULL;
  struct taken taken = {0, 0, 0, 0};
  char options[4096];
  char file[2048];
  onnxport_string written;
  snprintf(file, sizeof file, "%s/c_api.onnx", folder);
  snprintf(options, sizeof options, "{\"output\": \"%s\", \"opset\": 18}", file);
  EXPECT(run(&source, options, NULL, &result) == 0);
  EXPECT(onnxport_result_model(result).size == 0);
  EXPECT(contains(onnxport_result_report(result), "\"opset\": 18"));
  onnxport_result_free(result);
  written = read_file(file);

  callbacks.context = &taken;
  callbacks.sink = take;
  callbacks.progress = progress;
  EXPECT(run(&source, "{\"opset\": 18}", &callbacks, &result) == 0);
  EXPECT(taken.bytes == written.size && taken.calls > 0 && taken.stages > 0);
  onnxport_result_free(result);
  taken.answer = 1;
  EXPECT(run(&source, "{}", &callbacks, &result) == 16);
  EXPECT(has_code(result, "S715"));
  onnxport_result_free(result);

  /* A caller that was compiled when the struct had one member less. */
  taken.answer = 0;
  taken.bytes = 0;
  callbacks.struct_size = offsetof(onnxport_callbacks, sink);
  EXPECT(run(&source, "{}", &callbacks, &result) == 0);
  EXPECT(taken.bytes == 0 && onnxport_result_model(result).size > 100);
  onnxport_result_free(result);

  EXPECT(onnxport_verify(&source, onnxport_text(file), NULL, 0, NULL, &result) == 0);
  EXPECT(contains(onnxport_result_report(result), "\"passed\": true"));
  onnxport_result_free(result);
  free((void*)written.data);
}

static void test_errors(const char* path) {
  static const char* const wrong[] = {"{",
                                      "[]",
                                      "{\"opsett\": 18}",
                                      "{\"opset\": \"18\"}",
                                      "{\"opset\": 18000000000}",
                                      "{\"verify\": {\"enable\": true}}",
                                      "{\"weights\": \"outside\"}",
                                      "{\"inputs\": [1]}",
                                      "{\"dynamic_axes\": {\"x\": {\"one\": \"n\"}}}",
                                      "{\"plugins\": []}"};
  onnxport_source source = source_of(path);
  onnxport_result* result = NULL;
  size_t i;
  for (i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    EXPECT(run(&source, wrong[i], NULL, &result) == 18);
    EXPECT(has_code(result, "I140"));
    EXPECT(onnxport_result_report(result).size == 0);
    onnxport_result_free(result);
  }
  EXPECT(run(&source, "{\"verify\": {\"rtol\": true}}", NULL, &result) == 18);
  EXPECT(contains(onnxport_result_message(result), "verify.rtol"));
  onnxport_result_free(result);
  source.path = onnxport_text("absent.pt2");
  EXPECT(run(&source, "{}", NULL, &result) == 18);
  EXPECT(contains(onnxport_result_message(result), "I101"));
  onnxport_result_free(result);
  EXPECT(run(&source, "{}", NULL, NULL) == 18);
  EXPECT(run(NULL, "{}", NULL, &result) == 18);
  onnxport_result_free(result);
  onnxport_result_free(NULL);
}

static void test_questions(const char* path) {
  onnxport_source source = source_of(path);
  onnxport_result* result = NULL;
  EXPECT(strchr(onnxport_version(), '.') != NULL);
  EXPECT(onnxport_plugins(NULL, 0, &result) == 0);
  EXPECT(contains(onnxport_result_report(result), "\"org.onnxport.aten\""));
  onnxport_result_free(result);
  EXPECT(onnxport_which(onnxport_text("aten::relu"), "{\"opset\": 18}", 13, &result) == 0);
  EXPECT(contains(onnxport_result_report(result), "\"wins\": true"));
  onnxport_result_free(result);
  EXPECT(onnxport_show(&source, onnxport_text("translate"), NULL, 0, &result) == 0);
  EXPECT(contains(onnxport_result_text(result), "return"));
  onnxport_result_free(result);
  EXPECT(onnxport_show(&source, onnxport_text("nowhere"), NULL, 0, &result) == 18);
  onnxport_result_free(result);
}

static int same(onnxport_string a, onnxport_string b) {
  return a.size > 100 && a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static void test_sessions(const char* path) {
  static const char options[] = "{\"opset\": 18}";
  onnxport_source source = source_of(path);
  onnxport_session* session = NULL;
  onnxport_program* program = NULL;
  onnxport_result* alone = NULL;
  onnxport_result* result = NULL;
  int i;
  EXPECT(onnxport_session_open(NULL, 0, &session, NULL) == 0);
  EXPECT(session != NULL && onnxport_session_is_current(session) == 1);
  EXPECT(run(&source, options, NULL, &alone) == 0);
  for (i = 0; i < 3; ++i) {
    EXPECT(onnxport_session_export(session, &source, options, sizeof options - 1, NULL, &result) == 0);
    EXPECT(same(onnxport_result_model(result), onnxport_result_model(alone)));
    onnxport_result_free(result);
  }
  EXPECT(onnxport_session_capture(session, &source, NULL, 0, NULL, &program, NULL) == 0);
  onnxport_session_free(session);
  EXPECT(onnxport_program_write(program, options, sizeof options - 1, NULL, &result) == 0);
  EXPECT(same(onnxport_result_model(result), onnxport_result_model(alone)));
  onnxport_result_free(result);
  onnxport_result_free(alone);
  onnxport_program_free(program);

  EXPECT(onnxport_session_open("{\"plugins\": {\"files\": [\"absent.onnxport.yaml\"]}}", 48, &session, &result) != 0);
  EXPECT(session == NULL && onnxport_result_message(result).size != 0);
  onnxport_result_free(result);
  EXPECT(onnxport_session_is_current(NULL) == 0);
  onnxport_session_free(NULL);
}

static void test_conversion(const char* folder) {
  static const char options[] = "{\"opset\": 21}";
  char file[2048];
  onnxport_source source, memory = source_of(NULL);
  onnxport_result* a = NULL;
  onnxport_result* b = NULL;
  onnxport_string bytes;
  snprintf(file, sizeof file, "%s/c_api.onnx", folder);
  source = source_of(file);
  bytes = read_file(file);
  memory.bytes = bytes.data;
  memory.byte_count = bytes.size;
  EXPECT(onnxport_convert(&source, options, strlen(options), NULL, &a) == 0);
  EXPECT(onnxport_convert(&memory, options, strlen(options), NULL, &b) == 0);
  if (a != NULL && b != NULL) {
    const onnxport_string first = onnxport_result_model(a), second = onnxport_result_model(b);
    EXPECT(contains(onnxport_result_report(a), "\"opset\": 21"));
    EXPECT(first.size > 100 && first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
  }
  onnxport_result_free(a);
  onnxport_result_free(b);
  free((void*)bytes.data);
}

static void test_targets(const char* path) {
  static const char* const targets[] = {"{\"opset\": 17}", "{\"opset\": 22}"};
  onnxport_source source = source_of(path);
  onnxport_program* program = NULL;
  onnxport_result* result = NULL;
  size_t i;
  EXPECT(onnxport_capture(&source, NULL, 0, NULL, &program, &result) == 0);
  EXPECT(program != NULL);
  onnxport_result_free(result);
  for (i = 0; program != NULL && i < 2; ++i) {
    onnxport_result* once = NULL;
    EXPECT(onnxport_program_write(program, targets[i], strlen(targets[i]), NULL, &result) == 0);
    EXPECT(run(&source, targets[i], NULL, &once) == 0);
    if (result != NULL && once != NULL) {
      const onnxport_string first = onnxport_result_model(result), second = onnxport_result_model(once);
      EXPECT(first.size > 100 && first.size == second.size &&
             memcmp(first.data, second.data, first.size) == 0);
    }
    onnxport_result_free(once);
    onnxport_result_free(result);
  }
  onnxport_program_free(program);
  onnxport_program_free(NULL);
  source = source_of("absent.pt2");
  EXPECT(onnxport_capture(&source, NULL, 0, NULL, &program, &result) == 18);
  EXPECT(program == NULL);
  onnxport_result_free(result);
}

static void test_weights(const char* path) {
  static const float numbers[6] = {1, 2, 3, 4, 5, 6};
  static const int64_t dims[2] = {2, 3}, strides[2] = {1, 2}, beyond[2] = {1, 3};
  const onnxport_string bytes = read_file(path);
  onnxport_source source = source_of(NULL);
  onnxport_result* result = NULL;
  onnxport_weight weights[2];
  memset(weights, 0, sizeof weights);
  weights[0].name = onnxport_text("nobody.reads.it");
  weights[0].dtype = 1;
  weights[0].rank = 2;
  weights[0].dims = dims;
  weights[0].strides = strides;
  weights[0].data = numbers;
  weights[0].byte_count = sizeof numbers;
  weights[1] = weights[0];
  source.bytes = bytes.data;
  source.byte_count = bytes.size;
  source.weights = weights;
  source.weight_count = 1;
  source.weight_size = sizeof *weights;
  EXPECT(run(&source, "{}", NULL, &result) == 0);
  onnxport_result_free(result);
  source.weight_count = 2; /* of one name */
  EXPECT(run(&source, "{}", NULL, &result) == 18);
  EXPECT(has_code(result, "I128"));
  onnxport_result_free(result);
  source.weight_count = 1;
  weights[0].strides = beyond;
  EXPECT(run(&source, "{}", NULL, &result) == 18);
  EXPECT(has_code(result, "I128"));
  onnxport_result_free(result);
  weights[0].strides = strides;
  weights[0].dtype = 99;
  EXPECT(run(&source, "{}", NULL, &result) == 18);
  EXPECT(has_code(result, "I128"));
  onnxport_result_free(result);
  free((void*)bytes.data);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  test_memory(argv[1]);
  test_file_and_sink(argv[1], argv[2]);
  test_errors(argv[1]);
  test_questions(argv[1]);
  test_sessions(argv[1]);
  test_conversion(argv[2]);
  test_targets(argv[1]);
  test_weights(argv[1]);
  if (failures == 0) puts("c_api: all well");
  return failures == 0 ? 0 : 1;
}
