// Tensors with strides on their way into a file: strips of rows, and tiles of what is transposed.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/serialize/descriptor.h"
#include "core/serialize/output_file.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

constexpr uint64_t kStrip = uint64_t{4} << 20;
// Smaller parts are not worth a tile.
constexpr uint64_t kTiledFrom = uint64_t{1} << 20;
// A tile is read in pieces of this size, one for each of its rows, and written in pieces of twice this size, one for each
// of its columns: whole pages both ways, whatever the sizes of the weight.
constexpr size_t kPiece = 4096;

void write_strips(ByteSink& sink, const std::byte* storage, const ir::StridedView& view) {
  std::vector<std::byte> strip;
  ir::for_each_strip(view, kStrip, [&](const ir::StridedView& part) {
    strip.resize(part.byte_size());
    ir::copy_elements(storage, part, strip.data());
    sink.write(std::span<const std::byte>(strip));
  });
}

// Parts of a weight: read from the file where it lies in one, so that its pages do not become the process's, else in memory.
class WeightSource {
 public:
  explicit WeightSource(const ir::Tensor& tensor)
      : memory_(tensor.extent().data()),
        file_(tensor.file()),
        opened_(file_ && file_->path ? ::open(file_->path->c_str(), O_RDONLY | O_CLOEXEC) : -1) {}

  struct Rows {
    const std::byte* first;
    size_t pitch;
  };
  // `rows` runs of `length` bytes, `pitch` bytes apart, the first one `offset` bytes into the weight. Valid until the next call.
  Rows read(uint64_t offset, size_t rows, size_t length, size_t pitch) {
    if (opened_.fd < 0) return {memory_ + offset, pitch};
    if (length == pitch) {
      buffer_.resize(rows * length);
      read_run(offset, buffer_.data(), rows * length);
      return {buffer_.data(), length};
    }
    buffer_.resize(rows * length);
    for (size_t r = 0; r < rows; ++r) read_run(offset + r * pitch, buffer_.data() + r * length, length);
    return {buffer_.data(), length};
  }

 private:
  void read_run(uint64_t offset, std::byte* out, size_t size) {
    offset += file_->offset;
    while (size > 0) {
      const ssize_t n = ::pread(opened_.fd, out, size, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) fail(n < 0 ? std::strerror(errno) : "it ends before the weight does");
      out += n;
      offset += static_cast<uint64_t>(n);
      size -= static_cast<size_t>(n);
    }
  }

  [[noreturn]] void fail(const char* why) const {
    Location place;
    place.file = *file_->path;
    throw Error("S705", std::string("a weight cannot be read from the model: ") + why, place,
                "the file changed while it was exported: export it again; nothing was changed");
  }

  const std::byte* memory_;
  const std::optional<ir::FileRegion>& file_;
  Descriptor opened_;
  std::vector<std::byte> buffer_;
};

}  // namespace

void ByteSink::write(const ir::Tensor& tensor) {
  if (tensor.is_contiguous()) return write(tensor.bytes());
  write_strips(*this, tensor.extent().data(), {ir::size_of(tensor.dtype()), tensor.dims(), tensor.strides()});
}

void OutputFile::write_strided(const ir::Tensor& tensor, const ir::StridedView& view) {
  const size_t rank = view.dims.size();
  if (rank == 2 && view.strides[0] == 1 && view.byte_size() >= kTiledFrom) return write_tiles(tensor, view);
  if (rank > 2 && view.row(0).byte_size() >= kTiledFrom) {
    for (int64_t i = 0; i < view.dims[0]; ++i) write_strided(tensor, view.row(i).coalesced());
    return;
  }
  write_strips(*this, tensor.extent().data(), view);
}

void OutputFile::write_tiles(const ir::Tensor& tensor, const ir::StridedView& view) {
  const size_t width = view.width;
  const auto rows = static_cast<size_t>(view.dims[1]), columns = static_cast<size_t>(view.dims[0]);
  const size_t pitch = static_cast<size_t>(view.strides[1]) * width;
  const size_t most_rows = 2 * kPiece / width, most_columns = kPiece / width;
  flush();
  const uint64_t start = written_;
  WeightSource source(tensor);
  std::vector<std::byte> tile;
  for (size_t c = 0; c < columns; c += most_columns) {
    const size_t tile_columns = std::min(most_columns, columns - c);
    const uint64_t band = start + c * rows * width;
    for (size_t r = 0; r < rows; r += most_rows) {
      const size_t tile_rows = std::min(most_rows, rows - r);
      const uint64_t offset = (static_cast<uint64_t>(view.offset) + c) * width + r * pitch;
      const auto from = source.read(offset, tile_rows, tile_columns * width, pitch);
      tile.resize(tile_rows * tile_columns * width);
      ir::transpose(from.first, from.pitch, tile_rows, tile_columns, width, tile.data(), tile_rows * width);
      if (tile_rows == rows) {
        write_at(tile, band);
        continue;
      }
      for (size_t i = 0; i < tile_columns; ++i)
        write_at(std::span(tile).subspan(i * tile_rows * width, tile_rows * width),
                 band + (i * rows + r) * width);
    }
    // A hint: the disk starts on this part while the next is transposed.
    ::sync_file_range(fd_, static_cast<off64_t>(band), static_cast<off64_t>(tile_columns * rows * width),
                      SYNC_FILE_RANGE_WRITE);
  }
  written_ = start + view.byte_size();
  if (::lseek(fd_, static_cast<off_t>(written_), SEEK_SET) < 0) fail("cannot be written");
}

void OutputFile::write_at(std::span<const std::byte> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot be written");
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
}

}  // namespace onnxport
