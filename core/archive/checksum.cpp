#include "core/archive/checksum.h"

#include <zlib.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace onnxport {
namespace {

constexpr size_t kWorthAThread = size_t{4} << 20;  // some milliseconds of work
constexpr size_t kMostThreads = 8;                 // then memory is the limit

uint32_t plain(std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

uint32_t crc32_of(std::span<const std::byte> bytes) {
  const size_t cores = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMostThreads);
  const size_t parts = std::clamp<size_t>(bytes.size() / kWorthAThread, 1, cores);
  if (parts == 1) return plain(bytes);
  const size_t step = bytes.size() / parts;
  const auto part = [&](size_t i) {
    return i + 1 == parts ? bytes.subspan(i * step) : bytes.subspan(i * step, step);
  };
  std::vector<uint32_t> sums(parts);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 1; i < parts; ++i) threads.emplace_back([&, i] { sums[i] = plain(part(i)); });
    sums[0] = plain(part(0));
  }
  uint32_t out = sums[0];
  for (size_t i = 1; i < parts; ++i) {
    out = static_cast<uint32_t>(crc32_combine(out, sums[i], static_cast<z_off_t>(part(i).size())));
  }
  return out;
}

}  // namespace onnxport
