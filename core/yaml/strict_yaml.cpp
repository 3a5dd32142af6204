#include "core/yaml/strict_yaml.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <streambuf>
#include <system_error>
#include <unordered_set>

#include "core/ir/utf8.h"

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
  const size_t broken = ir::first_broken(text);
  const std::string_view whole = text.substr(0, broken);
  const auto control = std::find_if(whole.begin(), whole.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
  });
  return control == whole.end() ? broken : static_cast<size_t>(control - whole.begin());
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

// Builds the tree from the parser's events: the node API would hide duplicate keys, aliases and second documents.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(const std::string& file) : file_(file) {}

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
    // An escape says what no file may hold: a NUL at which a name would end, or (by a fault of yaml-cpp in \_ and \N)
    // half a character.
    if (first_bad_byte(value) != std::string_view::npos) {
      throw Error("M101", "an escape of this text does not give UTF-8 without control characters",
                  location_of(file_, mark), "write the character itself, or leave it out");
    }
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
      top.node.items.push_back(std::move(node));
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

Node parse_events(std::string_view text, const std::string& file) {
  Builder builder(file);
  try {
    ViewBuffer buffer(text);
    std::istream in(&buffer);
    YAML::Parser parser(in);
    parser.HandleNextDocument(builder);
    // A parser that is still good has more than white space and comments before it.
    Builder second(file);
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
  const std::string_view shown = ir::beginning(text, 60);
  return (quoted ? "the text '" : "'") + std::string(shown) + (shown.size() < text.size() ? "…" : "") + "'";
}

std::string read_text(const std::string& file) {
  Location place;
  place.file = file;
  const auto refuse = [&](std::string why) {
    throw Error("M101", std::move(why), place, "check the path and its permissions");
  };
  // A named pipe or a terminal must not make us wait: nothing but a regular file is read.
  const int fd = ::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) refuse("cannot be read: " + std::generic_category().message(errno));
  std::string text;
  struct stat status {};
  const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  ssize_t got = regular ? 1 : 0;
  size_t size = 0;
  // One byte more than allowed tells a file that is too large, without reading the rest of it; one byte more than there
  // should be tells a file that grows. No more room than that: thousands of files are read this way.
  while (got > 0 && size <= kMaxBytes) {
    const size_t room =
        size == 0 ? std::min(static_cast<size_t>(status.st_size), kMaxBytes) + 1 : kMaxBytes + 1;
    if (size == text.size()) text.resize(room);
    got = ::read(fd, text.data() + size, text.size() - size);
    size += static_cast<size_t>(std::max<ssize_t>(got, 0));
  }
  ::close(fd);
  if (!regular) {
    throw Error("M101",
                S_ISDIR(status.st_mode) ? "is a folder, not a file" : "is a pipe or a device, not a file",
                place, "name the file itself");
  }
  if (got < 0) refuse("cannot be read");
  text.resize(size);
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
  return parse_events(text, file);
}

}  // namespace onnxport::yaml
