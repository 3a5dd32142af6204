#include "core/ir/strided_copy.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace onnxport::ir {

namespace {

constexpr size_t kCacheLine = 64;

// ---- blocks of elements, transposed in registers ----

template <typename T>
using Lanes __attribute__((vector_size(16))) = T;
template <typename T>
constexpr size_t kLanes = 16 / sizeof(T);

// a0 b0 a1 b1 … from the first halves of a and b (`first` 0) or from the second ones (`first` half the lanes).
template <typename T, size_t first, size_t... i>
Lanes<T> interleave(Lanes<T> a, Lanes<T> b, std::index_sequence<i...>) {
  return __builtin_shufflevector(a, b, (first + i / 2 + (i % 2) * kLanes<T>)...);
}

// Interleaves the rows of one half with those of the other. Written out by the pack, so that all rows stay in
// registers.
template <typename T, size_t... i>
[[gnu::always_inline]] inline void interleave_rows(Lanes<T>* rows, std::index_sequence<i...>) {
  constexpr auto lanes = std::make_index_sequence<kLanes<T>>();
  constexpr size_t half = kLanes<T> / 2;
  const Lanes<T> low[] = {rows[i]..., rows[i + half]...};
  ((rows[2 * i] = interleave<T, 0>(low[i], low[i + half], lanes),
    rows[2 * i + 1] = interleave<T, half>(low[i], low[i + half], lanes)),
   ...);
}

// As many rows as columns as there are lanes: after as many rounds as halve the lanes to one, rows are columns.
template <typename T, size_t... i>
[[gnu::always_inline]] inline void transpose_lanes(const std::byte* from, size_t from_pitch, std::byte* to,
                                                   size_t to_pitch, std::index_sequence<i...>) {
  Lanes<T> rows[kLanes<T>];
  (std::memcpy(&rows[i], from + i * from_pitch, sizeof rows[i]), ...);
  constexpr auto halves = std::make_index_sequence<kLanes<T> / 2>();
  interleave_rows<T>(rows, halves);
  if constexpr (kLanes < T >> 2) interleave_rows<T>(rows, halves);
  if constexpr (kLanes < T >> 4) interleave_rows<T>(rows, halves);
  if constexpr (kLanes < T >> 8) interleave_rows<T>(rows, halves);
  (std::memcpy(to + i * to_pitch, &rows[i], sizeof rows[i]), ...);
}

// At most a cache line of elements each way.
template <typename T>
void transpose_block(const std::byte* from, size_t from_pitch, size_t rows, size_t columns, std::byte* to,
                     size_t to_pitch) {
  constexpr size_t side = kCacheLine / sizeof(T);
  if constexpr (sizeof(T) <= sizeof(uint64_t)) {
    if (rows == side && columns == side) {
      for (size_t c = 0; c < side; c += kLanes<T>) {
        for (size_t r = 0; r < side; r += kLanes<T>)
          transpose_lanes<T>(from + r * from_pitch + c * sizeof(T), from_pitch,
                             to + c * to_pitch + r * sizeof(T), to_pitch,
                             std::make_index_sequence<kLanes<T>>());
      }
      return;
    }
  }
  for (size_t c = 0; c < columns; ++c) {
    for (size_t r = 0; r < rows; ++r)
      std::memcpy(to + c * to_pitch + r * sizeof(T), from + r * from_pitch + c * sizeof(T), sizeof(T));
  }
}

template <typename T>
void transpose_all(const std::byte* from, size_t from_pitch, size_t rows, size_t columns, std::byte* to,
                   size_t to_pitch) {
  constexpr size_t side = kCacheLine / sizeof(T);
  for (size_t c = 0; c < columns; c += side) {
    for (size_t r = 0; r < rows; r += side) {
      transpose_block<T>(from + r * from_pitch + c * sizeof(T), from_pitch, std::min(side, rows - r),
                         std::min(side, columns - c), to + c * to_pitch + r * sizeof(T), to_pitch);
    }
  }
}

struct Pair {
  uint64_t low, high;
};

// Elements one by one, the last axis innermost.
void copy_scattered(const std::byte* from, const StridedView& view, std::byte*& out) {
  if (view.dims.empty()) {
    std::memcpy(out, from, view.width);
    out += view.width;
    return;
  }
  const int64_t size = view.dims[0];
  const size_t step = static_cast<size_t>(view.strides[0]) * view.width;
  if (view.dims.size() == 1) {
    if (view.strides[0] == 1) {
      std::memcpy(out, from, static_cast<size_t>(size) * view.width);
      out += static_cast<size_t>(size) * view.width;
      return;
    }
    for (int64_t i = 0; i < size; ++i, out += view.width)
      std::memcpy(out, from + static_cast<size_t>(i) * step, view.width);
    return;
  }
  const StridedView inner = view.row(0);
  for (int64_t i = 0; i < size; ++i) copy_scattered(from + static_cast<size_t>(i) * step, inner, out);
}

// All axes but `fast`, whose elements lie side by side, and the last one are walked; these two are transposed.
void copy_transposed(const std::byte* from, const StridedView& view, const std::vector<int64_t>& out_strides,
                     size_t fast, size_t axis, std::byte* out) {
  const size_t last = view.dims.size() - 1;
  if (axis == fast) return copy_transposed(from, view, out_strides, fast, axis + 1, out);
  if (axis == last) {
    transpose(from, static_cast<size_t>(view.strides[last]) * view.width,
              static_cast<size_t>(view.dims[last]), static_cast<size_t>(view.dims[fast]), view.width, out,
              static_cast<size_t>(out_strides[fast]) * view.width);
    return;
  }
  for (int64_t i = 0; i < view.dims[axis]; ++i) {
    copy_transposed(from + static_cast<size_t>(i * view.strides[axis]) * view.width, view, out_strides, fast,
                    axis + 1, out + static_cast<size_t>(i * out_strides[axis]) * view.width);
  }
}

}  // namespace

