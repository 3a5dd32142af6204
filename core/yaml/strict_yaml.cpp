#include "core/yaml/strict_yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <streambuf>
#include <unordered_set>

namespace onnxport::yaml {
namespace {

Location location_of(const std::string& file, const YAML::Mark& mark) {
  Location place;
  place.file = file;
  place.line = mark.line + 1;
  place.column = mark.column + 1;
  return place;
}

// Where the text stops being UTF-8 without control characters; npos when it does not.
size_t first_bad_byte(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80                   ? 1
                          : lead >= 0xC2 && lead < 0xE0 ? 2
                          : lead >= 0xE0 && lead < 0xF0 ? 3
                          : lead >= 0xF0 && lead < 0xF5 ? 4
                                                        : 0;
    if (length == 0 || i + length > text.size()) return i;
    if (length == 1 && lead < 0x20 && lead != '\n' && lead != '\r' && lead != '\t') return i;
    for (size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

Location place_at(std::string_view text, size_t offset, const std::string& file) {
  Location place;
  place.file = file;
  place.line = 1 + static_cast<int>(
                       std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
  const size_t newline = offset == 0 ? std::string_view::npos : text.rfind('\n', offset - 1);
  place.column = static_cast<int>(offset - (newline == std::string_view::npos ? 0 : newline + 1)) + 1;
  return place;
}

// A long list of operator names is most of a large manifest, and the parser spends 30 us on each line of it.
// The lines between the first and the last of such a run are read here; the parser sees blank ones in their
// place.
struct Runs {
  std::string text;                       // what is left for the parser
  std::map<int, std::vector<Node>> rest;  // by the line of the run's first item: the items taken out
};

// "    - ns::name.overload": the column of the name, or npos.
size_t name_column(std::string_view line) {
  const size_t dash = line.find_first_not_of(' ');
  if (dash == std::string_view::npos || line.substr(dash, 2) != "- " || line.size() < dash + 7)
    return std::string_view::npos;
  const std::string_view name = line.substr(dash + 2);
  const size_t colons = name.find("::");
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
  };
  const bool plain = std::isalpha(static_cast<unsigned char>(name[0])) != 0 &&
                     colons != std::string_view::npos && colons + 2 < name.size() &&
                     std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(colons), is_word) &&
                     std::all_of(name.begin() + static_cast<std::ptrdiff_t>(colons) + 2, name.end(), is_word);
  return plain ? dash + 2 : std::string_view::npos;
}

Runs take_runs(std::string_view text) {
  Runs out;
  out.text.reserve(text.size());
  std::vector<Node> run;  // since its first line; all of one column
  const auto flush = [&](std::string_view last) {
    if (run.size() > 2) {
      const int first = run.front().line;
      run.erase(run.begin());
      run.pop_back();  // stays: what follows may continue it
      out.text.append(run.size(), '\n');
      out.rest.emplace(first, std::move(run));
      out.text.append(last);
    } else if (run.size() == 2) {
      out.text.append(last);
    }
    run.clear();
  };
  std::string_view last;
  int number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string_view whole = text.substr(at, end - at);
    const std::string_view line = whole.substr(0, whole.find_last_not_of("\r\n") + 1);
    at = end;
    ++number;
    const size_t column = name_column(line);
    if (!run.empty() &&
        (column == std::string_view::npos || run.front().column != static_cast<int>(column) + 1))
      flush(last);
    if (column == std::string_view::npos) {
      out.text.append(whole);
      continue;
    }
    if (run.empty()) out.text.append(whole);
    Node& item = run.emplace_back();
    item.kind = Node::Kind::scalar;
    item.line = number;
    item.column = static_cast<int>(column) + 1;
    item.text = line.substr(column);
    last = whole;
  }
  flush(last);
  return out;
}

// Builds the tree from the parser's events: the node API would hide duplicate keys, aliases and second
// documents.
class Builder : public YAML::EventHandler {
 public:
  Builder(const std::string& file, std::map<int, std::vector<Node>>& runs) : file_(file), runs_(runs) {}

