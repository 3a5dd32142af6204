#include "core/serialize/unfinished.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "onnxport/output.h"

namespace onnxport {
namespace {

// One list for the process, as a signal is the process's: each slot owns a name, and who takes it out of its slot owns it then.
// What finds no free slot is removed by its owner alone.
std::array<std::atomic<char*>, 256> slots;

// Everything in a folder that has no folders in it, without an allocation.
void remove_files_in(const char* path) {
  const int folder = ::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (folder < 0) return;
  alignas(std::uint64_t) char buffer[4096];
  for (long size = 0; (size = ::syscall(SYS_getdents64, folder, buffer, sizeof buffer)) > 0;) {
    for (long at = 0; at < size;) {
      constexpr long kLength = 16, kName = 19;  // of struct linux_dirent64
      std::uint16_t length = 0;
      std::memcpy(&length, buffer + at + kLength, sizeof length);
      ::unlinkat(folder, buffer + at + kName, 0);
      at += length;
    }
  }
  ::close(folder);
}

}  // namespace

Unfinished::Unfinished(const std::filesystem::path& path) {
  char* name = ::strdup(path.c_str());
  for (std::atomic<char*>& slot : slots) {
    char* empty = nullptr;
    if (name != nullptr && slot.compare_exchange_strong(empty, name)) {
      slot_ = &slot;
      return;
    }
  }
  std::free(name);
}

Unfinished::~Unfinished() { forget(); }

void Unfinished::forget() {
  if (slot_ != nullptr) std::free(slot_->exchange(nullptr));
  slot_ = nullptr;
}

void remove_unfinished_files() noexcept {
  const int error = errno;
  for (std::atomic<char*>& slot : slots) {
    const char* name = slot.exchange(nullptr);
    if (name == nullptr || ::unlink(name) == 0) continue;
    remove_files_in(name);
    ::rmdir(name);
  }
  errno = error;
}

}  // namespace onnxport
