#include "core/archive/pickle.h"

#include <bit>
#include <unordered_map>
#include <utility>

#include "core/archive/zip_directory.h"

namespace onnxport {
namespace {

using Kind = PickleValue::Kind;

// A state dict has some twenty values a tensor, each of one byte at least: memory stays a small multiple of a
// file that is honest.
constexpr size_t kMostValues = size_t{1} << 21;
constexpr size_t kLongestInteger = 8;  // bytes
constexpr uint8_t kOldestProtocol = 2;
constexpr uint8_t kNewestProtocol = 5;

// Why a pickle is not read; never leaves read_pickle.
struct Refusal {
  std::string why;
};

[[noreturn]] void refuse(std::string why) { throw Refusal{std::move(why)}; }

}  // namespace

class PickleReader {
 public:
  PickleReader(std::span<const std::byte> bytes, PickleAllows allows) : bytes_(bytes), allows_(allows) {
    none_ = add(Kind::none);
    true_ = add(Kind::boolean);
    false_ = add(Kind::boolean);
    empty_ = add(Kind::tuple);
    true_->integer = 1;
  }

  Pickle read() {
    if (byte() != 0x80) refuse("it is no pickle of protocol 2 or later");
    const uint8_t protocol = byte();
    if (protocol < kOldestProtocol || protocol > kNewestProtocol)
      refuse("it has protocol " + std::to_string(protocol) + ", and 2 to 5 are read");
    while (step(byte())) {
    }
    if (stack_.size() != 1 || !marks_.empty()) refuse("it ends with values that nothing takes");
    pickle_.root_ = stack_.back();
    return std::move(pickle_);
  }

