#pragma once
// Ids of the engine's tables: dense 32-bit rows. A row is reused only after everything that names it is gone.

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "model/resources.h"

namespace muster::sched {

using NodeId = Id<struct NodeTag>;
using QueueId = Id<struct QueueTag>;
using JobId = Id<struct JobTag>;
using GroupId = Id<struct GroupTag>;  // a node of a gang's tree; its leaves carry pods
using PodId = Id<struct PodTag>;
using ShapeId = Id<struct ShapeTag>;
using ClassId = Id<struct ClassTag>;
using PoolId = Id<struct PoolTag>;
using TermId = Id<struct TermTag>;
using DimId = std::uint32_t;  // a resource of nodes: 0 cpu, 1 memory, 2 pods, then others as they are first seen

// Stands for "no bound" where a quota or limit is meant; sums saturate at it.
inline constexpr std::int64_t unlimited = INT64_MAX;

// One column of a table, indexed by the table's id.
template <class I, class T>
class Column {
 public:
  T& operator[](I id) { return cells_[id.value]; }
  const T& operator[](I id) const { return cells_[id.value]; }
  std::size_t size() const { return cells_.size(); }
  void grow(std::size_t n) { cells_.resize(n); }
  auto begin() { return cells_.begin(); }
  auto end() { return cells_.end(); }

 private:
  std::vector<T> cells_;
};

// The resources that queues share, by index, for loops over model::Resources: GPU, CPU, memory, then named classes.
inline constexpr int resource_count = 3 + static_cast<int>(model::named_resources);
inline std::int64_t& at(model::Resources& r, int i) {
  return i == 0 ? r.gpu : i == 1 ? r.cpu : i == 2 ? r.memory : r.named[static_cast<std::size_t>(i - 3)];
}
inline std::int64_t at(const model::Resources& r, int i) { return at(const_cast<model::Resources&>(r), i); }

}  // namespace muster::sched