  Node take() && {
    if (!errors_.empty()) throw Error(std::move(errors_));
    return std::move(root_);
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    forbid_anchor(mark, anchor);
    add(make(Node::Kind::null, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    forbidden(mark, "an alias (*name)", "write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    forbid_anchor(mark, anchor);
    forbid_tag(mark, tag);
    Node node = make(Node::Kind::scalar, mark);
    node.quoted = tag == "!";
    node.text = value;
    if (!node.quoted && (value == "~" || value == "null")) node.kind = Node::Kind::null;
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    Node key;
    bool has_key = false;
    std::unordered_set<std::string> keys;
  };

  static Node make(Node::Kind kind, const YAML::Mark& mark) {
    Node node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }
  [[noreturn]] void forbidden(const YAML::Mark& mark, const std::string& what,
                              const std::string& hint) const {
    throw Error("M108", what + " is not allowed here", location_of(file_, mark), hint);
  }
  void forbid_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != 0) forbidden(mark, "an anchor (&name)", "write the value out");
  }
  void forbid_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!")
      forbidden(mark, "the tag " + tag, "remove it: types follow from the key");
  }
  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    forbid_anchor(mark, anchor);
    forbid_tag(mark, tag);
    if (stack_.size() == kMaxDepth) {
      forbidden(mark, "nesting deeper than " + std::to_string(kMaxDepth) + " levels", "flatten the file");
    }
    stack_.push_back({make(kind, mark), {}, false, {}});
  }
  void close() {
    Node node = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(node));
  }
  void add(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& top = stack_.back();
    if (top.node.kind == Node::Kind::list) {
      const auto run = node.quoted ? runs_.end() : runs_.find(node.line);
      top.node.items.push_back(std::move(node));
      if (run == runs_.end()) return;
      std::move(run->second.begin(), run->second.end(), std::back_inserter(top.node.items));
      runs_.erase(run);
    } else if (!top.has_key) {
      add_key(top, std::move(node));
    } else {
      top.node.entries.push_back({std::move(top.key), std::move(node)});
      top.has_key = false;
    }
  }
  void add_key(Open& top, Node key) {
    Location place;
    place.file = file_;
    place.line = key.line;
    place.column = key.column;
    if (key.kind != Node::Kind::scalar) {
      throw Error("M108", "a key must be plain text, this one is " + key.description(), place,
                  "write the key as a word");
    }
    if (!top.keys.insert(key.text).second) {
      const Node* value = top.node.find(key.text);
      errors_.push_back({Severity::error, "M106", "the key '" + key.text + "' is given twice", place,
                         "the first one's value is on line " +
                             std::to_string(value == nullptr ? key.line : value->line) +
                             ": keep one of them"});
    }
    top.key = std::move(key);
    top.has_key = true;
  }

  const std::string& file_;
  std::map<int, std::vector<Node>>& runs_;  // taken out of the text, to be put back where they were
  Node root_;
  std::vector<Open> stack_;
  std::vector<Diagnostic> errors_;
};

class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // NOLINT: the get area is never written
    setg(begin, begin, begin + text.size());
  }
};

Node parse_events(std::string_view text, std::map<int, std::vector<Node>>& runs, const std::string& file) {
  Builder builder(file, runs);
  try {
    ViewBuffer buffer(text);
    std::istream in(&buffer);
    YAML::Parser parser(in);
    parser.HandleNextDocument(builder);
    // A parser that is still good has more than white space and comments before it.
    std::map<int, std::vector<Node>> none;
    Builder second(file, none);
    if (parser.HandleNextDocument(second)) {
      Location place;
      place.file = file;
      throw Error("M108", "a second document (---) is not allowed here", place, "one file, one document");
    }
  } catch (const YAML::Exception& e) {
    throw Error("M102", "YAML syntax: " + e.msg, location_of(file, e.mark),
                "check the indentation and the brackets before this place");
  }
  return std::move(builder).take();
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const auto& [k, v] : entries) {
    if (k.text == key) return &v;
  }
  return nullptr;
}

std::string Node::description() const {
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
    case Kind::scalar:
      break;
  }
  return (quoted ? "the text '" : "'") + (text.size() > 60 ? text.substr(0, 60) + "…" : text) + "'";
}

std::string read_text(const std::string& file) {
  Location place;
  place.file = file;
  std::error_code error;
  if (std::filesystem::is_directory(file, error))
    throw Error("M101", "is a folder, not a file", place, "name the file itself");
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error("M101", "cannot be read", place, "check the path and its permissions");
  // One byte more than allowed tells a file that is too large, without reading the rest of it.
  std::string text(kMaxBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) throw Error("M101", "cannot be read", place, "check the path and its permissions");
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

Node parse(std::string_view text, const std::string& file) {
  if (text.size() > kMaxBytes) {
    Location place;
    place.file = file;
    throw Error("M101", "is larger than " + std::to_string(kMaxBytes / 1024) + " KiB", place,
                "such a file holds names and a few settings, split what is larger");
  }
  if (const size_t bad = first_bad_byte(text); bad != std::string_view::npos) {
    throw Error("M101", "is not UTF-8 text", place_at(text, bad, file),
                "save the file as UTF-8 without control characters");
  }
  Runs runs = take_runs(text);
  Node root = parse_events(runs.text, runs.rest, file);
  // A run that no list took was part of some text, which must stay as it was.
  if (runs.rest.empty()) return root;
  std::map<int, std::vector<Node>> none;
  return parse_events(text, none, file);
}

}  // namespace onnxport::yaml
