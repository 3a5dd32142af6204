#include "fuzz/capture_bytes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/archive/checksum.h"
#include "core/capture/exported_program/capture.h"
#include "core/ir/graph.h"
#include "onnxport/errors.h"
#include "unit/capture/schemas_of.h"

namespace onnxport::fuzz {
namespace {

[[noreturn]] void stop(std::string_view why) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
  std::abort();
}

// A file of the memory, so that the capture maps what it maps elsewhere.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(memfd_create("program", MFD_CLOEXEC)) {
    if (fd_ < 0) stop("memfd_create failed");
    if (::write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) stop("write failed");
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

uint64_t number(std::string_view bytes, size_t at, int count) {
  uint64_t out = 0;
  for (int i = count; i-- > 0;)
    out = out << 8 | static_cast<unsigned char>(bytes[at + static_cast<size_t>(i)]);
  return out;
}

}  // namespace

void capture_bytes(std::string_view bytes) {
  const MemoryFile file(bytes);
  CaptureOptions options;  // what the manifests of the fixtures' operators say
  options.schemas = schemas_of(
      {"acme::shift_(Tensor(a!) x, float by) -> ()", "acme::take_row(Tensor(a!) row, Tensor x) -> Tensor"});
  try {
    const Captured captured = capture_exported_program(file.path(), options);
    for (const std::string& broken : ir::check_invariants(*captured.graph)) stop("unsound graph: " + broken);
  } catch (const Error& e) {
    for (const Diagnostic& d : e.diagnostics()) {
      if (d.code.empty() || d.message.empty()) stop("an error without code or message");
      if (d.message.size() > 4096) stop("an endless message");
    }
  }
}

std::string with_checksums(std::string_view archive) {
  constexpr std::string_view entry_mark("PK\1\2", 4);
  constexpr size_t entry_size = 46;
  constexpr size_t local_size = 30;
  std::string out(archive);
  for (size_t at = out.find(entry_mark); at != std::string::npos; at = out.find(entry_mark, at + 4)) {
    if (at + entry_size > out.size()) break;
    const uint64_t size = number(out, at + 24, 4);
    const uint64_t local = number(out, at + 42, 4);
    if (local + local_size > out.size()) continue;
    const uint64_t data = local + local_size + number(out, local + 26, 2) + number(out, local + 28, 2);
    if (data > out.size() || size > out.size() - data) continue;
    const auto crc = crc32_of(std::as_bytes(std::span(out).subspan(data, size)));
    for (size_t i = 0; i < 4; ++i) out[at + 16 + i] = static_cast<char>(crc >> (8 * i) & 0xff);
  }
  return out;
}

}  // namespace onnxport::fuzz
