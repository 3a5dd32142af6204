// Tensors with strides on their way into a file: strips of rows, and tiles of what is transposed.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>
#include <memory>

#include "core/serialize/descriptor.h"
#include "core/serialize/output_file.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

constexpr uint64_t kStrip = uint64_t{4} << 20;
// Smaller parts are not worth a tile.
constexpr uint64_t kTiledFrom = uint64_t{1} << 20;
// What is transposed at a time, while the tile before is written. A tile is written in one piece where it has all the rows, which is
// so unless the pieces read would become too short; else in one piece for each of its columns.
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

// The bytes of a weight while it is written: those of the file where it lies in one, mapped for this long only, so that its pages
// do not become the process's; else those in memory.
class WeightSource {
 public:
  explicit WeightSource(const ir::Tensor& tensor) : first_(tensor.extent().data()) {
    const auto& file = tensor.file();
    if (!file || !file->path) return;
    const Descriptor opened(::open(file->path->c_str(), O_RDONLY | O_CLOEXEC));
    if (opened.fd < 0) return;
    const size_t size = tensor.extent().size();
    struct stat status {};
    if (::fstat(opened.fd, &status) != 0) fail(*file->path, std::strerror(errno));
    const auto file_size = static_cast<uint64_t>(status.st_size);
    if (file->offset > file_size || size > file_size - file->offset)
      fail(*file->path, "it ends before the weight does");
    const uint64_t into = file->offset % static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    mapped_size_ = size + into;
    // All its pages at once: one by one, they would cost as much as the transposition.
    void* mapped = ::mmap(nullptr, mapped_size_, PROT_READ, MAP_PRIVATE | MAP_POPULATE, opened.fd,
                          static_cast<off_t>(file->offset - into));
    if (mapped == MAP_FAILED) return;
    mapped_ = mapped;
    first_ = static_cast<const std::byte*>(mapped) + into;
  }
  ~WeightSource() {
    if (mapped_ != nullptr) ::munmap(mapped_, mapped_size_);
  }
  WeightSource(const WeightSource&) = delete;
  WeightSource& operator=(const WeightSource&) = delete;

  const std::byte* first() const { return first_; }

 private:
  [[noreturn]] static void fail(const std::string& path, const char* why) {
    Location place;
    place.file = path;
    throw Error("S705", std::string("a weight cannot be read from the model: ") + why, place,
                "the file changed while it was exported: export it again; nothing was changed");
  }

  const std::byte* first_;
  void* mapped_ = nullptr;
  size_t mapped_size_ = 0;
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
  const WeightSource source(tensor);
  std::future<void> writing;  // one tile, while the next is read and transposed; waits in its destructor
  size_t next = 0;
  for (size_t c = 0; c < columns; c += most.columns) {
    const size_t tile_columns = std::min(most.columns, columns - c);
    const uint64_t band = start + c * rows * width;
    for (size_t r = 0; r < rows; r += most.rows) {
      const size_t tile_rows = std::min(most.rows, rows - r);
      const uint64_t offset = (static_cast<uint64_t>(view.offset) + c) * width + r * pitch;
      const size_t piece = tile_rows * width;
      const std::span<std::byte> tile = aligned(tile_buffers_[next], piece * tile_columns);
      ir::transpose(source.first() + offset, pitch, tile_rows, tile_columns, width, tile.data(), piece);
      if (writing.valid()) writing.get();
      const size_t at_once = tile_rows == rows ? tile.size() : piece;
      const uint64_t apart = tile_rows == rows ? tile.size() : rows * width;
      writing =
          std::async(std::launch::async, [=, this] { write_pieces(tile, at_once, band + r * width, apart); });
      next = 1 - next;
    }
  }
  if (writing.valid()) writing.get();
  written_ = start + view.byte_size();
  if (::lseek(fd_, static_cast<off_t>(written_), SEEK_SET) < 0) fail("cannot be written");
}

void OutputFile::write_pieces(std::span<const std::byte> bytes, size_t piece, uint64_t offset,
                              uint64_t pitch) {
  uint64_t to = offset;
  for (size_t at = 0; at < bytes.size(); at += piece, to += pitch) write_at(bytes.subspan(at, piece), to);
  // A hint: the disk starts on these while the next are made.
  ::sync_file_range(fd_, static_cast<off64_t>(offset), static_cast<off64_t>(to - offset),
                    SYNC_FILE_RANGE_WRITE);
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
