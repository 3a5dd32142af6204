#include "core/onnx/external_data.h"

#include <optional>
#include <system_error>

#include "onnxport/errors.h"

namespace onnxport::onnx {

namespace {

namespace fs = std::filesystem;

Location location_of(const fs::path& file) {
  Location place;
  place.file = file.string();
  return place;
}

std::optional<uint64_t> number(const std::string& text) {
  if (text.empty() || text.size() > 19 || text.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return std::stoull(text);
}

// Whether `file`, all links followed, lies in `folder`.
bool lies_in(const fs::path& file, const fs::path& folder) {
  std::error_code error, other;
  const fs::path real = fs::canonical(file, error);
  const fs::path root = fs::canonical(folder.empty() ? fs::path(".") : folder, other);
  if (error || other) return true;  // what is not there cannot be opened either, which says why
  const fs::path inside = real.lexically_relative(root);
  return !inside.empty() && *inside.begin() != "..";
}

}  // namespace

std::shared_ptr<const MappedFile> map_file(const fs::path& file) {
  try {
    return MappedFile::open(file);
  } catch (const std::system_error& e) {
    throw Error("I121", "cannot be read: " + e.code().message(), location_of(file),
                "check the path and its permissions");
  }
}

void ExternalData::refuse(const pb::TensorProto& proto, const std::string& why) const {
  throw Error("I124", "the external data of '" + proto.name() + "' " + why, location_of(model_),
              "keep the data file beside the model, as it was written");
}

const ExternalData::File& ExternalData::open(const pb::TensorProto& proto, const std::string& location) {
  const auto known = files_.find(location);
  if (known != files_.end()) return known->second;
  const fs::path relative(location);
  if (!has_folder_) refuse(proto, "is in '" + location + "', and a model in memory has no files beside it");
  if (location.empty() || location.find('\0') != std::string::npos || relative.is_absolute())
    refuse(proto, "names no file beside the model");
  for (const auto& part : relative) {
    if (part == "..") refuse(proto, "names a file outside the model's folder, '" + location + "'");
  }
  const fs::path path = model_.parent_path() / relative;
  if (!lies_in(path, model_.parent_path()))
    refuse(proto, "is behind a symbolic link that leads out of the model's folder, '" + location + "'");
  return files_[location] = {map_file(path), std::make_shared<const std::string>(path.string())};
}

ir::Tensor ExternalData::tensor(const pb::TensorProto& proto) {
  std::string location;
  std::optional<uint64_t> offset = 0;
  std::optional<uint64_t> length;
  bool has_length = false;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = number(entry.value());
    if (entry.key() == "length") {
      length = number(entry.value());
      has_length = true;
    }
  }
  const File& file = open(proto, location);
  const auto bytes = file.mapped->bytes();
  if (has_length && !length) refuse(proto, "states a length that is no number");
  if (!offset || *offset > bytes.size()) refuse(proto, "starts behind the end of '" + location + "'");
  const uint64_t size = length.value_or(bytes.size() - *offset);
  if (size > bytes.size() - *offset) refuse(proto, "ends behind the end of '" + location + "'");
  try {
    return ir::Tensor(static_cast<ir::DType>(proto.data_type()), {proto.dims().begin(), proto.dims().end()},
                      bytes.subspan(*offset, size), file.mapped, ir::FileRegion{file.path, *offset});
  } catch (const std::invalid_argument&) {
    refuse(proto, "has another number of bytes in '" + location + "' than its dims say");
  }
}

std::vector<fs::path> ExternalData::files() const {
  std::vector<fs::path> out;
  for (const auto& [location, file] : files_) out.emplace_back(*file.path);
  return out;
}

}  // namespace onnxport::onnx
