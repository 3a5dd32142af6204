#include <algorithm>
#include <cctype>
#include <charconv>

#include "core/argument/scalars.h"
#include "core/argument/scalars_internal.h"

namespace onnxport::scalars {

namespace {

constexpr size_t kMaxText = 1u << 20;
constexpr std::string_view kBlanks = " \t\n\r\f\v";

// How str() writes it; reals have too many spellings to promise one.
std::optional<std::string> written(const Argument& c) {
  if (const auto* s = c.as<std::string>()) return *s;
  if (const auto* b = c.as<bool>()) return *b ? "True" : "False";
  if (const auto i = as_int(c)) return std::to_string(*i);
  if (c.is_none()) return "None";
  return std::nullopt;
}

Result format(const std::string& pattern, Arguments arguments) {
  std::string out;
  size_t next = 0;
  for (size_t at = 0; at < pattern.size(); ++at) {
    if (pattern.compare(at, 2, "{}") != 0) {
      out += pattern[at];
      continue;
    }
    const auto text = next < arguments.size() ? written(arguments[next++]) : std::nullopt;
    if (!text) return std::nullopt;
    out += *text;
    ++at;
  }
  return Argument{std::move(out)};
}

std::string map_characters(std::string text, int (*function)(int)) {
  for (char& c : text) c = static_cast<char>(function(static_cast<unsigned char>(c)));
  return text;
}

std::string strip(const std::string& text, std::string_view what, bool left, bool right) {
  const size_t first = left ? text.find_first_not_of(what) : 0;
  if (first == std::string::npos) return {};
  const size_t last = right ? text.find_last_not_of(what) : text.size() - 1;
  return last == std::string::npos || last < first ? std::string() : text.substr(first, last - first + 1);
}

Result split(const std::string& text, Arguments arguments) {
  if (arguments.size() > 2 && as_int(arguments[2]) != -1)
    return std::nullopt;  // a limit is rare: left to the graph
  std::vector<Argument> out;
  if (arguments.size() < 2 || arguments[1].is_none()) {
    for (size_t at = text.find_first_not_of(kBlanks); at != std::string::npos;) {
      const size_t end = std::min(text.find_first_of(kBlanks, at), text.size());
      out.push_back({text.substr(at, end - at)});
      at = text.find_first_not_of(kBlanks, end);
    }
    return Argument::list_of(std::move(out));
  }
  const auto* separator = arguments[1].as<std::string>();
  if (separator == nullptr || separator->empty()) return std::nullopt;
  size_t at = 0;
  for (size_t end = text.find(*separator); end != std::string::npos; end = text.find(*separator, at)) {
    out.push_back({text.substr(at, end - at)});
    at = end + separator->size();
  }
  out.push_back({text.substr(at)});
  return Argument::list_of(std::move(out));
}

Result join(const std::string& separator, const Argument& parts) {
  if (parts.list() == nullptr) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < parts.items().size(); ++i) {
    const auto* part = parts.items()[i].as<std::string>();
    if (part == nullptr || out.size() > kMaxText) return std::nullopt;
    out += (i == 0 ? "" : separator) + *part;
  }
  return Argument{std::move(out)};
}

// int("12"), float("1.5"): the whole text, blanks around it aside.
Result read_number(std::string_view name, const std::string& text) {
  const std::string body = strip(text, kBlanks, true, true);
  const char* first = body.data() + (body.starts_with('+') ? 1 : 0);
  const char* last = body.data() + body.size();
  if (name == "aten::Int") {
    int64_t value = 0;
    const auto parsed = std::from_chars(first, last, value);
    return parsed.ec == std::errc() && parsed.ptr == last ? Result(Argument{value}) : std::nullopt;
  }
  double value = 0;
  const auto parsed = std::from_chars(first, last, value);
  return parsed.ec == std::errc() && parsed.ptr == last ? Result(Argument{value}) : std::nullopt;
}

// Whether there is a character, and all are of that kind.
Result all_are(const std::string& text, int (*kind)(int)) {
  return Argument{!text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return kind(static_cast<unsigned char>(c)) != 0;
  })};
}

