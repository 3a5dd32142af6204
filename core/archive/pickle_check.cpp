#include "core/archive/pickle_check.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace onnxport {
namespace {

constexpr uint32_t kDeepest = 500;  // containers within containers

// Of each value on the reader's stack only how deep it nests is kept.
class PickleWalk {
 public:
  explicit PickleWalk(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::string fault() {
    while (fault_.empty()) {
      const auto opcode = static_cast<uint8_t>(number(1));
      if (!fault_.empty() || opcode == '.') break;
      if (!push(opcode) && !build(opcode) && !recall(opcode))
        refuse("it has the opcode " + std::to_string(opcode) + ", which TorchScript does not write");
    }
    return fault_;
  }

 private:
  void refuse(std::string why) {
    if (fault_.empty()) fault_ = std::move(why);
  }
  void skip(uint64_t count) {
    if (count > bytes_.size() - at_) return refuse("it is truncated, or a length in it is wrong");
    at_ += count;
  }
  uint64_t number(size_t width) {
    const size_t from = at_;
    skip(width);
    uint64_t out = 0;
    for (size_t i = width; fault_.empty() && i-- > 0;)
      out = out << 8 | static_cast<uint8_t>(bytes_[from + i]);
    return out;
  }
  void line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_, bytes_.size() - at_);
    const size_t end = rest.find('\n');
    skip(end == std::string_view::npos ? rest.size() + 1 : end + 1);
  }

  bool leaf() {
    stack_.push_back(0);
    return true;
  }
  uint32_t pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) {
      refuse("it takes a value where there is none");
      return 0;
    }
    const uint32_t out = stack_.back();
    stack_.pop_back();
    return out;
  }
  uint32_t pop_to_mark() {
    if (marks_.empty()) {
      refuse("it lacks a mark");
      return 0;
    }
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    const uint32_t deepest = first == stack_.end() ? 0 : *std::max_element(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return deepest;
  }
  bool container(uint32_t of) {
    if (of >= kDeepest) refuse("its containers nest more than " + std::to_string(kDeepest) + " deep");
    stack_.push_back(of + 1);
    return true;
  }
  // What lies on top takes values.
  bool fill(uint32_t with) { return container(std::max(pop(), with + 1) - 1); }

  bool push(uint8_t opcode) {
    switch (opcode) {
      case 0x80:  // PROTO
        return skip(1), true;
      case 'N':   // NONE
      case 0x88:  // NEWTRUE
      case 0x89:  // NEWFALSE
      case ')':   // EMPTY_TUPLE
        return leaf();
      case 'J':  // BININT
        return skip(4), leaf();
      case 'K':  // BININT1
        return skip(1), leaf();
      case 'M':  // BININT2
        return skip(2), leaf();
      case 'G':  // BINFLOAT
        return skip(8), leaf();
      case 0x8a:  // LONG1
      case 0x8c:  // SHORT_BINUNICODE
        return skip(number(1)), leaf();
      case 'X':  // BINUNICODE
        return skip(number(4)), leaf();
      case 0x8d:  // BINUNICODE8
        return skip(number(8)), leaf();
      case 'c':  // GLOBAL
        return line(), line(), leaf();
      case '}':  // EMPTY_DICT
      case ']':  // EMPTY_LIST
        return container(0);
      default:
        return false;
    }
  }

  bool build(uint8_t opcode) {
    switch (opcode) {
      case '(':  // MARK
        return marks_.push_back(stack_.size()), true;
      case 't':  // TUPLE
        return container(pop_to_mark());
      case 0x85:  // TUPLE1
        return container(pop());
      case 0x86:  // TUPLE2
        return container(std::max(pop(), pop()));
      case 0x87:  // TUPLE3
        return container(std::max({pop(), pop(), pop()}));
      case 'a':  // APPEND
      case 'b':  // BUILD
        return fill(pop());
      case 'e':  // APPENDS
      case 'u':  // SETITEMS
        return fill(pop_to_mark());
      case 's':  // SETITEM
        return fill(std::max(pop(), pop()));
      case 'R':   // REDUCE
      case 0x81:  // NEWOBJ
        return container(std::max(pop(), pop()));
      case 'Q':  // BINPERSID
        return pop(), leaf();
      case '0':  // POP
        return pop(), true;
      default:
        return false;
    }
  }

  // A reader that keeps what it remembers in an array makes it as long as the largest index says.
  bool put(uint64_t index) {
    if (index > at_) refuse("it remembers a value under the number " + std::to_string(index));
    const uint32_t depth = pop();
    stack_.push_back(depth);
    memo_[index] = depth;
    return true;
  }
  bool get(uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) refuse("it recalls a value that it never remembered");
    stack_.push_back(found == memo_.end() ? 0 : found->second);
    return true;
  }
  bool recall(uint8_t opcode) {
    switch (opcode) {
      case 'q':  // BINPUT
        return put(number(1));
      case 'r':  // LONG_BINPUT
        return put(number(4));
      case 'h':  // BINGET
        return get(number(1));
      case 'j':  // LONG_BINGET
        return get(number(4));
      default:
        return false;
    }
  }

  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  std::string fault_;
  std::vector<uint32_t> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, uint32_t> memo_;
};

}  // namespace

std::string pickle_fault(std::span<const std::byte> bytes) { return PickleWalk(bytes).fault(); }

}  // namespace onnxport
