#include "core/serialize/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <random>

#include "core/serialize/descriptor.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

constexpr size_t kBufferSize = size_t{1} << 20;

std::filesystem::path temporary_name(const std::filesystem::path& final_path) {
  std::random_device random;
  char suffix[32];
  std::snprintf(suffix, sizeof suffix, ".%08x.tmp", static_cast<unsigned>(random()));
  // As long as a file system's names may be, whatever the final name leaves room for.
  const std::string name = final_path.filename().string().substr(0, NAME_MAX - 1 - std::strlen(suffix));
  return final_path.parent_path() / ('.' + name + suffix);
}

void sync_folder(const std::filesystem::path& folder) {
  const Descriptor opened(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot; the rename itself has happened.
  if (opened.fd >= 0) ::fsync(opened.fd);
}

// While files that belong together get their names: a signal waits until all have them.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t ending;
    sigemptyset(&ending);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ending, signal);
    ::pthread_sigmask(SIG_BLOCK, &ending, &before_);
  }
  ~SignalsWait() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

std::filesystem::path output_target(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  const auto target = std::filesystem::weakly_canonical(path, error);
  return error ? path : target;
}

OutputFile::OutputFile(std::filesystem::path final_path) : final_path_(std::move(final_path)) {
  std::error_code error;
  const auto status = std::filesystem::status(final_path_, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    Location place;
    place.file = final_path_.string();
    throw Error("S705", "the output exists and is not a regular file", place, "name a file");
  }
  for (int attempt = 0; attempt < 8 && fd_ < 0; ++attempt) {
    temporary_ = temporary_name(final_path_);
    fd_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0 && errno != EEXIST) break;
  }
  if (fd_ < 0) {
    temporary_.clear();
    fail("cannot be created");
  }
  unfinished_.emplace(temporary_);
  struct stat replaced {};
  if (::stat(final_path_.c_str(), &replaced) == 0) (void)::fchmod(fd_, replaced.st_mode & 07777);
  buffer_.reserve(kBufferSize);
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  // After an exchange the temporary name holds the file that was replaced.
  if (state_ != State::published && !temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::fail(const char* what) const {
  const int error = errno;
  Location place;
  place.file = final_path_.string();
  const bool space = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw Error("S705", std::string(what) + ": " + std::strerror(error), place,
              space ? "free some space or write to another disk; nothing was changed"
                    : "check that the folder exists and may be written to; nothing was changed");
}

void OutputFile::write_through(std::span<const std::byte> bytes) {
  const bool large = bytes.size() >= kBufferSize / 2;
  const off_t from = large ? ::lseek(fd_, 0, SEEK_CUR) : 0;
  const auto whole = static_cast<off64_t>(bytes.size());
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot be written");
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  if (large && from >= 0) start_writing(static_cast<uint64_t>(from), whole);
}

// A hint: the disk starts on this part while the next is made, instead of on all of it at the end.
void OutputFile::start_writing(uint64_t offset, int64_t size) const {
  ::sync_file_range(fd_, static_cast<off64_t>(offset), size, SYNC_FILE_RANGE_WRITE);
}

void OutputFile::flush() {
  write_through(buffer_);
  buffer_.clear();
}

void OutputFile::write(std::span<const std::byte> bytes) {
  written_ += bytes.size();
  if (buffer_.size() + bytes.size() > kBufferSize) flush();
  if (bytes.size() >= kBufferSize) {
    write_through(bytes);
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void OutputFile::write(const ir::Tensor& tensor) {
  if (!tensor.is_contiguous()) {
    const ir::StridedView view{ir::size_of(tensor.dtype()), tensor.dims(), tensor.strides()};
    return write_strided(tensor, view.coalesced());
  }
  const auto bytes = tensor.bytes();
  if (bytes.size() < kBufferSize || !tensor.file() || !copy_range(*tensor.file(), bytes.size())) {
    write(bytes);
  }
}

bool OutputFile::copy_range(const ir::FileRegion& from, uint64_t size) {
  if (!from.path) return false;
  const Descriptor source(::open(from.path->c_str(), O_RDONLY | O_CLOEXEC));
  if (source.fd < 0) return false;
  flush();
  auto offset = static_cast<off64_t>(from.offset);
  for (uint64_t left = size; left > 0;) {
    const ssize_t n = ::copy_file_range(source.fd, &offset, fd_, nullptr, left, 0);
    if (n > 0) {
      start_writing(written_ + (size - left), n);
      left -= static_cast<uint64_t>(n);
    } else if (n == 0 || errno != EINTR) {
      if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO))
        fail("cannot be written");
      // What was copied before it stopped is written again.
      if (::lseek(fd_, static_cast<off_t>(written_), SEEK_SET) < 0) fail("cannot be written");
      return false;
    }
  }
  written_ += size;
  return true;
}

void OutputFile::pad_to(uint64_t offset) {
  if (offset <= written_) return;
  flush();
  if (::lseek(fd_, static_cast<off_t>(offset), SEEK_SET) < 0) fail("cannot be written");
  if (::ftruncate(fd_, static_cast<off_t>(offset)) < 0) fail("cannot be written");
  written_ = offset;
}

void OutputFile::sync() {
  flush();
  if (::fsync(fd_) < 0 && errno != EINVAL && errno != ENOTSUP) fail("cannot be written to the disk");
}

void OutputFile::publish() {
  const bool replaces = ::access(final_path_.c_str(), F_OK) == 0;
  if (replaces &&
      ::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, final_path_.c_str(), RENAME_EXCHANGE) == 0) {
    state_ = State::exchanged;
    return;
  }
  // A file system that cannot exchange replaces; only taking it back is then impossible.
  if (::rename(temporary_.c_str(), final_path_.c_str()) < 0) fail("cannot be put in place");
  unfinished_.reset();
  state_ = State::published;
}

void OutputFile::take_back() {
  if (state_ == State::exchanged) {
    ::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, final_path_.c_str(), RENAME_EXCHANGE);
    state_ = State::temporary;
  } else if (state_ == State::published) {
    ::unlink(final_path_.c_str());
  }
}

void commit(std::span<OutputFile* const> files) {
  for (OutputFile* file : files) file->sync();
  const SignalsWait wait;
  for (size_t i = 0; i < files.size(); ++i) {
    try {
      files[i]->publish();
    } catch (...) {
      for (size_t done = i; done-- > 0;) files[done]->take_back();
      throw;
    }
  }
  // One file is whole under either name; of two, a crash of the machine must not leave one of each.
  if (files.size() > 1) sync_folder(files[0]->final_path_.parent_path());
}

}  // namespace onnxport
