/* A plugin that does what ONNXPORT_TEST_ACT says, "place:act", and else maps acme::f to com.acme::Thing. */
#define _GNU_SOURCE
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "onnxport/abi.h"

static const onnxport_op_api* op;
static const onnxport_emit_api* emit;
static const onnxport_infer_result_api* result;
static const onnxport_diag_api* diag;
static volatile int zero;

static int overflow(int depth) {
  volatile char room[4096];
  room[0] = (char)depth;
  return overflow(depth + 1) + room[0];
}

static void end(const char* act) {
  if (strcmp(act, "abort") == 0) abort();
  if (strcmp(act, "segv") == 0) *(volatile int*)8 = 1;
  if (strcmp(act, "fpe") == 0) zero = 7 / zero;
  if (strcmp(act, "overflow") == 0) overflow(0);
  if (strcmp(act, "exit") == 0) exit(0);
  if (strcmp(act, "_exit") == 0) _exit(0);
  if (strcmp(act, "_Exit") == 0) _Exit(0);
  if (strcmp(act, "quick_exit") == 0) quick_exit(0);
  if (strcmp(act, "syscall") == 0) syscall(SYS_exit_group, 0);
  if (strcmp(act, "kill") == 0) raise(SIGKILL);
  if (strcmp(act, "term") == 0) raise(SIGTERM);
  if (strcmp(act, "hang") == 0) {
    for (;;) pause();
  }
}

static void* in_thread(void* act) {
  end(act);
  return NULL;
}

static void misbehave(const char* act) {
  pthread_t thread;
  if (strncmp(act, "thread_", 7) == 0) {
    pthread_create(&thread, NULL, in_thread, (void*)(act + 7));
    pthread_join(thread, NULL);
  }
  if (strcmp(act, "left_thread") == 0) pthread_create(&thread, NULL, in_thread, "hang");
  if (strcmp(act, "chdir") == 0 && chdir("/") != 0) perror("chdir");
  if (strcmp(act, "close") == 0) {
    int fd;
    for (fd = 3; fd < 256; ++fd) close(fd);
  }
  if (strcmp(act, "rounding") == 0) {
    fesetround(FE_UPWARD);
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040); /* small numbers become zero */
#endif
  }
  if (strcmp(act, "locale") == 0) setlocale(LC_ALL, "");
  if (strcmp(act, "umask") == 0) umask(0777);
  if (strcmp(act, "signals") == 0) {
    int number;
    for (number = 1; number < 32; ++number) signal(number, SIG_IGN);
  }
  end(act);
}

static void at(const char* place) {
  const char* told = getenv("ONNXPORT_TEST_ACT");
  const size_t size = strlen(place);
  if (told != NULL && strncmp(told, place, size) == 0 && told[size] == ':') misbehave(told + size + 1);
}

__attribute__((constructor)) static void loaded(void) { at("load"); }
__attribute__((destructor)) static void unloaded(void) { at("unload"); }

static onnxport_str text(const char* s) {
  onnxport_str out;
  out.data = s;
  out.size = strlen(s);
  return out;
}

static int is_told(const char* what) {
  const char* told = getenv("ONNXPORT_TEST_ACT");
  return told != NULL && strcmp(told, what) == 0;
}

static onnxport_value relu(onnxport_context* c, onnxport_value x) {
  onnxport_value y = 0;
  emit->node(c, text(""), text("Relu"), &x, 1, NULL, 0, 0, &y, 1);
  return y;
}

/* The host's tables from a thread that the host does not know, while the mapping waits, and while it does not. */
static onnxport_value given;
static void* calls(void* context) {
  int i;
  for (i = 0; i < 1000; ++i) {
    op->arg_value(context, op->arg(context, text("x")));
    relu(context, given);
    op->set_results(context, &given, 1);
  }
  return NULL;
}

static void call_from_threads(onnxport_context* c, onnxport_value x) {
  pthread_t threads[4];
  int i;
  given = x;
  for (i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, calls, c);
  for (i = 0; i < 100; ++i) op->arg_value(c, op->arg(c, text("x")));
  for (i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
}

static void say(onnxport_context* c) {
  onnxport_message why;
  memset(&why, 0, sizeof why);
  why.struct_size = sizeof why;
  why.text = text("first line\nerror T999: \033[2Jsecond\r\x07 line\xc2\x9b\xe2\x80\xae");
  why.hint = text("a hint\n\033]0;title\007");
  diag->fail(c, &why);
}

static int32_t map(onnxport_context* c, const void* user) {
  const onnxport_value x = op->arg_value(c, op->arg(c, text("x")));
  onnxport_value y = 0;
  (void)user;
  at("mapping");
  if (is_told("threads")) call_from_threads(c, x);
  if (is_told("words")) say(c);
  for (y = x; is_told("endless") && y != 0;) y = relu(c, y);
  while (is_told("eat") && malloc(1 << 20) != NULL) continue;
  emit->node(c, text("com.acme"), text("Thing"), &x, 1, NULL, 0, 0, &y, 1);
  return op->set_results(c, &y, 1);
}

static int32_t infer(onnxport_context* c, const void* user) {
  const onnxport_type type = {sizeof type, ONNXPORT_TYPE_TENSOR, ONNXPORT_F32, -1, NULL, 0, 0};
  (void)user;
  at("inference");
  return result->set_type(c, 0, &type);
}

static int32_t rewrite(onnxport_context* c, const void* user) {
  onnxport_message why;
  (void)user;
  at("pass");
  memset(&why, 0, sizeof why);
  why.struct_size = sizeof why;
  why.text = text("only looks");
  diag->decline(c, &why);
  return ONNXPORT_DECLINED;
}

static const void* get_interface(const onnxport_plugin* self, onnxport_str id) {
  static const onnxport_mapping mappings[] = {{{"acme::f", 7}, 0, 0, 0, 0, map, NULL}};
  static const onnxport_mapping_api mapping = {sizeof mapping, 1, mappings, sizeof mappings[0]};
  static const onnxport_rule rules[] = {{{"com.acme", 8}, {"Thing", 5}, rewrite, NULL}};
  static const onnxport_pass passes[] = {{{"look", 4}, {"optimize", 8}, rules, 1, 0}};
  static const onnxport_pass_api pass = {sizeof pass, 1, passes, sizeof passes[0], sizeof rules[0]};
  static const onnxport_inference inferences[] = {{{"com.acme", 8}, {"Thing", 5}, infer, NULL}};
  static const onnxport_infer_api inference = {sizeof inference, 1, inferences, sizeof inferences[0]};
  (void)self;
  at("tables");
  if (id.size == 18 && memcmp(id.data, "onnxport.mapping/1", 18) == 0) return &mapping;
  if (id.size == 15 && memcmp(id.data, "onnxport.pass/1", 15) == 0) return &pass;
  if (id.size == 16 && memcmp(id.data, "onnxport.infer/1", 16) == 0) return &inference;
  return NULL;
}

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host);
const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const onnxport_plugin plugin = {sizeof plugin, ONNXPORT_ABI_MAJOR, 0, {"com.acme.hostile", 16}, {"1.0.0", 5}, get_interface, NULL};
  op = host->get_interface(host, text("onnxport.op/1"));
  emit = host->get_interface(host, text("onnxport.emit/1"));
  result = host->get_interface(host, text("onnxport.infer_result/1"));
  diag = host->get_interface(host, text("onnxport.diag/1"));
  at("query");
  return &plugin;
}
