#include "fuzz/wire_mutator.h"

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

namespace onnxport::fuzz {
namespace {

struct Field {
  uint64_t tag = 0;
  uint64_t number = 0;  // of wire type 0
  std::string bytes;    // of the others
};

std::optional<uint64_t> varint(std::string_view text, size_t& at) {
  uint64_t out = 0;
  for (int shift = 0; shift < 64 && at < text.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(text[at++]);
    out |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return out;
  }
  return std::nullopt;
}

void add_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out.push_back(static_cast<char>(value));
}

// nullopt: no message.
std::optional<std::vector<Field>> fields_of(std::string_view text) {
  std::vector<Field> out;
  for (size_t at = 0; at < text.size();) {
    Field field;
    const auto tag = varint(text, at);
    if (!tag || *tag >> 3 == 0 || *tag >> 3 > 64) return std::nullopt;
    field.tag = *tag;
    size_t size = 0;
    if ((*tag & 7) == 0) {
      const auto number = varint(text, at);
      if (!number) return std::nullopt;
      field.number = *number;
    } else if ((*tag & 7) == 2) {
      const auto length = varint(text, at);
      if (!length || *length > text.size() - at) return std::nullopt;
      size = *length;
    } else if ((*tag & 7) == 5 || (*tag & 7) == 1) {
      size = (*tag & 7) == 5 ? 4 : 8;
      if (size > text.size() - at) return std::nullopt;
    } else {
      return std::nullopt;
    }
    field.bytes = text.substr(at, size);
    at += size;
    out.push_back(std::move(field));
  }
  return out;
}

std::string text_of(const std::vector<Field>& fields) {
  std::string out;
  for (const Field& f : fields) {
    add_varint(out, f.tag);
    if ((f.tag & 7) == 0) add_varint(out, f.number);
    if ((f.tag & 7) == 2) add_varint(out, f.bytes.size());
    out += f.bytes;
  }
  return out;
}

constexpr std::array<uint64_t, 14> kNumbers = {
    0, 1, 2, 3, 7, 8, 16, 23, 99, 255, 0x7fffffff, uint64_t{1} << 32, uint64_t{1} << 62, ~uint64_t{0}};
constexpr std::array<std::string_view, 10> kWords = {"",     "x",  "y",       "../x",   "0",
                                                     "Loop", "If", "ai.onnx", "offset", "-1"};

class Mutation {
 public:
  explicit Mutation(unsigned seed) : random_(seed) {}

  std::string run(std::string_view message, int depth) {
    auto fields = fields_of(message);
    if (!fields || fields->empty()) return bytes(std::string(message));
    Field& chosen = (*fields)[pick(fields->size())];
    if ((chosen.tag & 7) == 2 && depth < 24 && pick(8) != 0) {
      chosen.bytes = run(chosen.bytes, depth + 1);
      return text_of(*fields);
    }
    change(*fields, chosen);
    return text_of(*fields);
  }

 private:
  size_t pick(size_t count) { return random_() % count; }

  void change(std::vector<Field>& fields, Field& chosen) {
    const auto at = fields.begin() + (&chosen - fields.data());
    switch (pick(5)) {
      case 0:
        fields.erase(at);
        return;
      case 1: {
        const Field copy = chosen;
        fields.insert(at, copy);
        return;
      }
      case 2:
        std::swap(chosen, fields[pick(fields.size())]);
        return;
      case 3:
        chosen.tag = (1 + pick(26)) << 3 | (chosen.tag & 7);
        return;
      default:
        chosen.number = kNumbers[pick(kNumbers.size())];
        if ((chosen.tag & 7) == 2) chosen.bytes = bytes(chosen.bytes);
        return;
    }
  }

  std::string bytes(std::string text) {
    if (text.empty() || pick(3) == 0) return std::string(kWords[pick(kWords.size())]);
    if (pick(4) == 0) text.resize(pick(text.size()));
    if (!text.empty()) text[pick(text.size())] = static_cast<char>(random_());
    return text;
  }

  std::minstd_rand random_;
};

}  // namespace

std::string mutate_message(std::string_view message, unsigned seed) {
  Mutation mutation(seed);
  std::string out(message);
  for (unsigned count = 1 + seed % 3; count > 0; --count) out = mutation.run(out, 0);
  return out;
}

}  // namespace onnxport::fuzz
