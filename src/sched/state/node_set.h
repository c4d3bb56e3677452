#pragma once
// NodeSet: a set of nodes as bits over their ids, for constraint classes, pools and topology domains.

#include <bit>
#include <cstdint>
#include <vector>

#include "sched/state/ids.h"

namespace muster::sched {

class NodeSet {
 public:
  bool has(NodeId n) const { return n.value / 64 < words_.size() && (words_[n.value / 64] >> (n.value % 64) & 1) != 0; }
  void put(NodeId n) {
    if (n.value / 64 >= words_.size()) words_.resize(n.value / 64 + 1);
    words_[n.value / 64] |= std::uint64_t{1} << (n.value % 64);
  }
  void drop(NodeId n) {
    if (n.value / 64 < words_.size()) words_[n.value / 64] &= ~(std::uint64_t{1} << (n.value % 64));
  }
  void put(NodeId n, bool in) { in ? put(n) : drop(n); }
  void clear() { words_.clear(); }

  std::size_t count() const {
    std::size_t n = 0;
    for (auto w : words_) n += static_cast<std::size_t>(std::popcount(w));
    return n;
  }
  bool empty() const {
    for (auto w : words_)
      if (w != 0) return false;
    return true;
  }
  NodeSet& operator&=(const NodeSet& o) {
    if (words_.size() > o.words_.size()) words_.resize(o.words_.size());
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= o.words_[i];
    return *this;
  }
  NodeSet& operator|=(const NodeSet& o) {
    if (words_.size() < o.words_.size()) words_.resize(o.words_.size());
    for (std::size_t i = 0; i < o.words_.size(); ++i) words_[i] |= o.words_[i];
    return *this;
  }
  friend NodeSet operator&(NodeSet a, const NodeSet& b) { return a &= b; }
  bool is_within(const NodeSet& o) const {
    for (std::size_t i = 0; i < words_.size(); ++i)
      if ((words_[i] & ~o.word(i)) != 0) return false;
    return true;
  }
  bool meets(const NodeSet& o) const {
    for (std::size_t i = 0; i < words_.size(); ++i)
      if ((words_[i] & o.word(i)) != 0) return true;
    return false;
  }
  // After nodes were renumbered: `to` by old id, none for those that are gone.
  void renumber(const std::vector<NodeId>& to) {
    NodeSet fresh;
    each([&](NodeId n) {
      if (n.value < to.size() && !to[n.value].is_none()) fresh.put(to[n.value]);
    });
    *this = std::move(fresh);
  }
  std::size_t word_count() const { return words_.size(); }
  std::uint64_t word(std::size_t i) const { return i < words_.size() ? words_[i] : 0; }

  // In order of ids.
  template <class F>
  void each(F&& f) const {
    for (std::size_t i = 0; i < words_.size(); ++i)
      for (auto w = words_[i]; w != 0; w &= w - 1)
        f(NodeId{static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(w)))});
  }

 private:
  std::vector<std::uint64_t> words_;
};

// The nodes of `a` that also lie in `b` (nullptr: all).
template <class F>
void each_in(const NodeSet& a, const NodeSet* b, F&& f) {
  for (std::size_t i = 0; i < a.word_count(); ++i)
    for (auto w = b == nullptr ? a.word(i) : a.word(i) & b->word(i); w != 0; w &= w - 1)
      f(NodeId{static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(w)))});
}

}  // namespace muster::sched
