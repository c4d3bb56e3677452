// Deltas that change the policy or the tree of queues. The tree is relinked lazily (settle), since queues come in any
// order, children before parents too.

#include <algorithm>

#include <fmt/ranges.h>

#include "model/names.h"
#include "sched/state/world.h"

namespace muster::sched {

using model::Resources;

namespace {

std::int64_t bound(const std::optional<std::int64_t>& value) { return value ? *value : unlimited; }

using Bound = std::optional<std::int64_t> model::QueueResource::*;

Resources bounds_of(const model::Queue& q, Bound of, const std::vector<std::string>& named) {
  Resources out{bound(q.gpu.*of), bound(q.cpu.*of), bound(q.memory.*of)};
  out.named.fill(unlimited);
  for (std::size_t i = 0; i < named.size(); ++i)
    if (auto it = q.classes.find(named[i]); it != q.classes.end()) out.named[i] = bound(it->second.*of);
  return out;
}

}  // namespace

World::World(Config fresh) {
  restride();
  set_config(std::move(fresh));
}

void World::set_config(Config fresh) {
  bool predicates = fresh.predicates != config.predicates || fresh.restrict_scheduling != config.restrict_scheduling;
  config = std::move(fresh);
  rebuild_pools();
  rebuild_budgets();
  if (predicates)
    for (std::uint32_t i = 0; i < nodes.size(); ++i)
      if (nodes[i].live) admit_node(NodeId{i});
  ++nodes_version;
  queues_dirty_ = nodes_dirty_ = true;
}

PoolId World::pool_named(std::string_view name) const {
  for (std::uint32_t i = 0; i < pools.size(); ++i)
    if (pools[i].name == name) return PoolId{i};
  return {};
}

PoolId World::pool_of(const model::Node& node) const {
  if (config.pools.empty()) return PoolId{0};
  PoolId rest;
  for (std::uint32_t i = 0; i < config.pools.size(); ++i) {
    if (pools[i].label_key.empty()) {
      if (rest.is_none()) rest = PoolId{i};
      continue;
    }
    auto it = node.labels.find(pools[i].label_key);
    if (it != node.labels.end() && it->second == pools[i].label_value) return PoolId{i};
  }
  if (!rest.is_none()) return rest;
  PoolId named = pool_named(node.pool);
  return named.is_none() ? pool_named("default") : named;
}

void World::rebuild_pools() {
  pools.clear();
  for (const auto& p : config.pools) {
    PoolRow row;
    row.name = p.name, row.label_key = p.label_key, row.label_value = p.label_value;
    row.gpu = p.gpu.value_or(config.gpu), row.cpu = p.cpu.value_or(config.cpu);
    pools.push_back(std::move(row));
  }
  if (pool_named("default").is_none()) {
    PoolRow row;
    row.name = "default", row.gpu = config.gpu, row.cpu = config.cpu;
    pools.push_back(std::move(row));
  }
  keeps_stamps_ = std::any_of(pools.begin(), pools.end(), [](const PoolRow& row) {
    return row.gpu == Placement::Fragmentation || row.cpu == Placement::Fragmentation;
  });
  for (auto& row : nodes)
    if (row.live) row.pool = pool_of(*row.noun);
  for (std::uint32_t i = 0; i < pods.size(); ++i) {
    const PodRow& p = pods[i];
    if (!p.live || !p.foreign || p.node.is_none() || !model::holds_resources(p.state) || !node(p.node).usable) continue;
    pools[node(p.node).pool.value].foreign += demand(shape(p.shape), node(p.node).pool);
  }
}

std::vector<std::uint32_t> World::budgets_of(const PodRow& row) const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t b = 0; b < config.budgets.size(); ++b) {
    const Budget& budget = config.budgets[b];
    if (budget.ns == row.ns &&
        std::includes(row.labels.begin(), row.labels.end(), budget.labels.begin(), budget.labels.end()))
      out.push_back(b);
  }
  return out;
}

void World::rebuild_budgets() {
  budgets.clear();
  for (const Budget& b : config.budgets) budgets.push_back({b.max_unavailable, 0});
  for (std::uint32_t i = 0; i < pods.size(); ++i) {
    if (!pods[i].live) continue;
    pods[i].budgets = budgets_of(pods[i]);
    account_budgets(PodId{i}, 1);
  }
}

