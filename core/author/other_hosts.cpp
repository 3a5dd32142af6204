#include "core/author/other_hosts.h"

#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/host/host.h"

namespace onnxport {
namespace {

constexpr uint16_t kMinorToCome = 1000;
constexpr size_t kMoreBytes = 64;  // that a newer host's tables have

struct Table {
  std::string_view id;
  uint32_t size;  // in 1.0
};
constexpr Table kOldest[] = {{"onnxport.op/1", ONNXPORT_OP_API_1_0_SIZE},
                             {"onnxport.graph/1", ONNXPORT_GRAPH_API_1_0_SIZE},
                             {"onnxport.dim/1", ONNXPORT_DIM_API_1_0_SIZE},
                             {"onnxport.emit/1", ONNXPORT_EMIT_API_1_0_SIZE},
                             {"onnxport.diag/1", ONNXPORT_DIAG_API_1_0_SIZE},
                             {"onnxport.options/1", ONNXPORT_OPTIONS_API_1_0_SIZE},
                             {"onnxport.rewrite/1", ONNXPORT_REWRITE_API_1_0_SIZE},
                             {"onnxport.match/1", ONNXPORT_MATCH_API_1_0_SIZE},
                             {"onnxport.onnx_body/1", ONNXPORT_ONNX_BODY_API_1_0_SIZE},
                             {"onnxport.infer_result/1", ONNXPORT_INFER_RESULT_API_1_0_SIZE}};

void from_the_future() {}

// A copy of that many bytes, in memory of its own, that says so in its first member; what the original has not points to
// functions of which today's plugins know nothing.
const void* copy_of(const void* table, uint32_t size) {
  uint32_t known = 0;
  std::memcpy(&known, table, sizeof known);
  auto* copy = static_cast<std::byte*>(::operator new(size));
  std::memcpy(copy, table, std::min(known, size));
  void (*const more)() = from_the_future;
  for (uint32_t at = known; at + sizeof more <= size; at += sizeof more)
    std::memcpy(copy + at, &more, sizeof more);
  std::memcpy(copy, &size, sizeof size);
  return copy;
}

// One for each release and table, for the life of the process.
const void* kept(std::string_view id, uint32_t size) {
  static std::mutex mutex;
  static auto& copies = *new std::map<std::pair<std::string, uint32_t>, const void*>;
  const void* table = plugin_host()->get_interface(plugin_host(), {id.data(), id.size()});
  if (table == nullptr) return nullptr;
  const std::scoped_lock lock(mutex);
  const void*& copy = copies[{std::string(id), size}];
  if (copy == nullptr) copy = copy_of(table, size);
  return copy;
}

const void* oldest_table(const onnxport_host*, onnxport_str id) {
  for (const Table& table : kOldest) {
    if (table.id == std::string_view(id.data, id.size)) return kept(table.id, table.size);
  }
  return nullptr;
}

const void* newest_table(const onnxport_host*, onnxport_str id) {
  const void* today = plugin_host()->get_interface(plugin_host(), id);
  if (today == nullptr) return nullptr;
  uint32_t size = 0;
  std::memcpy(&size, today, sizeof size);
  return kept({id.data, id.size}, size + kMoreBytes);
}

const void* no_table(const onnxport_host*, onnxport_str) { return nullptr; }

constexpr onnxport_str words(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::string_view name_of(HostRelease release) {
  switch (release) {
    case HostRelease::oldest:
      return "a host of ABI 1.0";
    case HostRelease::newest:
      return "a host of a later ABI minor";
    default:
      return "a host that offers nothing";
  }
}

const onnxport_host* host_of(HostRelease release) {
  // More than the struct of today: a newer host's is longer, and begins as ours does.
  struct Longer {
    onnxport_host host;
    std::byte more[kMoreBytes];
  };
  static const onnxport_host oldest = {ONNXPORT_HOST_1_0_SIZE, ONNXPORT_ABI_MAJOR, 0, words("1.0.0"),
                                       oldest_table};
  static const Longer newest = {
      {sizeof(Longer), ONNXPORT_ABI_MAJOR, kMinorToCome, words("1000.0.0"), newest_table}, {}};
  static const onnxport_host empty = {sizeof(onnxport_host), ONNXPORT_ABI_MAJOR, 0, words("1.0.0"), no_table};
  switch (release) {
    case HostRelease::oldest:
      return &oldest;
    case HostRelease::newest:
      return &newest.host;
    default:
      return &empty;
  }
}

}  // namespace onnxport
