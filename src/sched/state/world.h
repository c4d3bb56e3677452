#pragma once
// World: the scheduler's view of one cluster. Fed by deltas, never rebuilt; what-ifs run on it through the undo log.
// Invariant: every counter equals the sum over the pods that it counts (check_counters recomputes them).

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "model/decision.h"
#include "sched/config.h"
#include "sched/delta.h"
#include "sched/state/clearings.h"
#include "sched/state/domains.h"
#include "sched/state/shapes.h"
#include "sched/state/tables.h"
#include "sched/state/topology.h"
#include "sched/state/undo.h"

namespace muster::sched {

namespace rank {
class Scores;
}

class World {
 public:
  explicit World(Config config);

  // The tables, for reading. Rows are changed by the functions below only.
  Config config;
  Time now;
  UndoLog log;
  Dims dims;
  Domains domains;
  Clearings clearings;
  std::vector<PoolRow> pools;
  std::vector<NodeRow> nodes;
  std::vector<DeviceRow> devices;
  std::vector<QueueRow> queues;
  std::vector<GroupRow> groups;
  std::vector<JobRow> jobs;
  std::vector<PodRow> pods;
  std::vector<Shape> shapes;
  std::vector<ConstraintClass> classes;
  std::vector<TopologyRow> topologies;
  std::vector<BudgetRow> budgets;  // as in the config
  // Resources beside GPU, CPU and memory that some queue has a quota, limit or weight for.
  std::vector<std::string> named_resources;
  std::string resource_name(int r) const;
  std::uint64_t nodes_version = 0;   // grows when nodes or their labels change
  std::uint64_t shares_version = 0;  // grows when fair shares may differ
  // Slots of shapes on empty nodes (fit::slots_when_empty), while nodes are what they were.
  std::unordered_map<std::uint64_t, std::int64_t> empty_slots;
  std::uint64_t empty_slots_version = 0;
  std::uint64_t queues_version = 0;      // grows when the tree of queues is another
  std::uint64_t shapes_version = 0;      // grows when a shape has another number of pods
  std::shared_ptr<rank::Scores> scores;  // rank keeps it; none before a pool places by fragmentation

  NodeRow& node(NodeId n) { return nodes[n.value]; }
  const NodeRow& node(NodeId n) const { return nodes[n.value]; }
  QueueRow& queue(QueueId q) { return queues[q.value]; }
  const QueueRow& queue(QueueId q) const { return queues[q.value]; }
  GroupRow& group(GroupId g) { return groups[g.value]; }
  const GroupRow& group(GroupId g) const { return groups[g.value]; }
  JobRow& job(JobId j) { return jobs[j.value]; }
  const JobRow& job(JobId j) const { return jobs[j.value]; }
  PodRow& pod(PodId p) { return pods[p.value]; }
  const PodRow& pod(PodId p) const { return pods[p.value]; }
  const Shape& shape(ShapeId s) const { return shapes[s.value]; }
  const Shape& shape_of(PodId p) const { return shapes[pods[p.value].shape.value]; }
  const PoolRow& pool(PoolId p) const { return pools[p.value]; }
  DeviceRow& device(NodeId n, int i) { return devices[node(n).first_device + static_cast<std::uint32_t>(i)]; }
  const DeviceRow& device(NodeId n, int i) const {
    return devices[node(n).first_device + static_cast<std::uint32_t>(i)];
  }
  // Of 64 nodes, from 64 x block on: changes with the stamp of each.
  std::uint64_t stamp_of_block(std::size_t block) const { return block_stamps_[block]; }
  std::int64_t idle(NodeId n, DimId d) const { return idle_[n.value * stride_ + d]; }
  std::int64_t future(NodeId n, DimId d) const { return future_[n.value * stride_ + d]; }
  std::int64_t offered(NodeId n, DimId d) const { return offered_[n.value * stride_ + d]; }

  QueueId find_queue(std::string_view name) const;
  NodeId find_node(std::string_view name) const;
  JobId find_job(std::string_view key) const;
  PodId find_pod(std::string_view ns, std::string_view name) const;

