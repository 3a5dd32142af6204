#include "core/capture/exported_program/guards.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>

#include "core/archive/file_error.h"
#include "core/capture/exported_program/symbolic.h"
#include "core/ir/dims/bounds.h"
#include "core/ir/dims/guard.h"

namespace onnxport {
namespace {

using Sizes = std::map<std::string, int64_t, std::less<>>;

constexpr size_t kLongestGuard = 4096;
// As many sizes are no range that a user would want to run others of.
constexpr int64_t kMostNeighbours = 16;

// "L['x'][0].size()[2]" as the placeholder's name "x_0" and the axis 2.
struct SizeOfInput {
  std::string placeholder;
  size_t axis = 0;
  size_t length = 0;  // of the text
};

std::optional<SizeOfInput> read_size(std::string_view text) {
  SizeOfInput out;
  size_t at = 1;  // behind the L
  while (at < text.size() && text[at] == '[') {
    const size_t end = text.find(']', at);
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view key = text.substr(at + 1, end - at - 1);
    if (key.size() > 1 && (key.front() == '\'' || key.front() == '"')) key = key.substr(1, key.size() - 2);
    out.placeholder += (out.placeholder.empty() ? "" : "_") + std::string(key);
    at = end + 1;
  }
  constexpr std::string_view kSize = ".size()[";
  if (text.substr(at, kSize.size()) != kSize) return std::nullopt;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + at + kSize.size(), end, out.axis);
  if (error != std::errc() || stop == end || *stop != ']') return std::nullopt;
  out.length = static_cast<size_t>(stop - text.data()) + 1;
  return out;
}

// The guard over the symbols of the inputs' types; nullopt when it is about something else.
std::optional<std::string> over_symbols(std::string_view guard, const ProgramInputs& inputs) {
  std::string out;
  for (size_t at = 0; at < guard.size();) {
    if (guard.substr(at, 2) != "L[") {
      out += guard[at++];
      continue;
    }
    const auto size = read_size(guard.substr(at));
    const ProgramInputs::Input* input = size ? inputs.find(size->placeholder) : nullptr;
    if (input == nullptr || !input->meta) return std::nullopt;
    const ir::Type type = inputs.type(*input);
    if (size->axis >= type.shape()->size()) return std::nullopt;
    const ir::Dim& dim = (*type.shape())[size->axis];
    if (dim.is_unknown()) return std::nullopt;
    out += '(' + dim.text() + ')';
    at += size->length;
  }
  return out;
}

std::set<std::string> symbols_of(const std::string& guard, const ir::SymbolTable& table) {
  std::set<std::string> out;
  for (const auto& [name, info] : table) {
    for (size_t at = guard.find(name); at != std::string::npos; at = guard.find(name, at + 1)) {
      const auto is_part = [&](size_t i) {
        return i < guard.size() &&
               (std::isalnum(static_cast<unsigned char>(guard[i])) != 0 || guard[i] == '_');
      };
      if ((at == 0 || !is_part(at - 1)) && !is_part(at + name.size())) out.insert(name);
    }
  }
  return out;
}

// What `symbol` is where `zero` is 0; nullopt when that is no multiple of it plus the rest.
std::optional<ir::Dim> solved(const ir::Dim& zero, const std::string& symbol) {
  const auto at = [&](int64_t value) {
    return zero.substitute(
        [&](std::string_view s) { return s == symbol ? std::optional(ir::Dim(value)) : std::nullopt; });
  };
  const ir::Dim rest = at(0);
  const ir::Dim factor = at(1) - rest;
  if (!factor.is_constant() || factor.value() == 0) return std::nullopt;
  if (!(ir::Dim::symbol(symbol) * factor + rest == zero)) return std::nullopt;
  const ir::Dim out = floor_div(ir::Dim(0) - rest, factor);
  return out * factor == ir::Dim(0) - rest ? std::optional(out) : std::nullopt;
}

class Guards {
 public:
  Guards(const Json& program, const ProgramInputs& inputs, ProgramDims& dims)
      : program_(program), inputs_(inputs), dims_(dims) {}

  ReadGuards run() {
    for (const Json& guard : program_.at("guards_code").items()) {
      const std::string_view text = guard.text();
      if (text.size() <= kLongestGuard) apply(text);
    }
    for (const std::string_view text : open_) {
      const auto guard = over_symbols(text, inputs_);  // under the names that are left
      if (guard && !symbols_of(*guard, inputs_.symbols(program_)).empty()) out_.kept.push_back(*guard);
    }
    return std::move(out_);
  }