uint64_t StridedView::byte_size() const {
  uint64_t size = width;
  for (const int64_t dim : dims) size *= static_cast<uint64_t>(dim);
  return size;
}

StridedView StridedView::rows(int64_t first, int64_t count) const {
  StridedView out = *this;
  out.dims[0] = count;
  out.offset += first * strides[0];
  return out;
}

StridedView StridedView::row(int64_t index) const {
  return {width,
          {dims.begin() + 1, dims.end()},
          {strides.begin() + 1, strides.end()},
          offset + index * strides[0]};
}

StridedView StridedView::coalesced() const {
  StridedView out{width, {}, {}, offset};
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    if (!out.dims.empty() && out.strides.back() == strides[i] * dims[i]) {
      out.dims.back() *= dims[i];
      out.strides.back() = strides[i];
    } else {
      out.dims.push_back(dims[i]);
      out.strides.push_back(strides[i]);
    }
  }
  return out;
}

bool StridedView::is_contiguous() const {
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) return true;
  int64_t expected = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    if (dims[i] != 1 && strides[i] != expected) return false;
    expected *= dims[i];
  }
  return true;
}

void transpose(const std::byte* from, size_t from_pitch, size_t rows, size_t columns, size_t width,
               std::byte* to, size_t to_pitch) {
  switch (width) {
    case 1:
      return transpose_all<uint8_t>(from, from_pitch, rows, columns, to, to_pitch);
    case 2:
      return transpose_all<uint16_t>(from, from_pitch, rows, columns, to, to_pitch);
    case 4:
      return transpose_all<uint32_t>(from, from_pitch, rows, columns, to, to_pitch);
    case 8:
      return transpose_all<uint64_t>(from, from_pitch, rows, columns, to, to_pitch);
    case 16:
      return transpose_all<Pair>(from, from_pitch, rows, columns, to, to_pitch);
    default:
      for (size_t c = 0; c < columns; ++c) {
        for (size_t r = 0; r < rows; ++r)
          std::memcpy(to + c * to_pitch + r * width, from + r * from_pitch + c * width, width);
      }
  }
}

void copy_elements(const std::byte* storage, const StridedView& view, std::byte* out) {
  if (view.byte_size() == 0) return;
  const StridedView v = view.coalesced();
  const std::byte* from = storage + static_cast<size_t>(v.offset) * v.width;
  const auto fast = std::find(v.strides.begin(), v.strides.end(), 1);
  if (v.dims.empty() || v.strides.back() == 1 || fast == v.strides.end()) return copy_scattered(from, v, out);
  std::vector<int64_t> out_strides(v.dims.size(), 1);
  for (size_t i = v.dims.size() - 1; i-- > 0;) out_strides[i] = out_strides[i + 1] * v.dims[i + 1];
  copy_transposed(from, v, out_strides, static_cast<size_t>(fast - v.strides.begin()), 0, out);
}

void for_each_strip(const StridedView& view, uint64_t most,
                    const std::function<void(const StridedView&)>& visit) {
  const uint64_t size = view.byte_size();
  if (size == 0) return;
  const StridedView v = view.coalesced();
  if (size <= most || v.dims.empty()) return visit(v);
  const uint64_t row = size / static_cast<uint64_t>(v.dims[0]);
  if (row > most && v.dims.size() > 1) {
    for (int64_t i = 0; i < v.dims[0]; ++i) for_each_strip(v.row(i), most, visit);
    return;
  }
  const auto step = static_cast<int64_t>(std::max<uint64_t>(1, most / row));
  for (int64_t i = 0; i < v.dims[0]; i += step) visit(v.rows(i, std::min(step, v.dims[0] - i)));
}

}  // namespace onnxport::ir