Result<void> World::upsert(const model::Queue& noun) {
  if (noun.name.empty()) return invalid("queue without a name");
  // A parent that would be its own descendant.
  for (std::string up = noun.parent; !up.empty();) {
    if (up == noun.name) return invalid(fmt::format("queue \"{}\": its parents form a circle", noun.name));
    QueueId q = find_queue(up);
    up = q.is_none() ? "" : queue(q).noun.parent;
  }
  TRY(name_resources(noun));
  QueueId q = find_queue(noun.name);
  bool fresh = q.is_none();
  if (fresh) {
    if (free_queues_.empty()) {
      q = QueueId{static_cast<std::uint32_t>(queues.size())};
      queues.emplace_back();
    } else {
      q = free_queues_.back();
      free_queues_.pop_back();
      queue(q) = {};
    }
    queue_by_name_[noun.name] = q;
  }
  QueueRow& row = queue(q);
  if (fresh || row.noun.parent != noun.parent || row.noun.pool != noun.pool || row.noun.created != noun.created)
    queues_dirty_ = true;
  row.live = true;
  row.noun = noun;
  row.quota = bounds_of(noun, &model::QueueResource::quota, named_resources);
  row.limit = bounds_of(noun, &model::QueueResource::limit, named_resources);
  ++shares_version;
  return {};
}

std::string World::resource_name(int r) const {
  if (r < 3) return r == 0 ? "gpu" : r == 1 ? "cpu" : "memory";
  return named_resources[static_cast<std::size_t>(r - 3)];
}

std::int64_t World::named_amount(const model::Constraints& c, std::size_t i) const {
  if (auto it = c.extended.find(named_resources[i]); it != c.extended.end()) return it->second;
  if (auto it = c.gpu.mig.find(named_resources[i]); it != c.gpu.mig.end()) return it->second;
  return 0;
}

// Resources that a queue has bounds for become dimensions of their own; what is there is counted anew.
Result<void> World::name_resources(const model::Queue& noun) {
  std::vector<std::string> fresh;
  for (const auto& [name, bounds] : noun.classes)
    if (std::find(named_resources.begin(), named_resources.end(), name) == named_resources.end()) fresh.push_back(name);
  if (fresh.empty()) return {};
  if (named_resources.size() + fresh.size() > model::named_resources)
    return invalid(
        fmt::format("queue \"{}\" bounds \"{}\", but at most {} resources beside GPU, CPU and memory can "
                    "have quotas; these do: {}",
                    noun.name, fresh.front(), model::named_resources, fmt::join(named_resources, ", ")));
  named_resources.insert(named_resources.end(), fresh.begin(), fresh.end());
  for (Shape& s : shapes)
    for (std::size_t i = 0; i < named_resources.size(); ++i) s.named[i] = named_amount(s.constraints, i);
  queues_dirty_ = nodes_dirty_ = true;
  return {};
}

void World::remove_queue(const std::string& name) {
  QueueId q = find_queue(name);
  if (q.is_none()) return;
  queue(q).live = false;
  queue_by_name_.erase(name);
  free_queues_.push_back(q);
  queues_dirty_ = true;
}

QueueId World::queue_at(const JobRow& row, std::int32_t turn) const {
  if (!row.known) return {};
  const auto& list = row.noun.pools;
  std::string name = row.noun.queue;
  QueueId q = find_queue(name);
  if (!list.empty()) {
    const std::string& pool_name = list[static_cast<std::size_t>(turn) % list.size()];
    if (q.is_none() || queue(q).noun.pool != pool_name) {
      std::string base = name.substr(0, name.find("--"));
      q = find_queue(model::queue_of_project(base, pool_name));
    }
  }
  return q.is_none() || !queue(q).rooted ? QueueId{} : q;
}

// A gang that holds something stays in the pool where it holds it, and is counted there.
std::optional<std::int32_t> World::home_of(const JobRow& row) const {
  if (!row.has_choice()) return std::nullopt;
  const auto& list = row.noun.pools;
  auto home = static_cast<std::int32_t>(list.size());
  for (PodId p : row.pods) {
    if (!is_active(p)) continue;
    NodeId n = pod(p).promised_node.is_none() ? pod(p).node : pod(p).promised_node;
    if (n.is_none()) continue;
    auto it = std::find(list.begin(), list.end(), pools[node(n).pool.value].name);
    if (it != list.end()) home = std::min(home, static_cast<std::int32_t>(it - list.begin()));
  }
  if (home == static_cast<std::int32_t>(list.size())) return std::nullopt;
  return home;
}

void World::stay_home(JobId j) {
  if (j.is_none() || !job(j).has_choice()) return;
  const std::optional<std::int32_t> home = home_of(job(j));
  const std::int32_t turn = home.value_or(job(j).pool_turn);
  if (turn != job(j).pool_turn || home.has_value() != job(j).settled) move_to_pool(j, turn);
}

void World::next_pool(JobId j) {
  const JobRow& row = job(j);
  CHECK(row.active == 0, "a job that holds something keeps its pool");
  if (row.has_choice()) move_to_pool(j, (row.pool_turn + 1) % static_cast<std::int32_t>(row.noun.pools.size()));
}

void World::move_to_pool(JobId j, std::int32_t turn) {
  JobRow& row = job(j);
  for (PodId p : row.pods) account_queue(p, -1);
  if (!queues_dirty_ && !row.queue.is_none()) charge_queues(row.queue, &QueueRow::guarded, row.guarded, -1);
  row.guarded = {};
  delist(j);
  row.pool_turn = turn;
  enlist(j);
  for (PodId p : row.pods) account_queue(p, 1);
  refresh_guarded(j);
  mark_changed(j);
  ++shares_version;
}

