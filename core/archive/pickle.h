// Pickles, read as data: what torch.save writes for names, numbers, containers and tensors. Nothing is
// executed; a call of a known function is a value like any other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace onnxport {

struct PickleValue {
  enum class Kind : uint8_t {
    none,
    boolean,     // integer
    integer,     // integer
    real,        // real
    text,        // text
    tuple,       // items
    list,        // items
    dict,        // items: key, value, key, value, …
    global,      // text "module name"
    call,        // items: the global, and a tuple of its arguments
    persistent,  // items: the identity of what lies outside of the pickle
  };
  using Items = std::vector<const PickleValue*>;

  Kind kind = Kind::none;
  int64_t integer = 0;
  double real = 0;
  std::string text;
  Items items;

  bool is(Kind wanted) const { return kind == wanted; }
  // Nothing but a call of `function`, "module name".
  bool calls(std::string_view function) const { return kind == Kind::call && items[0]->text == function; }
};

// The values of one pickle. A value may be an item of several others, and even of itself: who walks them
// counts and limits its steps.
class Pickle {
 public:
  const PickleValue& root() const { return *root_; }

 private:
  friend class PickleReader;
  std::deque<PickleValue> values_;
  const PickleValue* root_ = nullptr;
};

// Whether a pickle may name this function or class, "collections OrderedDict".
using PickleAllows = bool (*)(std::string_view global);

// Protocols 2 and later, of the opcodes torch.save uses. nullopt when the pickle is truncated or malformed,
// has another opcode, names what `allows` does not, or is absurdly large; `why` then says so.
std::optional<Pickle> read_pickle(std::span<const std::byte> bytes, PickleAllows allows, std::string& why);

}  // namespace onnxport
