#include "core/onnx/wire.h"

#include <array>
#include <cstring>

#include "onnxport/errors.h"

namespace onnxport::onnx {

namespace {

// Protobuf reads no message that is deeper, and says then only that it cannot.
constexpr int kDeepest = 96;

// The messages on the way from a model to its tensors, and the fields that lead on. Numbers of onnx.proto never change.
enum class Message : uint8_t { model, graph, node, attribute, function, tensor };
struct Lead {
  Message in;
  uint32_t field;
  Message to;
};
constexpr std::array kLeads = {
    Lead{Message::model, 7, Message::graph},     Lead{Message::model, 25, Message::function},
    Lead{Message::graph, 1, Message::node},      Lead{Message::graph, 5, Message::tensor},
    Lead{Message::function, 7, Message::node},   Lead{Message::function, 11, Message::attribute},
    Lead{Message::node, 5, Message::attribute},  Lead{Message::attribute, 5, Message::tensor},
    Lead{Message::attribute, 6, Message::graph}, Lead{Message::attribute, 10, Message::tensor},
};
constexpr uint32_t kRawData = 9;  // of a tensor

const Lead* lead_of(Message in, uint32_t field) {
  for (const Lead& lead : kLeads) {
    if (lead.in == in && lead.field == field) return &lead;
  }
  return nullptr;
}

void add_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out.push_back(static_cast<char>(value));
}

class Stripper {
 public:
  explicit Stripper(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::string run() { return message(Message::model, 0, bytes_.size(), 0); }

 private:
  [[noreturn]] void damaged(uint64_t at) const {
    throw Error("I122",
                "is not an ONNX model: byte " + std::to_string(at) + " begins no field that ends in it", {},
                "the file is of another kind, or was cut off");
  }

  uint64_t varint(uint64_t& at, uint64_t end) const {
    uint64_t out = 0;
    const uint64_t start = at;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at >= end) damaged(start);
      const auto byte = std::to_integer<uint64_t>(bytes_[at++]);
      out |= (byte & 0x7f) << shift;
      if (byte < 0x80) return out;
    }
    damaged(start);
  }

  void copy(std::string& out, uint64_t from, uint64_t to) const {
    out.append(reinterpret_cast<const char*>(bytes_.data()) + from, to - from);
  }

  // The message that lies at [at, end), rewritten.
  std::string message(Message kind, uint64_t at, uint64_t end, int depth) const {
    if (depth > kDeepest)
      throw Error("I123", "graphs are nested deeper than protobuf reads", {}, "take its loops and ifs apart");
    std::string out;
    while (at < end) {
      const uint64_t start = at;
      const uint64_t tag = varint(at, end);
      const auto field = static_cast<uint32_t>(tag >> 3);
      if (field == 0 || tag >> 32 != 0) damaged(start);
      if ((tag & 7) != 2) {
        skip(tag & 7, at, end, start);
        copy(out, start, at);
        continue;
      }
      const uint64_t length = varint(at, end);
      if (length > end - at) damaged(start);
      const Lead* lead = lead_of(kind, field);
      if (lead != nullptr) {
        const std::string inner = message(lead->to, at, at + length, depth + 1);
        add_varint(out, tag);
        add_varint(out, inner.size());
        out += inner;
      } else if (kind == Message::tensor && field == kRawData) {
        const RawRange range{at, length};
        add_varint(out, tag);
        add_varint(out, sizeof range);
        out.append(reinterpret_cast<const char*>(&range), sizeof range);
      } else {
        copy(out, start, at + length);
      }
      at += length;
    }
    return out;
  }

  void skip(uint64_t wire_type, uint64_t& at, uint64_t end, uint64_t start) const {
    if (wire_type == 0) {
      varint(at, end);
      return;
    }
    // Groups are of no message of ONNX.
    const uint64_t size = wire_type == 1 ? 8 : wire_type == 5 ? 4 : 0;
    if (size == 0 || size > end - at) damaged(start);
    at += size;
  }

  std::span<const std::byte> bytes_;
};

}  // namespace

std::string without_raw_data(std::span<const std::byte> model) { return Stripper(model).run(); }

std::optional<RawRange> range_of(const pb::TensorProto& tensor) {
  if (!tensor.has_raw_data()) return std::nullopt;
  RawRange out;
  if (tensor.raw_data().size() != sizeof out) return std::nullopt;
  std::memcpy(&out, tensor.raw_data().data(), sizeof out);
  return out;
}

}  // namespace onnxport::onnx
