#include "core/archive/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace onnxport {

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const auto fail = [&](int error) {
    throw std::system_error(error, std::generic_category(), path.string());
  };
  // A pipe must not be waited for.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail(errno);
  struct stat status {};
  if (::fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
    const int error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    ::close(fd);
    fail(error);
  }
  const auto size = static_cast<size_t>(status.st_size);
  void* data = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) {
    const int error = errno;
    ::close(fd);
    fail(error);
  }
  return std::shared_ptr<const MappedFile>(new MappedFile({static_cast<const std::byte*>(data), size}, fd));
}

void MappedFile::release(std::span<const std::byte> part) const {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  // The mapping begins at a page, so offsets in it are those of pages too.
  const auto offset = static_cast<uintptr_t>(part.data() - bytes_.data());
  const uintptr_t first = (offset + page - 1) / page * page;
  const uintptr_t last = (offset + part.size()) / page * page;
  if (first >= last) return;
  // A hint: whether it is followed changes nothing that can be seen. The mapping is read-only and private.
  (void)::madvise(const_cast<std::byte*>(bytes_.data()) + first, last - first, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  mapping_.reset();
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  ::close(descriptor_);
}

}  // namespace onnxport
