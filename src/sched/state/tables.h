#pragma once
// Tables: the rows of the world. Hot numbers are cells of the undo log (marked "cell"); the rest changes only with
// deltas, never inside a what-if.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/gang.h"
#include "model/node.h"
#include "model/pod.h"
#include "model/queue.h"
#include "sched/config.h"
#include "sched/state/buckets.h"
#include "sched/state/ids.h"
#include "sched/state/node_set.h"

namespace muster::sched {

struct PoolRow {
  std::string name;
  std::string label_key, label_value;
  Placement gpu = Placement::Binpack, cpu = Placement::Binpack;
  NodeSet nodes;               // usable ones
  model::Resources offered;    // what the usable nodes offer
  model::Resources foreign;    // what pods of other schedulers take of it
  std::int64_t least_mib = 0;  // memory of its smallest and largest device; 0: it has none
  std::int64_t most_mib = 0;
  std::int32_t most_devices = 0;  // of one node
  bool uniform = true;            // all its nodes have as many
  bool has_parts = false;         // some of its nodes have devices on several NUMA nodes
  std::int64_t free_gpu = 0;      // cell: thousandths of devices that will be free
  Buckets by_free;                // by devices that will be free
  Buckets by_room;                // by room on a device that is shared already
};

struct DeviceRow {
  std::int32_t now = 0;     // cell: thousandths held, also by pods that are going away
  std::int32_t future = 0;  // cell: thousandths held or promised once these are gone
  std::int32_t capacity = 1000;
  std::int64_t memory_mib = 0;
  std::int32_t burden = 0;  // cell: pods that would have to leave it (see clearings.h)
  std::int32_t numa = -1;   // -1: not known
};

struct NodeRow {
  std::unique_ptr<model::Node> noun;
  bool live = false;
  bool usable = false;  // ready and schedulable
  PoolId pool;
  std::uint32_t first_device = 0, device_count = 0;
  std::int32_t parts = 0;       // NUMA nodes that its devices hang on; 0: not known
  std::int32_t free_now = 0;    // cell: devices that nobody holds or was promised
  std::int32_t free_later = 0;  // cell: devices that will be free when what is going away is gone
  std::int32_t room = 0;        // cell: most room on a device of which a part is taken, thousandths
  std::uint64_t stamp = 0;      // cell: another one whenever what is free here changes; kept for Fragmentation only
  PodId held, promised;         // cells: heads of the lists of pods that hold, or are promised, something here
};

struct QueueRow {
  model::Queue noun;
  bool live = false;
  bool rooted = false;  // every ancestor is known
  PoolId pool;
  QueueId parent;
  std::vector<QueueId> children;
  std::uint32_t rank = 0;  // place among all queues by creation, then name
  std::int32_t depth = 0;
  model::Resources quota, limit;
  model::Resources allocated, guarded, pending;  // cells; guarded: non-preemptible part of allocated
  model::Resources fair_share;                   // as of the last division
  std::vector<JobId> jobs;                       // of a leaf, in no order
  bool is_leaf() const { return children.empty(); }
};

struct GroupRow {
  bool live = false;
  JobId job;
  GroupId parent;
  std::string name;
  std::vector<GroupId> children;
  std::vector<PodId> pods;  // of a leaf, by order, creation, name
  std::optional<std::int32_t> min_member, min_sub_group;
  std::optional<model::TopologyConstraint> topology;
  bool sorted = true;
  // Cells: pods by what they are.
  std::int32_t pending = 0, gated = 0, active = 0, leaving = 0, promised = 0, succeeded = 0, failed = 0;
  bool is_leaf() const { return children.empty(); }
};

struct JobRow {
  model::Gang noun;
  std::string key;  // "ns/name"
  bool live = false;
  bool known = false;            // its gang was told, not only pods that name it
  QueueId queue;                 // none: does not exist
  std::int32_t pool_turn = 0;    // which of its pools it is offered to, or holds something in
  bool settled = false;          // some of its pods hold something, so that its pool is fixed
  std::vector<QueueId> asks;     // queues of the pools that what waits of it may get its place in
  std::uint64_t tour_began = 0;  // what had been told when it was last offered to the first of them
  model::Preemptibility preemptibility = model::Preemptibility::Preemptible;
  GroupId root;
  std::vector<GroupId> groups;  // the whole tree, parents first
  std::vector<PodId> pods;
  std::int32_t pending = 0, active = 0, leaving = 0;  // cells: over all its pods; active: hold or are promised
  model::Resources guarded;                           // cell: what a semi-preemptible job has charged as guarded
  // Cells.
  std::int64_t last_start = 0, last_evicted = 0;  // ms; 0 = never
  std::int64_t stale_since = 0;
  // Binds of it that could not be carried out, in a row and for one reason.
  std::int64_t retry_at = 0;
  std::int32_t bind_failures = 0;
  std::string bind_reason;
  std::int32_t told = -1;        // the reason for its waiting that was last told; -1: none
  std::uint64_t told_state = 0;  // hash of all that was told
  std::int64_t told_since = 0;   // when the reason began to hold
  bool changed = false;          // is in the list of changed jobs
  std::string evict_message;     // of its last eviction
  bool claims = false;           // some of its pods were nominated in the last round
  std::int64_t claimed_at = 0;   // ms
  bool has_choice() const { return noun.pools.size() > 1; }
  bool preemptible() const { return preemptibility != model::Preemptibility::NonPreemptible; }
};

struct BudgetRow {
  std::int32_t most = 0;     // pods that may be unavailable at once
  std::int32_t missing = 0;  // cell: pods it speaks of that do not run
};

struct PodRow {
  std::string ns, name, uid, sub_group;
  std::string node_name;  // where it is, whether the node is known or not
  std::map<std::string, std::string> labels;
  bool live = false;
  bool foreign = false;
  bool unassigned = false;      // holds devices that nobody named
  bool asked_promised = false;  // the nomination came from outside
  JobId job;
  GroupId group;
  ShapeId shape;
  std::vector<TermId> terms;           // that it matches
  std::vector<std::uint32_t> budgets;  // that speak of it, by index
  std::int32_t order = 0;
  Time created;
  model::PodState state = model::PodState::Pending;          // cell; never Pipelined: see promised_node
  NodeId node;                                               // cell
  std::uint64_t devices = 0;                                 // cell: mask
  NodeId promised_node;                                      // cell: nominated there
  std::uint64_t promised_devices = 0;                        // cell
  std::uint32_t change = 0;                                  // cell: when it last changed in this round, by count
  std::uint8_t action = 0;                                   // cell: who changed it
  JobId cause;                                               // cell: for whom
  PodId held_next, held_prev, promised_next, promised_prev;  // cells
  std::uint64_t claim_devices = 0;
  NodeId claim;  // where the last round nominated it; it keeps that place until it is bound or cannot have it
  // As the pod was when the round began, for the decisions that come out of it.
  std::uint64_t touched_round = 0;
  model::PodState before_state = model::PodState::Pending;
  NodeId before_node;
  std::uint64_t before_devices = 0;
};

}  // namespace muster::sched