// "isupper": whether letters are there, and none is of the other case.
Result case_is(const std::string& text, int (*kind)(int), int (*other)(int)) {
  const auto is = [](int (*of)(int)) {
    return [of](char c) { return of(static_cast<unsigned char>(c)) != 0; };
  };
  return Argument{std::any_of(text.begin(), text.end(), is(kind)) &&
                  std::none_of(text.begin(), text.end(), is(other))};
}

// Letters that follow no letter become large, the others small; `first_only`: only the text's first.
std::string titled(std::string text, bool first_only) {
  bool starts = true;
  for (char& c : text) {
    const auto letter = static_cast<unsigned char>(c);
    c = static_cast<char>(starts ? std::toupper(letter) : std::tolower(letter));
    starts = !first_only && std::isalpha(letter) == 0;
  }
  return text;
}

std::string swapped_case(std::string text) {
  for (char& c : text) {
    const auto letter = static_cast<unsigned char>(c);
    c = static_cast<char>(std::isupper(letter) != 0 ? std::tolower(letter) : std::toupper(letter));
  }
  return text;
}

Result one_string(std::string_view name, const std::string& text) {
  if (name == "aten::len") return Argument{static_cast<int64_t>(text.size())};
  if (name == "aten::lower") return Argument{map_characters(text, &std::tolower)};
  if (name == "aten::upper") return Argument{map_characters(text, &std::toupper)};
  if (name == "aten::swapcase") return Argument{swapped_case(text)};
  if (name == "aten::capitalize") return Argument{titled(text, true)};
  if (name == "aten::title") return Argument{titled(text, false)};
  if (name == "aten::isdigit" || name == "aten::isdecimal" || name == "aten::isnumeric")
    return all_are(text, &std::isdigit);
  if (name == "aten::isalpha") return all_are(text, &std::isalpha);
  if (name == "aten::isalnum") return all_are(text, &std::isalnum);
  if (name == "aten::isspace") return all_are(text, &std::isspace);
  if (name == "aten::isupper") return case_is(text, &std::isupper, &std::islower);
  if (name == "aten::islower") return case_is(text, &std::islower, &std::isupper);
  if (name == "aten::ord" && text.size() == 1) return Argument{static_cast<int64_t>(text[0])};
  if (name == "aten::str") return Argument{text};
  if (name == "aten::Int" || name == "aten::Float") return read_number(name, text);
  return std::nullopt;
}

Result replace(const std::string& text, const std::string& old, const std::string& fresh) {
  if (old.empty()) return std::nullopt;
  std::string out;
  size_t at = 0;
  for (size_t found = text.find(old); found != std::string::npos; found = text.find(old, at)) {
    out += text.substr(at, found - at) + fresh;
    at = found + old.size();
    if (out.size() > kMaxText) return std::nullopt;
  }
  return Argument{out + text.substr(at)};
}

Result count(const std::string& text, const std::string& part) {
  if (part.empty()) return Argument{static_cast<int64_t>(text.size()) + 1};
  int64_t out = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++out;
  return Argument{out};
}

// "a.b", ".": "a", ".", "b"; of a text without the separator, all of it and nothing.
Result partition(const std::string& text, const std::string& separator, bool last) {
  if (separator.empty()) return std::nullopt;
  const size_t at = last ? text.rfind(separator) : text.find(separator);
  const bool found = at != std::string::npos;
  const std::string before = found ? text.substr(0, at) : last ? std::string() : text;
  const std::string after = found ? text.substr(at + separator.size()) : last ? text : std::string();
  return Argument::list_of({Argument{before}, Argument{found ? separator : std::string()}, Argument{after}},
                           ArgumentList::Form::tuple);
}

Result two_strings(std::string_view name, const std::string& a, const std::string& b) {
  if (name == "aten::add") return a.size() + b.size() > kMaxText ? std::nullopt : Result(Argument{a + b});
  if (name == "aten::__contains__") return Argument{a.find(b) != std::string::npos};
  if (name == "aten::startswith") return Argument{a.starts_with(b)};
  if (name == "aten::endswith") return Argument{a.ends_with(b)};
  return std::nullopt;
}

Result position(size_t found) {
  return Argument{found == std::string::npos ? int64_t{-1} : static_cast<int64_t>(found)};
}

Result two_ascii_strings(std::string_view name, const std::string& a, const std::string& b) {
  if (name == "aten::find") return position(a.find(b));
  if (name == "aten::rfind") return position(a.rfind(b));
  if (name == "aten::count") return count(a, b);
  if (name == "aten::partition") return partition(a, b, false);
  if (name == "aten::rpartition") return partition(a, b, true);
  return std::nullopt;
}