 private:
  // ---- bytes ----
  std::string_view take(uint64_t count) {
    if (count > bytes_.size() - at_) refuse("it is truncated");
    const std::string_view out(reinterpret_cast<const char*>(bytes_.data()) + at_, count);
    at_ += count;
    return out;
  }
  uint64_t number(size_t width) {
    const std::string_view raw = take(width);
    uint64_t out = 0;
    for (size_t i = width; i-- > 0;) out = out << 8 | static_cast<uint8_t>(raw[i]);
    return out;
  }
  uint8_t byte() { return static_cast<uint8_t>(number(1)); }
  std::string_view line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_, bytes_.size() - at_);
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) refuse("it is truncated");
    at_ += end + 1;
    return rest.substr(0, end);
  }
  // Two's complement of any width up to a machine word's.
  int64_t signed_number(size_t width) {
    if (width > kLongestInteger) refuse("it holds an integer of " + std::to_string(width) + " bytes");
    if (width == 0) return 0;
    const size_t unused = 64 - 8 * width;
    return static_cast<int64_t>(number(width) << unused) >> unused;
  }

  // ---- values ----
  PickleValue* add(Kind kind) {
    if (pickle_.values_.size() >= kMostValues) refuse("it holds an absurd number of values");
    PickleValue& out = pickle_.values_.emplace_back();
    out.kind = kind;
    return &out;
  }
  void push(PickleValue* value) { stack_.push_back(value); }
  PickleValue* pop() {
    if (stack_.size() <= floor()) refuse("it takes a value where there is none");
    PickleValue* out = stack_.back();
    stack_.pop_back();
    return out;
  }
  PickleValue* top(Kind kind, const char* wanted) {
    if (stack_.size() <= floor() || !stack_.back()->is(kind)) refuse(std::string("it fills ") + wanted);
    return stack_.back();
  }
  // Below it lie the values of before the last mark.
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  PickleValue::Items pop_to_mark() {
    if (marks_.empty()) refuse("it lacks a mark");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    PickleValue::Items out(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return out;
  }

  void push_integer(int64_t value) {
    PickleValue* out = add(Kind::integer);
    out->integer = value;
    push(out);
  }
  void push_real() {
    uint64_t bits = 0;  // the one number that is big-endian
    for (const char c : take(8)) bits = bits << 8 | static_cast<uint8_t>(c);
    PickleValue* out = add(Kind::real);
    out->real = std::bit_cast<double>(bits);
    push(out);
  }
  void push_text(uint64_t length) {
    PickleValue* out = add(Kind::text);
    out->text = take(length);
    push(out);
  }
  void push_tuple(PickleValue::Items items) {
    if (items.empty()) return push(empty_);
    PickleValue* out = add(Kind::tuple);
    out->items = std::move(items);
    push(out);
  }
  void push_tuple_of(size_t count) {
    PickleValue::Items items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    push_tuple(std::move(items));
  }
  void push_global() {
    const std::string_view module = line();
    const std::string_view name = line();
    std::string global = std::string(module) + ' ' + std::string(name);
    if (!allows_(global)) {
      refuse("it calls for '" + printable_record(module) + '.' + printable_record(name) +
             "', and only plain tensors, numbers and containers are read");
    }
    PickleValue* out = add(Kind::global);
    out->text = std::move(global);
    push(out);
  }
  void push_call() {
    const PickleValue* arguments = pop();
    const PickleValue* function = pop();
    if (!function->is(Kind::global) || !arguments->is(Kind::tuple)) refuse("it calls what is no function");
    // An ordered dict is filled later, as a dict is.
    const bool is_dict = function->text == "collections OrderedDict" && arguments->items.empty();
    PickleValue* out = add(is_dict ? Kind::dict : Kind::call);
    if (!is_dict) out->items = {function, arguments};
    push(out);
  }
  void push_persistent() {
    PickleValue* out = add(Kind::persistent);
    out->items = {pop()};
    push(out);
  }

  void append(const PickleValue::Items& items) {
    PickleValue* list = top(Kind::list, "what is no list");
    list->items.insert(list->items.end(), items.begin(), items.end());
  }
  void set_items(const PickleValue::Items& items) {
    if (items.size() % 2 != 0) refuse("it gives a dict a key without a value");
    PickleValue* dict = top(Kind::dict, "what is no dict");
    dict->items.insert(dict->items.end(), items.begin(), items.end());
  }

  void put(uint64_t index) {
    if (stack_.size() <= floor()) refuse("it remembers a value where there is none");
    memo_[index] = stack_.back();
  }
  void get(uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) refuse("it recalls a value that it never remembered");
    push(found->second);
  }

  // ---- opcodes; false: the pickle is over ----
  bool step(uint8_t opcode) {
    if (opcode == '.') return false;
    if (!push_simple(opcode) && !build(opcode) && !recall(opcode)) {
      refuse("it has the opcode " + std::to_string(opcode) + ", which torch.save does not write for tensors");
    }
    return true;
  }

  bool push_simple(uint8_t opcode) {
    switch (opcode) {
      case 'N':  // NONE
        return push(none_), true;
      case 0x88:  // NEWTRUE
        return push(true_), true;
      case 0x89:  // NEWFALSE
        return push(false_), true;
      case 'J':  // BININT
        return push_integer(signed_number(4)), true;
      case 'K':  // BININT1
        return push_integer(static_cast<int64_t>(number(1))), true;
      case 'M':  // BININT2
        return push_integer(static_cast<int64_t>(number(2))), true;
      case 0x8a:  // LONG1
        return push_integer(signed_number(byte())), true;
      case 'G':  // BINFLOAT
        return push_real(), true;
      case 'X':  // BINUNICODE
        return push_text(number(4)), true;
      case 0x8c:  // SHORT_BINUNICODE
        return push_text(number(1)), true;
      case '}':  // EMPTY_DICT
        return push(add(Kind::dict)), true;
      case ']':  // EMPTY_LIST
        return push(add(Kind::list)), true;
      case ')':  // EMPTY_TUPLE
        return push(empty_), true;
      case 'c':  // GLOBAL
        return push_global(), true;
      default:
        return false;
    }
  }

  bool build(uint8_t opcode) {
    switch (opcode) {
      case '(':  // MARK
        return marks_.push_back(stack_.size()), true;
      case 't':  // TUPLE
        return push_tuple(pop_to_mark()), true;
      case 0x85:  // TUPLE1
      case 0x86:  // TUPLE2
      case 0x87:  // TUPLE3
        return push_tuple_of(opcode - 0x84u), true;
      case 'a':  // APPEND
        return append({pop()}), true;
      case 'e':  // APPENDS
        return append(pop_to_mark()), true;
      case 's': {  // SETITEM
        const PickleValue* value = pop();
        const PickleValue* key = pop();
        return set_items({key, value}), true;
      }
      case 'u':  // SETITEMS
        return set_items(pop_to_mark()), true;
      case 'R':  // REDUCE
        return push_call(), true;
      case 'Q':  // BINPERSID
        return push_persistent(), true;
      case 'b':  // BUILD: a state dict's attributes (its version), which say nothing of its tensors
        pop();
        return top(Kind::dict, "the attributes of what is no dict"), true;
      case '0':  // POP
        return pop(), true;
      default:
        return false;
    }
  }

  bool recall(uint8_t opcode) {
    switch (opcode) {
      case 'q':  // BINPUT
        return put(number(1)), true;
      case 'r':  // LONG_BINPUT
        return put(number(4)), true;
      case 'h':  // BINGET
        return get(number(1)), true;
      case 'j':  // LONG_BINGET
        return get(number(4)), true;
      default:
        return false;
    }
  }

  std::span<const std::byte> bytes_;
  PickleAllows allows_;
  size_t at_ = 0;
  Pickle pickle_;
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, PickleValue*> memo_;
  PickleValue* none_;
  PickleValue* true_;
  PickleValue* false_;
  PickleValue* empty_;
};

std::optional<Pickle> read_pickle(std::span<const std::byte> bytes, PickleAllows allows, std::string& why) {
  try {
    return PickleReader(bytes, allows).read();
  } catch (Refusal& refusal) {
    why = std::move(refusal.why);
    return std::nullopt;
  }
}

}  // namespace onnxport
