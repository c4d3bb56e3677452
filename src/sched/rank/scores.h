#pragma once
// Scores: what the nodes of a pool that places by fragmentation are worth to pods of a shape, kept from one pod to the
// next. A score changes only with its node (its stamp is another then) or with the mix of shapes, which changes when a
// shape's part of all pods does, by at least a thousandth.

#include <map>
#include <vector>

#include "sched/rank/gradient.h"
#include "sched/state/world.h"

namespace muster::sched::rank {

inline constexpr std::int32_t unfit = INT32_MIN;

class Scores {
 public:
  // The world's own, up to date. Requires: nodes are refreshed.
  static Scores& of(World& world);

  // One pool's nodes for pods that ask for the same and may go to the same nodes.
  class Line {
   public:
    // By what will be free; `unfit` where CPU or devices will not do.
    std::int32_t at(NodeId n);
    // The highest among the nodes 64 x block and on.
    std::int32_t best_of(std::size_t block);
    std::size_t blocks() const { return best_.size(); }

   private:
    friend class Scores;
    Line(const World& world, const Scores& scores, PoolId pool, ShapeId shape);
    const World* world_;
    const Scores* scores_;
    PoolId pool_;
    ShapeId shape_;
    std::vector<std::uint64_t> stamps_;  // of the node when it was scored
    std::vector<std::int32_t> scores_of_;
    std::vector<std::uint64_t> block_stamps_;
    std::vector<std::int32_t> best_;
  };
  Line& line(PoolId pool, ShapeId shape);
  // Of the devices of `open` the one that a share is to have. Requires: there is one with room.
  std::uint64_t device(PoolId pool, const Shape& shape, NodeId n, std::uint64_t open) const;

 private:
  // What a pool's nodes are to the mix.
  struct Fleet {
    std::vector<Demand> demands;
    std::vector<NodeKind> kinds;
    std::vector<std::uint32_t> kind_of;  // by node
    std::int64_t most_cpu = 0, most_gpu = 0;
    bool same_as(const Fleet& other) const;
    Gradient gradient;
  };
  struct Key {
    std::uint32_t pool = 0, klass = 0;
    std::int64_t cpu = 0, mib = 0;
    std::int32_t devices = 0, milli = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  explicit Scores(const World& world) : world_(world) {}
  void refresh();
  Fleet survey(PoolId pool) const;
  void sort_nodes(Fleet& fleet, PoolId pool, const std::vector<NodeSet>& classes) const;
  std::int32_t score(PoolId pool, const Shape& shape, NodeId n) const;

  // Scores kept in all, about 12 bytes each; but so many lines in any case.
  static constexpr std::size_t most_scores = 4'000'000, least_lines = 32;
  const World& world_;
  std::uint64_t nodes_version_ = 0, shapes_version_ = 0;
  std::vector<Fleet> fleets_;  // by pool
  std::map<Key, Line> lines_;
};

}  // namespace muster::sched::rank
