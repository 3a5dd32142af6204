// Any bytes as an ONNX file: read, given types, written and read again.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/convert/complete_types.h"
#include "core/onnx/model_file.h"
#include "core/serialize/serialize.h"
#include "fuzz/wire_mutator.h"
#include "onnxport/errors.h"

namespace onnxport::fuzz {
namespace {

[[noreturn]] void stop(std::string_view why) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
  std::abort();
}

// A file of the memory, so that the reader maps what it maps elsewhere.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(memfd_create("model", MFD_CLOEXEC)) {
    if (fd_ < 0 || ::write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      stop("no memory file");
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

std::string written(const onnx::ModelForm& model) {
  std::string out;
  SerializeOptions options;
  options.facts = &model.facts;
  write_model(
      *model.graph,
      [&](std::span<const std::byte> piece) {
        out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
      },
      options);
  return out;
}

void read(std::string_view bytes) {
  const MemoryFile file(bytes);
  try {
    const onnx::ModelFile source(file.path(), false);
    onnx::ModelForm model = source.read();
    for (const std::string& broken : ir::check_invariants(*model.graph)) stop("unsound graph: " + broken);
    complete_types(model);
    const MemoryFile again(written(model));
    onnx::ModelFile(again.path(), false).read();
  } catch (const Error& e) {
    for (const Diagnostic& d : e.diagnostics()) {
      if (d.code.empty() || d.message.empty()) stop("an error without code or message");
    }
  }
}

}  // namespace
}  // namespace onnxport::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  onnxport::fuzz::read({reinterpret_cast<const char*>(data), size});
  return 0;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  // One in eight stays below fields: lengths that lie, ends that come early.
  if (seed % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::string out = onnxport::fuzz::mutate_message({reinterpret_cast<const char*>(data), size}, seed);
  if (out.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::copy(out.begin(), out.end(), data);
  return out.size();
}
