// Tensors with strides on their way into a file: strips of rows, and tiles of what is transposed.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "core/serialize/descriptor.h"
#include "core/serialize/output_file.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

constexpr uint64_t kStrip = uint64_t{4} << 20;
// Smaller parts are not worth a tile.
constexpr uint64_t kTiledFrom = uint64_t{1} << 20;
// What is transposed at a time. A tile is read in one piece for each of its rows and written in one for each of its
// columns, in one altogether where it has all the rows: so it does, unless the pieces read would become too short.
constexpr size_t kCacheLine = 64;
constexpr size_t kTile = size_t{8} << 20;
constexpr size_t kShortestRead = 1024;
constexpr size_t kPiece = 4096;  // read at a time where not all rows fit; twice as much is written

struct Tile {
  size_t rows, columns;
};

Tile tile_of(size_t rows, size_t columns, size_t width) {
  const size_t line = kCacheLine / width;  // columns that lie in one are transposed together
  const size_t strip = std::min(columns, kTile / (rows * width) / line * line);
  if (strip * width >= kShortestRead || strip == columns) return {rows, strip};
  return {kTile / kPiece, std::min(columns, kPiece / width)};
}

void write_strips(ByteSink& sink, const std::byte* storage, const ir::StridedView& view) {
  std::vector<std::byte> strip;
  ir::for_each_strip(view, kStrip, [&](const ir::StridedView& part) {
    strip.resize(part.byte_size());
    ir::copy_elements(storage, part, strip.data());
    sink.write(std::span<const std::byte>(strip));
  });
}

// The first `size` bytes of a buffer that begin at a cache line: half of a transposition's speed.
std::span<std::byte> aligned(std::vector<std::byte>& buffer, size_t size) {
  if (buffer.size() < size + kCacheLine) buffer.resize(size + kCacheLine);
  void* start = buffer.data();
  size_t space = buffer.size();
  std::align(kCacheLine, size, start, space);
  return {static_cast<std::byte*>(start), size};
}

// Parts of a weight: read from the file where it lies in one, so that its pages do not become the process's, else in memory.
class WeightSource {
 public:
  // `buffer`: scratch that is kept from weight to weight.
  WeightSource(const ir::Tensor& tensor, std::vector<std::byte>& buffer)
      : buffer_(buffer),
        memory_(tensor.extent().data()),
        file_(tensor.file()),
        opened_(file_ && file_->path ? ::open(file_->path->c_str(), O_RDONLY | O_CLOEXEC) : -1) {}

  struct Rows {
    const std::byte* first;
    size_t pitch;
  };
  // `rows` runs of `length` bytes, `pitch` bytes apart, the first one `offset` bytes into the weight. Valid until the next call.
  Rows read(uint64_t offset, size_t rows, size_t length, size_t pitch) {
    if (opened_.fd < 0) return {memory_ + offset, pitch};
    std::byte* out = aligned(buffer_, rows * length).data();
    if (length == pitch) {
      read_run(offset, out, rows * length);
    } else {
      for (size_t r = 0; r < rows; ++r) read_run(offset + r * pitch, out + r * length, length);
    }
    return {out, length};
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

  std::vector<std::byte>& buffer_;
  const std::byte* memory_;
  const std::optional<ir::FileRegion>& file_;
  Descriptor opened_;
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
  const Tile most = tile_of(rows, columns, width);
  flush();
  const uint64_t start = written_;
  WeightSource source(tensor, read_buffer_);
  for (size_t c = 0; c < columns; c += most.columns) {
    const size_t tile_columns = std::min(most.columns, columns - c);
    const uint64_t band = start + c * rows * width;
    for (size_t r = 0; r < rows; r += most.rows) {
      const size_t tile_rows = std::min(most.rows, rows - r);
      const uint64_t offset = (static_cast<uint64_t>(view.offset) + c) * width + r * pitch;
      const auto from = source.read(offset, tile_rows, tile_columns * width, pitch);
      const std::span<std::byte> tile = aligned(tile_buffer_, tile_rows * tile_columns * width);
      ir::transpose(from.first, from.pitch, tile_rows, tile_columns, width, tile.data(), tile_rows * width);
      if (tile_rows == rows) {
        write_at(tile, band);
        continue;
      }
      for (size_t i = 0; i < tile_columns; ++i)
        write_at(tile.subspan(i * tile_rows * width, tile_rows * width), band + (i * rows + r) * width);
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