 private:
  void apply(std::string_view text) {
    const auto guard = over_symbols(text, inputs_);
    if (!guard) return;
    const ir::SymbolTable table = inputs_.symbols(program_);
    const std::set<std::string> symbols = symbols_of(*guard, table);
    if (symbols.empty()) return;
    const auto sides = ir::equality_sides(*guard);
    if (!sides || !(substitute(*sides, symbols, table) || fix(*guard, text, symbols, table)))
      open_.push_back(text);
  }

  // "a == b", "2*a == b": one symbol less.
  bool substitute(std::pair<std::string_view, std::string_view> sides, const std::set<std::string>& symbols,
                  const ir::SymbolTable& table) {
    const auto left = parse_symbolic(sides.first);
    const auto right = parse_symbolic(sides.second);
    if (!left || !right || left->is_unknown() || right->is_unknown()) return false;
    const ir::Dim zero = *left - *right;
    if (zero.is_unknown()) return false;
    if (zero.is_constant()) return zero.value() == 0;
    for (const std::string& symbol : symbols) {
      const std::optional<ir::Dim> value = solved(zero, symbol);
      if (!value || !agrees(*value, symbol, table)) continue;
      dims_.resolve(symbol, *value);
      return true;
    }
    return false;
  }
  // A guard that the example itself breaks says something else than we read.
  static bool agrees(const ir::Dim& value, const std::string& symbol, const ir::SymbolTable& table) {
    Sizes sizes;
    for (const auto& [name, info] : table) {
      if (info.hint) sizes[name] = *info.hint;
    }
    const auto own = sizes.find(symbol);
    const auto computed = value.evaluate(sizes);
    return own == sizes.end() || !computed || *computed == own->second;
  }

  // Where no other size than the example's, or only its neighbours, satisfy an equality, the program holds for the
  // example: ONNX has no way to say more.
  bool fix(const std::string& guard, std::string_view text, const std::set<std::string>& symbols,
           const ir::SymbolTable& table) {
    Sizes sizes;
    for (const auto& [name, info] : table) sizes[name] = info.hint.value_or(std::max<int64_t>(info.min, 2));
    if (ir::guard_holds(guard, sizes) != true) return false;
    if (symbols.size() > 1 && holds_where_all_grow(guard, symbols, sizes)) return false;
    bool any = false;
    for (const std::string& symbol : symbols) {
      const int64_t example = sizes[symbol];
      const int64_t limit = std::max<int64_t>(8 * example, 256);
      int64_t largest = 0, count = 0;
      for (int64_t size = 0; size <= limit; ++size) {
        sizes[symbol] = size;
        if (ir::guard_holds(guard, sizes) != true) continue;
        largest = size;
        ++count;
      }
      sizes[symbol] = example;
      if (largest > limit / 2) continue;      // multiples of 8, and the like
      if (count > kMostNeighbours) continue;  // a range, "ceil(n / 128) == 1"
      any = true;
      dims_.resolve(symbol, example);
      out_.notes.push_back(
          {Severity::warning,
           "I120",
           "the size '" + symbol + "' is written as " + std::to_string(example) +
               ": the program was traced for it and holds only where " + excerpt(text, 200),
           {},
           "compute sizes with integers only in the model, then export the program again, where "
           "other sizes are to run"});
    }
    return any;
  }

  // What ties sizes to each other, as "5*a % b == 0", fixes none of them.
  static bool holds_where_all_grow(const std::string& guard, const std::set<std::string>& symbols,
                                   const Sizes& sizes) {
    for (int64_t times = 8; times <= 64; ++times) {
      Sizes larger = sizes;
      for (const std::string& symbol : symbols) larger[symbol] *= times;
      if (ir::guard_holds(guard, larger) == true) return true;
    }
    return false;
  }

  const Json& program_;
  const ProgramInputs& inputs_;
  ProgramDims& dims_;
  std::vector<std::string_view> open_;
  ReadGuards out_;
};

}  // namespace

ReadGuards apply_guards(const Json& program, const ProgramInputs& inputs, ProgramDims& dims) {
  if (!program.has("guards_code")) return {};
  return Guards(program, inputs, dims).run();
}

}  // namespace onnxport