void World::enlist(JobId j) {
  JobRow& row = job(j);
  const std::optional<std::int32_t> home = home_of(row);
  row.pool_turn = home.value_or(row.has_choice() ? row.pool_turn : 0);
  row.settled = home.has_value();
  row.queue = queue_at(row, row.pool_turn);
  // What waits asks in every pool of its list at once, so that shares do not go up and down with its turns.
  row.asks.clear();
  if (row.has_choice() && !row.settled) {
    for (std::size_t i = 0; i < row.noun.pools.size(); ++i)
      if (QueueId q = queue_at(row, static_cast<std::int32_t>(i)); !q.is_none()) row.asks.push_back(q);
    std::sort(row.asks.begin(), row.asks.end());
    row.asks.erase(std::unique(row.asks.begin(), row.asks.end()), row.asks.end());
  } else if (!row.queue.is_none()) {
    row.asks.push_back(row.queue);
  }
  if (!row.queue.is_none()) queue(row.queue).jobs.push_back(j);
}

void World::delist(JobId j) {
  JobRow& row = job(j);
  row.asks.clear();
  if (row.queue.is_none()) return;
  auto& list = queue(row.queue).jobs;
  auto it = std::find(list.begin(), list.end(), j);
  if (it != list.end()) {
    *it = list.back();
    list.pop_back();
  }
  row.queue = {};
}

void World::relink_queues() {
  for (auto& row : queues) row.children.clear(), row.jobs.clear(), row.parent = {}, row.rooted = false, row.rank = 0;
  for (std::uint32_t i = 0; i < queues.size(); ++i) {
    QueueRow& row = queues[i];
    if (!row.live) continue;
    PoolId p = pool_named(row.noun.pool);
    if (p.is_none()) {
      // A pool that nobody configured has no nodes, but its queues exist.
      p = PoolId{static_cast<std::uint32_t>(pools.size())};
      PoolRow empty;
      empty.name = row.noun.pool, empty.gpu = config.gpu, empty.cpu = config.cpu;
      empty.by_free.reset(1, nodes.size());
      empty.by_room.reset(room_levels, nodes.size());
      pools.push_back(std::move(empty));
    }
    row.pool = p;
    row.parent = row.noun.parent.empty() ? QueueId{} : find_queue(row.noun.parent);
  }
  std::vector<QueueId> order;
  for (std::uint32_t i = 0; i < queues.size(); ++i) {
    QueueRow& row = queues[i];
    if (!row.live) continue;
    order.push_back(QueueId{i});
    row.rooted = true, row.depth = 0;
    for (QueueId q{i}; !queue(q).noun.parent.empty(); q = queue(q).parent) {
      if (queue(q).parent.is_none()) {
        row.rooted = false;
        break;
      }
      ++row.depth;
    }
  }
  std::sort(order.begin(), order.end(), [&](QueueId a, QueueId b) {
    const auto &x = queue(a).noun, &y = queue(b).noun;
    return x.created != y.created ? x.created < y.created : x.name < y.name;
  });
  std::uint32_t rank = 0;
  for (QueueId q : order) {
    queue(q).rank = rank++;
    if (!queue(q).parent.is_none() && queue(q).rooted) queue(queue(q).parent).children.push_back(q);
  }
  for (std::uint32_t i = 0; i < jobs.size(); ++i)
    if (jobs[i].live) enlist(JobId{i}), mark_changed(JobId{i});
  ++queues_version;
}

void World::recount_queues() {
  for (auto& row : queues) row.allocated = row.guarded = row.pending = {};
  for (auto& row : jobs) row.guarded = {};
  for (std::uint32_t i = 0; i < pods.size(); ++i)
    if (pods[i].live) account_queue(PodId{i}, 1);
  for (std::uint32_t i = 0; i < jobs.size(); ++i)
    if (jobs[i].live) refresh_guarded(JobId{i});
}

void World::settle() {
  CHECK(!log.is_open(), "the world settles outside of what-ifs");
  if (nodes_dirty_) refresh_nodes();
  if (queues_dirty_) {
    relink_queues();
    queues_dirty_ = false;
    recount_queues();
    ++shares_version;
  }
  if (!unassigned_.empty()) {
    std::vector<PodId> list;
    list.swap(unassigned_);
    std::erase_if(list, [&](PodId p) { return !pod(p).live || !pod(p).unassigned || pod(p).node.is_none(); });
    std::sort(list.begin(), list.end(),
              [&](PodId a, PodId b) { return std::tie(pod(a).ns, pod(a).name) < std::tie(pod(b).ns, pod(b).name); });
    list.erase(std::unique(list.begin(), list.end()), list.end());
    for (PodId p : list) assign_devices(p);
  }
  sweep_shapes();
}

}  // namespace muster::sched
