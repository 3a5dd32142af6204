#include "core/plugin/manifest_values.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace onnxport {
namespace {

using yaml::Node;

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<ManifestAttribute::Literal> list_literal(const Node& node) {
  std::vector<int64_t> ints;
  std::vector<double> reals;
  std::vector<std::string> texts;
  for (const Node& item : node.items) {
    if (item.kind != Node::Kind::scalar) return std::nullopt;
    const auto i = item.quoted ? std::nullopt : parse_whole(item.text);
    const auto r = item.quoted ? std::nullopt : parse_real(item.text);
    if (i) ints.push_back(*i);
    if (r) reals.push_back(*r);
    if (item.quoted) texts.push_back(item.text);
  }
  const size_t count = node.items.size();
  if (ints.size() == count) return ints;
  if (reals.size() == count) return reals;
  if (texts.size() == count) return texts;
  return std::nullopt;
}

// Narrows the range by one comparison; false when the word is none.
bool narrow(std::string_view word, int& low, int& high) {
  const size_t digits = std::min(word.find_first_not_of("<>="), word.size());
  const std::string_view op = word.substr(0, digits);
  const auto n = parse_whole(word.substr(digits));
  if (!n || *n < 1 || *n > 1000) return false;
  const int v = static_cast<int>(*n);
  if (op == ">=")
    low = std::max(low, v);
  else if (op == ">")
    low = std::max(low, v + 1);
  else if (op == "<=")
    high = std::min(high, v);
  else if (op == "<")
    high = std::min(high, v - 1);
  else if (op.empty() || op == "=" || op == "==")
    low = std::max(low, v), high = std::min(high, v);
  else
    return false;
  return true;
}

}  // namespace

bool is_identifier(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && !digit(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || digit(c); });
}

bool is_reverse_dns(std::string_view id) {
  if (id.size() > 128 || id.find('.') == std::string_view::npos || id.front() == '.' || id.back() == '.')
    return false;
  char before = '.';
  for (char c : id) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!word && c != '.' && c != '-') return false;
    if (!word && (before == '.' || before == '-')) return false;
    before = c;
  }
  return before != '-';
}

std::optional<int64_t> parse_whole(std::string_view text) { return parse_number<int64_t>(text); }
std::optional<double> parse_real(std::string_view text) { return parse_number<double>(text); }

std::optional<ManifestAttribute::Literal> literal_of(const Node& node) {
  if (node.kind == Node::Kind::list) return list_literal(node);
  if (node.kind != Node::Kind::scalar) return std::nullopt;
  if (node.quoted) return node.text;
  if (node.text == "true" || node.text == "false") return static_cast<int64_t>(node.text == "true");
  if (const auto i = parse_whole(node.text)) return *i;
  if (const auto r = parse_real(node.text)) return *r;
  return std::nullopt;
}

std::optional<std::pair<int, int>> read_opset_range(ManifestReader& in, const Node& node) {
  const auto text = in.text(node, "opset", 64);
  if (!text) return std::nullopt;
  int low = 1;
  int high = 1000;
  bool good = true;
  std::string_view rest = *text;
  while (good && !rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    good = word.empty() || narrow(word, low, high);
  }
  if (!good || low > high) {
    in.error("M105", node, "'" + *text + "' is no range of opsets", "write \">=17\", \">=17 <20\" or 18");
    return std::nullopt;
  }
  return std::pair(low, high);
}

std::optional<ir::DType> read_dtype(ManifestReader& in, const Node& node, std::string_view what) {
  if (!in.text(node, what)) return std::nullopt;
  const auto dtype = ir::parse_dtype(node.text);
  if (!dtype)
    in.error("M105", node, "'" + node.text + "' is no element type",
             "write f32, f16, bf16, f64, i64, i32, bool, …");
  return dtype;
}

std::string read_sha256(ManifestReader& in, const Node& node) {
  std::string text = in.text(node, "sha256").value_or("");
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const bool good = text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (text.empty() || good) return text;
  in.error("M105", node, "'" + text + "' is no sha256",
           "give the 64 hexadecimal digits that sha256sum prints, in quotes");
  return "";
}

}  // namespace onnxport