// "7", 3: "007", the sign in front.
std::string filled_with_zeros(const std::string& text, size_t width) {
  if (text.size() >= width) return text;
  const size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  return text.substr(0, sign) + std::string(width - text.size(), '0') + text.substr(sign);
}

Result widened(std::string_view name, const std::string& text, Arguments arguments) {
  const auto width = as_int(arguments[1]);
  if (!width || *width > static_cast<int64_t>(kMaxText)) return std::nullopt;
  const auto size = static_cast<size_t>(std::max<int64_t>(*width, 0));
  if (name == "aten::zfill") return Argument{filled_with_zeros(text, size)};
  const auto* fill = arguments.size() > 2 ? arguments[2].as<std::string>() : nullptr;
  if (fill != nullptr && fill->size() != 1) return std::nullopt;
  const std::string more(size > text.size() ? size - text.size() : 0, fill == nullptr ? ' ' : (*fill)[0]);
  return Argument{name == "aten::ljust" ? text + more : more + text};
}

Result string_and_more(std::string_view name, const std::string& text, Arguments arguments) {
  if (name == "aten::split") return split(text, arguments);
  if (name == "aten::strip" || name == "aten::lstrip" || name == "aten::rstrip") {
    const auto* what = arguments.size() > 1 ? arguments[1].as<std::string>() : nullptr;
    return Argument{strip(text, what != nullptr ? std::string_view(*what) : kBlanks, name != "aten::rstrip",
                          name != "aten::lstrip")};
  }
  if (name == "aten::join" && arguments.size() == 2) return join(text, arguments[1]);
  if (name == "aten::replace" && arguments.size() >= 3) {
    const auto *old = arguments[1].as<std::string>(), *fresh = arguments[2].as<std::string>();
    const bool all = arguments.size() == 3 || as_int(arguments[3]) == -1;
    return old != nullptr && fresh != nullptr && all ? replace(text, *old, *fresh) : std::nullopt;
  }
  if ((name == "aten::zfill" || name == "aten::ljust" || name == "aten::rjust") && arguments.size() >= 2)
    return widened(name, text, arguments);
  if (name == "aten::slice") {
    const auto b = resolve_slice(arguments.subspan(1), text.size());
    if (!b) return std::nullopt;
    std::string out;
    int64_t at = b->start;
    for (size_t i = 0; i < b->count; ++i, at += b->step) out += text[static_cast<size_t>(at)];
    return Argument{std::move(out)};
  }
  if ((name == "aten::__getitem__" || name == "prim::StringIndex") && arguments.size() == 2) {
    const auto i = as_int(arguments[1]);
    const auto at = i ? resolve_index(*i, text.size()) : std::nullopt;
    return at ? Result(Argument{std::string(1, text[*at])}) : std::nullopt;
  }
  return std::nullopt;
}

bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

Result strings(std::string_view name, Arguments arguments) {
  if (arguments.empty()) return std::nullopt;
  const auto* text = arguments[0].as<std::string>();
  if (text == nullptr) {
    if (name != "aten::str" || arguments.size() != 1) return std::nullopt;
    auto out = written(arguments[0]);
    return out ? Result(Argument{std::move(*out)}) : std::nullopt;
  }
  if (name == "aten::format") return format(*text, arguments.subspan(1));
  // A search in the whole text says so with its last two arguments.
  const bool whole = arguments.size() == 4 && as_int(arguments[2]) == 0 && as_int(arguments[3]) == -1;
  const auto* second = arguments.size() == 2 || whole ? arguments[1].as<std::string>() : nullptr;
  if (second != nullptr) {
    if (auto out = two_strings(name, *text, *second)) return out;
  }
  // Python counts characters, we bytes: the same only for ASCII.
  if (!is_ascii(*text)) return std::nullopt;
  if (arguments.size() == 1) {
    if (auto out = one_string(name, *text)) return out;
  }
  if (second != nullptr && is_ascii(*second)) {
    if (auto out = two_ascii_strings(name, *text, *second)) return out;
  }
  return string_and_more(name, *text, arguments);
}

}  // namespace onnxport::scalars
