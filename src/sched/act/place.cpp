#include "sched/act/place.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "sched/act/limits.h"
#include "sched/rank/domains.h"

namespace muster::sched::act {

namespace {

// The nodes that a part of a gang may use, and which of them it would rather have.
struct Scope {
  const NodeSet* nodes = nullptr;
  const std::vector<std::int32_t>* preference = nullptr;
};

// One gang's tree, walked down with the domains that each group's constraint leaves.
class Placer {
 public:
  Placer(World& world, JobId j, const order::Batch& batch, const Placing& how)
      : world_(world), job_(j), pool_(world.queue(world.job(j).queue).pool), how_(how), batch_(batch.pods) {}

  bool place_group(GroupId g, const std::vector<PodId>& pods, const Scope& scope) {
    const GroupRow& row = world_.group(g);
    if (!row.topology || how_.ignore_topology) return place_members(g, pods, scope);
    std::vector<NodeId> placed;
    collect_placed(g, placed);
    return place_constrained(*row.topology, pods, placed, scope,
                             [&](const Scope& inner) { return place_members(g, pods, inner); });
  }

 private:
  NodeId spot_of(PodId p) const {
    const PodRow& pod = world_.pod(p);
    if (!pod.promised_node.is_none()) return pod.promised_node;
    bool stays = model::holds_resources(pod.state) && pod.state != model::PodState::Releasing &&
                 pod.state != model::PodState::StuckInReleasing;
    return stays ? pod.node : NodeId{};
  }
  void collect_placed(GroupId g, std::vector<NodeId>& out) const {
    const GroupRow& row = world_.group(g);
    if (row.active == 0 && row.is_leaf()) return;
    for (PodId p : row.pods)
      if (NodeId n = spot_of(p); !n.is_none()) out.push_back(n);
    for (GroupId child : row.children) collect_placed(child, out);
  }

  template <class Inside>
  bool place_constrained(const model::TopologyConstraint& wanted, const std::vector<PodId>& pods,
                         const std::vector<NodeId>& placed, const Scope& scope, Inside&& inside) {
    rank::Constraint c = rank::constraint_of(world_, wanted);
    if (c.is_none()) return inside(scope);
    for (const rank::Area& area : rank::areas(world_, c, pods, pool_, scope.nodes, placed)) {
      auto mark = world_.log.mark();
      if (inside(Scope{&area.nodes, area.preference.empty() ? scope.preference : &area.preference})) {
        world_.log.keep(mark);
        return true;
      }
      world_.log.rollback(mark);
    }
    return false;
  }

  bool place_members(GroupId g, const std::vector<PodId>& pods, const Scope& scope) {
    const GroupRow& row = world_.group(g);
    if (row.is_leaf()) return place_leaf(g, pods, scope);
    // Children in the order in which the batch names their pods.
    std::vector<GroupId> order;
    for (PodId p : pods) {
      GroupId child = child_of(g, world_.pod(p).group);
      if (std::find(order.begin(), order.end(), child) == order.end()) order.push_back(child);
    }
    for (GroupId child : order) {
      std::vector<PodId> own;
      for (PodId p : pods)
        if (child_of(g, world_.pod(p).group) == child) own.push_back(p);
      if (!place_group(child, own, scope)) return false;
    }
    return true;
  }
  GroupId child_of(GroupId ancestor, GroupId g) const {
    while (world_.group(g).parent != ancestor) g = world_.group(g).parent;
    return g;
  }

  bool place_leaf(GroupId g, const std::vector<PodId>& pods, const Scope& scope) {
    const auto& segments = world_.job(job_).noun.segments;
    if (!segments || segments->size <= 0 || how_.ignore_topology) return place_pods(pods, scope);
    // Every `size` pods of the leaf, by their order, are a group of their own.
    world_.sort_pods(g);
    const auto& all = world_.group(g).pods;
    auto size = static_cast<std::size_t>(segments->size);
    model::TopologyConstraint wanted{topology_of_segments(*segments), segments->required, segments->preferred};
    for (std::size_t first = 0; first < all.size(); first += size) {
      std::vector<PodId> own;
      std::vector<NodeId> placed;
      for (std::size_t i = first; i < std::min(all.size(), first + size); ++i) {
        if (std::find(pods.begin(), pods.end(), all[i]) != pods.end()) {
          own.push_back(all[i]);
        } else if (NodeId n = spot_of(all[i]); !n.is_none()) {
          placed.push_back(n);
        }
      }
      if (own.empty()) continue;
      if (!place_constrained(wanted, own, placed, scope, [&](const Scope& inner) { return place_pods(own, inner); }))
        return false;
    }
    return true;
  }
  std::string topology_of_segments(const model::Segments& segments) const {
    if (const auto& t = world_.job(job_).noun.topology; t && !t->topology.empty()) return t->topology;
    for (const auto& t : world_.topologies)
      if (t.level_of(segments.required.empty() ? segments.preferred : segments.required) >= 0) return t.name;
    return "";
  }

