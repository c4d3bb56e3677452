#pragma once
// UndoLog: the one way in which the world's cells change. While a mark is open every change is remembered with the old
// value, so that a what-if runs on the live world and is taken back exactly. Marks nest. Cells must not move (no table
// grows) while a mark is open.

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "base/check.h"

namespace muster::sched {

class UndoLog {
 public:
  using Mark = std::size_t;

  template <class T>
  void set(T& cell, std::type_identity_t<T> value) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
    if (cell == value) return;
    if (depth_ > 0) remember(&cell, sizeof(T));
    cell = value;
  }
  template <class T>
  void add(T& cell, std::type_identity_t<T> by) {
    if (by != 0) set(cell, static_cast<T>(cell + by));
  }

  Mark mark() {
    ++depth_;
    return entries_.size();
  }
  // Takes back every change since the mark and closes it.
  void rollback(Mark mark) {
    while (entries_.size() > mark) {
      const Entry& e = entries_.back();
      std::memcpy(reinterpret_cast<void*>(e.place & address_mask), &e.old, e.place >> size_shift);
      entries_.pop_back();
    }
    close();
  }
  // Keeps the changes and closes the mark; an outer mark can still take them back.
  void keep(Mark) { close(); }

  bool is_open() const { return depth_ > 0; }
  std::size_t peak_bytes() const { return entries_.capacity() * sizeof(Entry); }

 private:
  // The size of the cell (1, 2, 4, 8 bytes) lies in the address's unused top byte.
  static constexpr int size_shift = 56;
  static constexpr std::uint64_t address_mask = (std::uint64_t{1} << size_shift) - 1;
  struct Entry {
    std::uint64_t place;
    std::uint64_t old;
  };

  void remember(const void* cell, std::size_t size) {
    Entry e{reinterpret_cast<std::uint64_t>(cell) | (static_cast<std::uint64_t>(size) << size_shift), 0};
    std::memcpy(&e.old, cell, size);
    entries_.push_back(e);
  }
  void close() {
    CHECK(depth_ > 0, "every rollback and keep has its mark");
    if (--depth_ == 0) entries_.clear();
  }

  std::vector<Entry> entries_;
  int depth_ = 0;
};

}  // namespace muster::sched
