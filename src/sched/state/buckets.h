#pragma once
// Buckets: the usable nodes of one pool by how many devices will be free on them, and by how much room the roomiest
// shared device has, as bits over node ids, whose order is that of the names. Words are cells of the undo log.

#include <cstdint>
#include <vector>

#include "sched/state/ids.h"
#include "sched/state/undo.h"

namespace muster::sched {

class Buckets {
 public:
  void reset(std::size_t levels, std::size_t nodes) {
    words_.assign(levels, std::vector<std::uint64_t>(nodes / 64 + 1));
    count_.assign(levels, 0);
  }
  // Outside of what-ifs, while the buckets are filled.
  void put(std::size_t level, NodeId n) {
    words_[level][n.value / 64] |= std::uint64_t{1} << (n.value % 64);
    ++count_[level];
  }
  void move(UndoLog& log, NodeId n, std::size_t from, std::size_t to) {
    std::uint64_t bit = std::uint64_t{1} << (n.value % 64);
    log.set(words_[from][n.value / 64], words_[from][n.value / 64] & ~bit);
    log.set(words_[to][n.value / 64], words_[to][n.value / 64] | bit);
    log.add(count_[from], -1);
    log.add(count_[to], 1);
  }
  std::size_t levels() const { return words_.size(); }
  std::int32_t count(std::size_t level) const { return count_[level]; }
  const std::vector<std::uint64_t>& words(std::size_t level) const { return words_[level]; }

 private:
  std::vector<std::vector<std::uint64_t>> words_;
  std::vector<std::int32_t> count_;
};

// Room of a shared device in twentieths of it, rounded down; level 0: none.
inline constexpr std::int32_t room_step = 50;
inline constexpr std::size_t room_levels = 21;

}  // namespace muster::sched
