#include "core/capture/torchscript/source_lines.h"

#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/frontend/source_range.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <unordered_map>

#include "core/archive/pickle_check.h"
#include "core/capture/torchscript/archive.h"

namespace onnxport {
namespace {

// Only the file's name: a path of the machine where the model was made tells its reader nothing.
std::string place(std::string_view path, int64_t line) {
  const size_t slash = path.find_last_of("/\\");
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1)) + ':' +
         std::to_string(line);
}

bool is_torch(std::string_view path) {
  return path.find("torch/nn/") != std::string_view::npos ||
         path.find("torch/jit/") != std::string_view::npos ||
         path.find("torch/_") != std::string_view::npos ||
         path.find("torch/functional.py") != std::string_view::npos;
}

// A traced node carries its stack, innermost first, one "path(line): function" per row. The innermost frame
// outside PyTorch is the user's; without any, the innermost.
std::string from_stack(std::string_view stack) {
  std::string innermost;
  while (!stack.empty()) {
    const size_t end = std::min(stack.find('\n'), stack.size());
    const std::string_view row = stack.substr(0, end);
    stack.remove_prefix(std::min(end + 1, stack.size()));
    const size_t open = row.rfind('(');
    int64_t line = 0;
    if (open == std::string_view::npos ||
        std::from_chars(row.data() + open + 1, row.data() + row.size(), line).ec != std::errc())
      continue;
    const std::string_view path = row.substr(0, open);
    if (!is_torch(path)) return place(path, line);
    if (innermost.empty()) innermost = place(path, line);
  }
  return innermost;
}

class TextTable {
 public:
  explicit TextTable(const c10::IValue& table) : texts_(table.toTupleRef().elements().vec()) {}

  // A source: (ids of its pieces, id of its file's name, first line); a range: (source, start, end).
  std::string locate(const c10::IValue& range) {
    const auto& parts = range.toTupleRef().elements();
    const Source& source = source_of(parts.at(0));
    if (source.file.empty()) return source.place;
    const auto start = static_cast<size_t>(std::max<int64_t>(parts.at(1).toInt(), 0));
    const auto lines = std::lower_bound(source.line_ends.begin(), source.line_ends.end(), start);
    return place(source.file, source.first_line + (lines - source.line_ends.begin()));
  }

 private:
  std::string_view text(int64_t id) const { return texts_.at(static_cast<size_t>(id)).toStringRef(); }
  bool first_piece_is_stack(const std::vector<int64_t>& pieces) const {
    return text(pieces.front()).find(".py(") != std::string_view::npos;
  }

  // What the ranges of one source share; a long function has one for each of its operators.
  struct Source {
    std::string place;  // the same for every range, where `file` is empty
    std::string_view file;
    int64_t first_line = 0;
    std::vector<size_t> line_ends;
  };
  const Source& source_of(const c10::IValue& value) {
    const auto [slot, fresh] = sources_.try_emplace(&value.toTupleRef());
    if (fresh) slot->second = read_source(value);
    return slot->second;
  }
  Source read_source(const c10::IValue& value) const {
    Source out;
    const auto& cells = value.toTupleRef().elements();
    const std::vector<int64_t> pieces = cells.at(0).toIntVector();
    if (pieces.empty()) return out;
    std::string whole;
    for (const int64_t piece : pieces) whole += text(piece);
    if (first_piece_is_stack(pieces)) {
      out.place = from_stack(whole);
      return out;
    }
    if (cells.at(1).isInt()) out.file = text(cells.at(1).toInt());
    out.first_line = cells.at(2).toInt();
    for (size_t at = whole.find('\n'); at != std::string::npos; at = whole.find('\n', at + 1))
      out.line_ends.push_back(at);
    return out;
  }

  std::vector<c10::IValue> texts_;
  std::unordered_map<const void*, Source> sources_;
};

}  // namespace

std::string SourceLines::range_file(const torch::jit::SourceRange& range) {
  return range.source() && range.source()->filename() ? *range.source()->filename() : std::string();
}

size_t SourceLines::range_start(const torch::jit::SourceRange& range) { return range.start(); }

std::vector<SourceLines::Entry> SourceLines::read(const std::string& record) const {
  std::vector<Entry> out;
  if (!archive_.has(record)) return out;
  // Debugging aids only: a table that cannot be read must not stop an export.
  try {
    const std::string data = archive_.text(record);
    if (!pickle_fault(std::as_bytes(std::span(data))).empty()) return out;
    const c10::IValue all = torch::jit::unpickle(data.data(), data.size(), torch::jit::TypeResolver());
    const auto& parts = all.toTupleRef().elements();
    if (parts.size() != 3 || !parts[0].isString()) return out;
    TextTable table(parts[1]);
    for (const c10::IValue& row : parts[2].toTupleRef().elements()) {
      const auto& cells = row.toTupleRef().elements();
      out.push_back({static_cast<size_t>(cells.at(0).toInt()), table.locate(cells.at(1))});
    }
  } catch (const std::exception&) {
    out.clear();
  }
  return out;
}

const std::string& SourceLines::locate(const std::string& file, size_t offset) {
  if (file.empty()) return nowhere_;
  auto found = files_.find(file);
  if (found == files_.end()) found = files_.emplace(file, read(file + ".debug_pkl")).first;
  const std::vector<Entry>& entries = found->second;
  const auto after = std::upper_bound(entries.begin(), entries.end(), offset,
                                      [](size_t at, const Entry& entry) { return at < entry.offset; });
  return after == entries.begin() ? nowhere_ : std::prev(after)->place;
}

}  // namespace onnxport