  bool place_pods(const std::vector<PodId>& pods, const Scope& scope) {
    before_ = {};
    for (PodId p : pods) {
#ifdef MUSTER_FAULT_BREAK_GANG
      if (pods.size() > 2 && p == pods.back()) return place_pod(p, scope), true;
#endif
      if (!place_pod(p, scope)) return false;
    }
    return true;
  }
  bool place_pod(PodId p, const Scope& scope) {
    rank::Wishes wishes;
    wishes.within = scope.nodes;
    wishes.topology = scope.preference;
    wishes.nominated = world_.pod(p).claim;
    wishes.nominated_devices = world_.pod(p).claim_devices;
    wishes.nominated_only = how_.as_claimed;
    wishes.gpu = how_.gpu, wishes.devices = how_.devices;
    wishes.most_share = most_share(p);
    // Only where the walk goes over all nodes: it is then made once for many.
    if (scope.preference != nullptr && !before_.is_none() && world_.pod(before_).shape == world_.pod(p).shape)
      wishes.again =
          world_.pod(before_).promised_node.is_none() ? world_.pod(before_).node : world_.pod(before_).promised_node;
    auto spot = rank::best_spot(world_, p, pool_, wishes);
    if (!spot) return false;
    if (spot->now && !how_.promise_only) {
      world_.bind(p, spot->node, spot->devices, how_.action);
    } else {
      world_.promise(p, spot->node, spot->devices, how_.action, how_.for_job);
    }
    before_ = spot->now && world_.pod(p).claim.is_none() ? p : PodId{};
    return true;
  }

  // What a memory request costs depends on the device: it takes one where the limit leaves enough for the pods that are
  // to follow.
  std::int64_t most_share(PodId p) const {
    const model::GpuRequest& gpu = world_.shape_of(p).gpu();
    if (how_.over_limit || gpu.kind != model::GpuRequest::Kind::Memory) return unlimited;
    std::int64_t left = gpus_left(world_, job_);
    if (left == unlimited) return left;
    std::vector<PodId> to_follow;
    for (PodId other : batch_) {
      const PodRow& row = world_.pod(other);
      if (other != p && row.state == model::PodState::Pending && row.promised_node.is_none())
        to_follow.push_back(other);
    }
    return (left - least_gpus(world_, job_, to_follow)) / std::max(1, gpu.devices);
  }

  World& world_;
  JobId job_;
  PoolId pool_;
  const Placing& how_;
  PodId before_;  // placed at once where it is best, by no nomination
  const std::vector<PodId>& batch_;
};

// Has its minimum in pods that hold their place, not only in nominated ones.
bool stands(const World& world, GroupId g) {
  const GroupRow& row = world.group(g);
  if (row.is_leaf()) return row.active - row.promised >= world.minimum(row);
  std::int32_t have = 0;
  for (GroupId child : row.children) have += stands(world, child) ? 1 : 0;
  return have >= world.minimum(row);
}

}  // namespace

void hold_back(World& world, JobId j, const order::Batch& batch, const Placing& how) {
  bool waits = !stands(world, world.job(j).root);
  for (PodId p : batch.pods) waits = waits || !world.pod(p).promised_node.is_none();
  if (!waits) return;
  for (PodId p : batch.pods) {
    const PodRow& row = world.pod(p);
    if (!row.promised_node.is_none()) continue;
    NodeId n = row.node;
    std::uint64_t mask = row.devices;
    world.unbind(p);
    world.promise(p, n, mask, how.action, how.for_job);
  }
}

namespace {

bool place_in_order(World& world, JobId j, const order::Batch& batch, const Placing& how) {
  auto mark = world.log.mark();
  Placer placer(world, j, batch, how);
  bool ok = placer.place_group(world.job(j).root, batch.pods, Scope{how.within, nullptr});
  if (ok && !how.over_limit && is_breached(world, j, batch)) ok = false;
  if (!ok) {
    world.log.rollback(mark);
    return false;
  }
  hold_back(world, j, batch, how);
  world.log.keep(mark);
  return true;
}

// The pods of each leaf by what they ask, most first; nullopt: they stand so already.
std::optional<order::Batch> largest_first(const World& world, const order::Batch& batch) {
  auto size = [&](PodId p) {
    const Shape& s = world.shape_of(p);
    return std::tuple(!s.gpu().is_shared(), world.demand(s, PoolId{}).gpu, s.constraints.cpu, s.constraints.memory);
  };
  order::Batch sorted = batch;
  for (auto first = sorted.pods.begin(); first != sorted.pods.end();) {
    GroupId g = world.pod(*first).group;
    auto last = std::find_if(first, sorted.pods.end(), [&](PodId p) { return world.pod(p).group != g; });
    std::stable_sort(first, last,
                     [&](PodId a, PodId b) { return world.pod(a).shape != world.pod(b).shape && size(a) > size(b); });
    first = last;
  }
  if (sorted.pods == batch.pods) return std::nullopt;
  return sorted;
}

}  // namespace

bool place(World& world, JobId j, const order::Batch& batch, const Placing& how) {
  if (batch.empty()) return false;
  if (place_in_order(world, j, batch, how)) return true;
  if (how.as_claimed || batch.pods.size() == 1) return false;
  // A small pod may have taken what only a large one needed; shares of several devices may have filled the same ones; a
  // spread may have left no node with enough together.
  const std::optional<order::Batch> sorted = largest_first(world, batch);
  const order::Batch& best = sorted ? *sorted : batch;
  if (sorted && place_in_order(world, j, best, how)) return true;
  Placing other = how;
  const bool pairs = std::any_of(best.pods.begin(), best.pods.end(), [&](PodId p) {
    const model::GpuRequest& gpu = world.shape_of(p).gpu();
    return gpu.is_shared() && gpu.devices > 1;
  });
  if (pairs) {
    other.devices = Placement::Spread;
    if (place_in_order(world, j, best, other)) return true;
  }
  const PoolRow& pool = world.pool(world.queue(world.job(j).queue).pool);
  if (pool.gpu != Placement::Spread || (!sorted && !pairs)) return false;
  other.gpu = other.devices = Placement::Binpack;
  return place_in_order(world, j, best, other);
}

}  // namespace muster::sched::act
