#include "core/session/source.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
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

namespace {

std::shared_ptr<const WeightsByName> by_name(std::vector<GivenTensor> given) {
  auto out = std::make_shared<WeightsByName>();
  for (GivenTensor& weight : given) {
    const auto refuse = [&](const std::string& why) {
      return Error(
          "I128", "the weight '" + weight.name + "' that is given in memory " + why, {},
          "give its dtype, dims and strides as they are, and all bytes from its first element to its last");
    };
    const auto dtype = static_cast<ir::DType>(weight.dtype);
    if (!ir::is_integral(dtype) && !ir::is_floating(dtype) && !ir::is_complex(dtype) &&
        dtype != ir::DType::boolean)
      throw refuse("has no element type that a weight can have: " + std::to_string(weight.dtype));
    try {
      ir::Tensor tensor = weight.strides.empty()
                              ? ir::Tensor(dtype, std::move(weight.dims), weight.elements, nullptr)
                              : ir::Tensor::strided(dtype, std::move(weight.dims), std::move(weight.strides),
                                                    weight.elements, nullptr);
      if (!out->emplace(weight.name, std::move(tensor)).second) throw refuse("is given twice");
    } catch (const std::invalid_argument& e) {
      throw refuse(std::string("is not in its bytes: ") + e.what());
    }
  }
  return out;
}

}  // namespace

std::filesystem::path Source::Bytes::file() const { return "/proc/self/fd/" + std::to_string(descriptor); }

Source Source::memory(std::span<const std::byte> bytes, std::string name) {
  Source out(std::filesystem::path(std::move(name)));
  out.bytes_ = std::make_shared<const Bytes>(bytes, out.path_.string());
  return out;
}

Source Source::memory(std::span<const std::byte> bytes, std::vector<GivenTensor> weights, std::string name) {
  Source out(std::filesystem::path(std::move(name)));
  auto held = std::make_shared<Bytes>(bytes, out.path_.string());
  held->weights = by_name(std::move(weights));
  out.bytes_ = std::move(held);
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
