#include "core/errors/file_mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>

namespace onnxport {
namespace {

// Read by a signal's handler: lock-free and never freed. What finds no free slot is not repaired.
struct Slot {
  std::atomic<uintptr_t> end{0};  // 0: free; 1: taken, not yet of anything
  std::atomic<uintptr_t> begin{0};
};
constexpr size_t kMostMappings = 256;
std::array<Slot, kMostMappings> slots;
std::atomic<uint64_t> lost{0};

}  // namespace

FileMapping::FileMapping(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data());
  for (Slot& slot : slots) {
    uintptr_t free = 0;
    if (!slot.end.compare_exchange_strong(free, 1)) continue;
    slot.begin.store(begin);
    slot.end.store(begin + bytes.size());
    slot_ = &slot.end;
    return;
  }
}

FileMapping::~FileMapping() {
  if (slot_ != nullptr) slot_->store(0);
}

uint64_t FileMapping::lost_count() { return lost.load(); }

bool FileMapping::repair(void* address) {
  const auto at = reinterpret_cast<uintptr_t>(address);
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (const Slot& slot : slots) {
    const uintptr_t end = slot.end.load();
    if (end <= 1 || at < slot.begin.load() || at >= end) continue;
    const uintptr_t first = at / page * page;
    const uintptr_t last = (end + page - 1) / page * page;
    void* zeros = ::mmap(reinterpret_cast<void*>(first), last - first, PROT_READ | PROT_WRITE,  // NOLINT
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    if (zeros == MAP_FAILED) return false;
    lost.fetch_add(1);
    return true;
  }
  return false;
}

}  // namespace onnxport