  // Deltas (intake_*.cpp). Requires: no mark is open. On error the world is unchanged.
  void set_config(Config fresh);
  Result<void> upsert(const model::Queue& queue);
  void remove_queue(const std::string& name);
  Result<void> upsert(const model::Node& node);
  void remove_node(const std::string& name);
  Result<void> upsert(const model::Gang& gang);
  void remove_gang(const std::string& key);
  Result<void> upsert(const model::Pod& pod);
  void remove_pod(const std::string& ns, const std::string& name);
  Result<void> fail_bind(const std::string& ns, const std::string& name, const std::string& reason);
  // The next pool of the job's list has its turn. Requires: it holds nothing; no mark is open.
  void next_pool(JobId j);
  // Gives devices to pods that hold some which nobody named. Called before anything is decided or asked.
  void settle();

  // Changes of a round, each in cells only (account.cpp). `why` and `for_job` are kept for the decision's text.
  void bind(PodId p, NodeId n, std::uint64_t mask, model::Action why);
  void promise(PodId p, NodeId n, std::uint64_t mask, model::Action why, JobId for_job);
  void unpromise(PodId p);
  // Takes back a bind of this round.
  void unbind(PodId p);
  // From holding to releasing; `unevict` takes it back to `as` on the same place.
  void evict(PodId p, model::Action why, JobId for_job);
  void unevict(PodId p, model::PodState as);
  // Pods changed in this round, in the order of their last change; a pod may be named though it ended as it began.
  const std::vector<PodId>& touched() const { return touched_; }
  // Keys of gangs that are gone and of which somebody was told why they wait.
  std::vector<std::string> take_dropped();
  // Jobs that changed since this was last asked, each once; a what-if that was taken back counts.
  std::vector<JobId> take_changed_jobs();
  void mark_changed(JobId j) {
    JobRow& row = job(j);
    if (row.changed) return;
    row.changed = true;
    changed_jobs_.push_back(j);
  }
  // Bound or nominated since the round began.
  bool placed_this_round(PodId p) const {
    const PodRow& row = pod(p);
    return row.touched_round == round_ && row.before_state == model::PodState::Pending &&
           (row.state != model::PodState::Pending || !row.promised_node.is_none());
  }
  // A what-if that runs a round of its own: from here to `end_trial` every change is taken back.
  struct Trial {
    UndoLog::Mark mark = 0;
    std::vector<PodId> touched;
    std::uint32_t changes = 0;
  };
  Trial begin_trial();
  void end_trial(Trial trial);
  // What a trial may set beside the changes of a round.
  void set_preemptibility(JobId j, model::Preemptibility kind);
  void set_shape(PodId p, ShapeId s);
  // Forgets the nominations and the changes of the round before.
  void begin_round();

  // Holds something of its queue and keeps it, or is promised to.
  bool is_active(PodId p) const;
  // What the pod takes of its queue's resources where it is, is promised to be, or waits.
  model::Resources charge(PodId p) const;
  model::Resources demand(const Shape& shape, PoolId pool) const;
  // Thousandths of GPUs that the devices of a mask cost a pod of the shape.
  std::int64_t device_charge(const Shape& shape, NodeId n, std::uint64_t mask) const;

  std::vector<model::DeviceShare> device_shares(const Shape& shape, NodeId n, std::uint64_t mask) const;
  // The pod as others see it: Pipelined where it is promised to be.
  model::Pod view(PodId p) const;

  // Minimum of a leaf (pods) or of an inner group (children).
  std::int32_t minimum(const GroupRow& group) const;
  // Has enough active pods, or enough satisfied children.
  bool is_satisfied(GroupId g) const;
  void sort_pods(GroupId g);

  // Text of the first counter that differs from its recomputed sum; "" when all agree.
  std::string check_counters();
  std::uint64_t hash() const;

  ShapeId intern(const model::Constraints& constraints, std::string_view ns);
  // Nodes are numbered by name and pools summed up lazily after nodes changed.
  void refresh_nodes();

