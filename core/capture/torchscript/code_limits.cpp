#include "core/capture/torchscript/code_limits.h"

#include <pthread.h>

#include <cctype>
#include <exception>
#include <vector>

namespace onnxport {
namespace {

constexpr size_t kMostBytes = size_t{64} << 20;  // a parsed text takes some fifty times its size
constexpr size_t kMostDefinitions = 50'000;      // functions and classes: each may need the next one compiled
constexpr size_t kDeepestExpression = 10'000;    // operators and brackets, each inside the one before
constexpr size_t kDeepestIndent = 400;           // columns; TorchScript writes two for each level
constexpr size_t kMostElif = 5'000;              // each is a branch inside the one before
// libtorch folds a list of n constants in a time that grows with n squared, some 2 s for 100,000: the sum of the squares.
constexpr uint64_t kMostPairs = 10'000'000'000;
constexpr size_t kDeepStack = size_t{1} << 30;  // reserved; what is not used takes no memory

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// How deep the tree of each expression may be at most: in every open bracket the operators since the last comma. And how
// many items its brackets hold.
class Depth {
 public:
  bool line_may_end() const { return open_.size() == 1; }
  void line() { open_.assign(1, {}), sum_ = 0; }
  bool deeper() { return ++open_.back().operators, ++sum_ <= kDeepestExpression; }
  bool open() {
    const bool fits = deeper();
    open_.emplace_back();
    return fits;
  }
  void close() {
    if (open_.size() == 1) return;
    sum_ -= open_.back().operators;
    pairs_ += open_.back().commas * open_.back().commas;
    open_.pop_back();
  }
  void comma() {
    sum_ -= open_.back().operators;
    open_.back().operators = 0;
    ++open_.back().commas;
  }
  uint64_t pairs() const { return pairs_; }

 private:
  struct Open {
    size_t operators = 0;
    uint64_t commas = 0;
  };
  std::vector<Open> open_ = std::vector<Open>(1);
  size_t sum_ = 0;
  uint64_t pairs_ = 0;
};

// Behind a string's closing quote; the end of the text when there is none.
size_t end_of_string(std::string_view code, size_t at) {
  const char quote = code[at++];
  while (at < code.size() && code[at] != quote && code[at] != '\n') at += code[at] == '\\' ? 2 : 1;
  return at + 1;
}

class CodeScan {
 public:
  explicit CodeScan(std::string_view code) : code_(code) {}

  std::string fault() {
    size_t at = 0;
    bool starts_line = true;
    while (at < code_.size()) {
      if (starts_line && !indent(at)) return "a block of it is indented by more columns than any program's";
      starts_line = false;
      if (at >= code_.size()) break;
      const char c = code_[at];
      if (c == '\n') {
        starts_line = depth_.line_may_end();
        if (starts_line) depth_.line();
        ++at;
      } else if (c == '#') {
        while (at < code_.size() && code_[at] != '\n') ++at;
      } else if (c == '"' || c == '\'') {
        at = end_of_string(code_, at);
      } else if (is_word(c)) {
        if (!word(at)) return "one of its expressions or branches is nested too deep";
      } else if (!sign(c)) {
        return "one of its expressions is nested too deep";
      } else {
        ++at;
      }
    }
    return "";
  }
  size_t definitions() const { return definitions_; }
  uint64_t pairs() const { return depth_.pairs(); }

 private:
  bool indent(size_t& at) const {
    const size_t from = at;
    while (at < code_.size() && (code_[at] == ' ' || code_[at] == '\t')) ++at;
    return at - from <= kDeepestIndent;
  }
  bool word(size_t& at) {
    const size_t from = at;
    while (at < code_.size() && is_word(code_[at])) ++at;
    const std::string_view word = code_.substr(from, at - from);
    if (word == "def" || word == "class") ++definitions_;
    if (word == "elif") return ++elifs_ <= kMostElif;
    const bool is_operator = word == "if" || word == "else" || word == "and" || word == "or" ||
                             word == "not" || word == "in" || word == "is" || word == "for" ||
                             word == "lambda" || word == "await";
    return !is_operator || depth_.deeper();
  }
  bool sign(char c) {
    switch (c) {
      case '(':
      case '[':
      case '{':
        return depth_.open();
      case ')':
      case ']':
      case '}':
        return depth_.close(), true;
      case ',':
        return depth_.comma(), true;
      case ' ':
      case '\t':
      case '\r':
      case ':':
      case ';':
        return true;
      default:
        return depth_.deeper();
    }
  }

  std::string_view code_;
  Depth depth_;
  size_t definitions_ = 0;
  size_t elifs_ = 0;
};

struct Task {
  void (*run)(void*);
  void* with;
  std::exception_ptr thrown;
};

void* run_task(void* pointer) {
  auto* task = static_cast<Task*>(pointer);
  try {
    task->run(task->with);
  } catch (...) {
    task->thrown = std::current_exception();
  }
  return nullptr;
}

}  // namespace

std::string CodeLimits::fault(std::string_view code) {
  bytes_ += code.size();
  if (bytes_ > kMostBytes) return "it is longer than " + std::to_string(kMostBytes >> 20) + " MiB";
  CodeScan scan(code);
  std::string out = scan.fault();
  definitions_ += scan.definitions();
  if (out.empty() && definitions_ > kMostDefinitions)
    out = "it has more than " + std::to_string(kMostDefinitions) + " functions and classes";
  pairs_ += scan.pairs();
  if (out.empty() && pairs_ > kMostPairs)
    out = "its lists hold more constants than libtorch folds in seconds (100,000 in one list)";
  return out;
}

void run_with_deep_stack(void (*run)(void*), void* with) {
  Task task{run, with, nullptr};
  pthread_attr_t attributes;
  pthread_t thread{};
  bool started = false;
  if (pthread_attr_init(&attributes) == 0) {
    started = pthread_attr_setstacksize(&attributes, kDeepStack) == 0 &&
              pthread_create(&thread, &attributes, run_task, &task) == 0;
    pthread_attr_destroy(&attributes);
  }
  // Where address space is rationed, an honest model gets along with the stack that there is.
  if (started) {
    pthread_join(thread, nullptr);
  } else {
    run_task(&task);
  }
  if (task.thrown) std::rethrow_exception(task.thrown);
}

}  // namespace onnxport
