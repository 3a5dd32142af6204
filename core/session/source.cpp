#include "core/session/source.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "core/archive/zip_directory.h"

namespace onnxport {
namespace {

// An exported program holds its graph as JSON; all else is for the TorchScript reader to take, or to name.
bool holds_program(std::span<const std::byte> bytes) {
  std::string why;
  const auto entries = read_zip_directory(bytes, why);
  return entries && std::any_of(entries->begin(), entries->end(), [](const ZipEntry& entry) {
           const std::string_view name = entry.name;
           return name == "serialized_exported_program.json" ||
                  (name.ends_with(".json") && name.find("/models/") != std::string_view::npos);
         });
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace

Source::Bytes::Bytes(std::span<const std::byte> bytes, const std::string& name)
    : descriptor(::memfd_create("onnxport", MFD_CLOEXEC)), is_exported_program(holds_program(bytes)) {
  int error = descriptor < 0 ? errno : 0;
  while (error == 0 && !bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count > 0) {
      bytes = bytes.subspan(static_cast<size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      error = count == 0 ? EIO : errno;
    }
  }
  if (error == 0) return;
  if (descriptor >= 0) ::close(descriptor);
  Location place;
  place.file = name;
  throw Error("I101", "the bytes cannot be kept: " + std::generic_category().message(error), place,
              "write them to a file and give that");
}

Source::Bytes::~Bytes() { ::close(descriptor); }

std::filesystem::path Source::Bytes::file() const { return "/proc/self/fd/" + std::to_string(descriptor); }

Source Source::memory(std::span<const std::byte> bytes, std::string name) {
  Source out(std::filesystem::path(std::move(name)));
  out.bytes_ = std::make_shared<const Bytes>(bytes, out.path_.string());
  return out;
}

Source Source::live(std::shared_ptr<const LiveModel> model, std::string name) {
  Source out(std::filesystem::path(std::move(name)));
  out.live_ = std::move(model);
  return out;
}

bool Source::is_exported_program() const {
  if (live_ != nullptr) return false;
  return bytes_ != nullptr ? bytes_->is_exported_program : path_.extension() == ".pt2";
}

std::filesystem::path readable_file(const Source& source) {
  return source.is_memory() ? source.bytes()->file() : source.path();
}

Error in_words_of(const Source& source, const Error& error) {
  if (!source.is_memory()) return error;
  const std::string from = readable_file(source).string();
  const std::string to = source.path().string();
  std::vector<Diagnostic> out = error.diagnostics();
  for (Diagnostic& d : out) {
    d.message = replaced(std::move(d.message), from, to);
    d.hint = replaced(std::move(d.hint), from, to);
    d.place.file = replaced(std::move(d.place.file), from, to);
  }
  return Error(std::move(out));
}

}  // namespace onnxport