 private:
  friend class Recount;
  void account(PodId p, int sign);
  void account_node(NodeId n, const Shape& shape, std::uint64_t mask, int held, int later, bool stays);
  std::int32_t room_of(NodeId n) const;
  void fill_buckets();
  // Node ids in the order of the names, without gaps.
  void renumber_nodes();
  void account_terms(PodId p, NodeId n, int held, int later);
  void account_counts(PodId p, int sign);
  void account_queue(PodId p, int sign);
  void account_budgets(PodId p, int sign);
  std::vector<std::uint32_t> budgets_of(const PodRow& pod) const;
  void rebuild_budgets();
  void refresh_guarded(JobId j);
  Result<void> name_resources(const model::Queue& queue);
  std::int64_t named_amount(const model::Constraints& constraints, std::size_t i) const;
  void assign(model::Resources& cell, const model::Resources& value);
  void charge_queues(QueueId q, model::Resources QueueRow::* field, const model::Resources& what, int sign);
  void link(PodId PodRow::* next, PodId PodRow::* prev, PodId NodeRow::* head, PodId p, NodeId n);
  void unlink(PodId PodRow::* next, PodId PodRow::* prev, PodId NodeRow::* head, PodId p, NodeId n);
  void touch(PodId p, model::Action why, JobId for_job);

  ClassId intern_class(const model::Constraints& constraints);
  void admit_node(NodeId n);
  void release_shape(ShapeId s);
  DimId dim(std::string_view name);
  void restride();
  PoolId pool_of(const model::Node& node) const;
  PoolId pool_named(std::string_view name) const;
  void rebuild_pools();
  void relink_queues();
  void recount_queues();
  void enlist(JobId j);
  void delist(JobId j);
  QueueId queue_at(const JobRow& job, std::int32_t turn) const;
  std::optional<std::int32_t> home_of(const JobRow& job) const;
  void stay_home(JobId j);
  void move_to_pool(JobId j, std::int32_t turn);
  JobId job_for_pod(const std::string& ns, const std::string& gang);
  void drop_job_if_empty(JobId j);
  void build_groups(JobId j);
  GroupId group_for(JobId j, const std::string& sub_group);
  void attach_pod(PodId p);
  void detach_pod(PodId p);
  Result<std::uint64_t> device_mask(const model::Pod& pod, NodeId n) const;
  void take_placement(PodId p, const model::Pod& pod, std::uint64_t mask);
  void leave_home(PodId p);
  bool moves_only(const PodRow& row, const model::Pod& noun, ShapeId s) const;
  void assign_devices(PodId p);
  void sweep_shapes();
  std::vector<PodId> pods_on(NodeId n) const;
  void offer(NodeId n, const model::Node& noun);

  void stamp(NodeId n);

  std::size_t stride_ = 4;
  std::vector<std::int64_t> idle_, future_, offered_;  // cells: node x resource
  bool keeps_stamps_ = false;                          // some pool places by fragmentation
  std::uint64_t stamps_ = 0;                           // given out; never taken back
  std::vector<std::uint64_t> block_stamps_;            // cells
  std::unordered_map<std::string, QueueId> queue_by_name_;
  std::unordered_map<std::string, NodeId> node_by_name_;
  std::unordered_map<std::string, JobId> job_by_key_;
  std::unordered_map<std::string, PodId> pod_by_key_;
  std::unordered_map<std::string, ShapeId> shape_by_key_;
  std::unordered_map<std::string, ClassId> class_by_key_;
  std::unordered_map<std::string, std::vector<PodId>> homeless_;  // by name of a node that is not known
  std::vector<NodeId> free_nodes_;
  std::vector<QueueId> free_queues_;
  std::vector<GroupId> free_groups_;
  std::vector<JobId> free_jobs_;
  std::vector<PodId> free_pods_;
  std::vector<ShapeId> free_shapes_;
  std::vector<PodId> unassigned_;
  bool nodes_dirty_ = true;
  bool queues_dirty_ = true;
  std::vector<PodId> touched_;
  std::vector<JobId> changed_jobs_;
  std::vector<JobId> trial_jobs_;  // changed inside the trial that is open
  bool in_trial_ = false;
  std::vector<std::string> dropped_;
  std::uint64_t round_ = 1;
  std::uint32_t changes_ = 0;
};

}  // namespace muster::sched
