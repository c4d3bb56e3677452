// Reading the world back: a pod as others see it, the hash of all that matters, and every counter recomputed.

#include <algorithm>
#include <bit>

#include <fmt/core.h>

#include "sched/state/world.h"

namespace muster::sched {

using model::PodState;

std::vector<model::DeviceShare> World::device_shares(const Shape& s, NodeId n, std::uint64_t mask) const {
  std::vector<model::DeviceShare> out;
  for (; mask != 0; mask &= mask - 1) {
    int i = std::countr_zero(mask);
    bool known = !n.is_none() && static_cast<std::uint32_t>(i) < node(n).device_count;
    std::int64_t mib = known ? device(n, i).memory_mib : 0;
    model::DeviceShare d;
    d.index = i;
    d.milli = share_of_device(s, mib);
    if (s.gpu().kind == model::GpuRequest::Kind::Memory) d.memory_mib = s.gpu().memory_mib;
    out.push_back(d);
  }
  return out;
}

model::Pod World::view(PodId p) const {
  const PodRow& row = pod(p);
  model::Pod out;
  out.ns = row.ns, out.name = row.name, out.uid = row.uid, out.sub_group = row.sub_group;
  if (!row.job.is_none()) out.gang = job(row.job).noun.name;
  out.order = row.order, out.created = row.created, out.labels = row.labels, out.foreign = row.foreign;
  out.constraints = shape(row.shape).constraints;
  bool promised = !row.promised_node.is_none();
  NodeId n = promised ? row.promised_node : row.node;
  out.state = promised ? PodState::Pipelined : row.state;
  out.node = n.is_none() ? row.node_name : node(n).noun->name;
  if (row.state == PodState::Pending && !promised) out.node.clear();
  out.devices = device_shares(shape(row.shape), n, promised ? row.promised_devices : row.devices);
  return out;
}

namespace {

// Order-independent: each row hashes by itself and the sums are combined.
struct Hash {
  std::uint64_t h = 1469598103934665603ULL;
  Hash& operator<<(std::int64_t n) {
    for (int i = 0; i < 8; ++i) h = (h ^ static_cast<std::uint8_t>(n >> (8 * i))) * 1099511628211ULL;
    return *this;
  }
  Hash& operator<<(const std::string& s) {
    for (char c : s) h = (h ^ static_cast<std::uint8_t>(c)) * 1099511628211ULL;
    return *this << static_cast<std::int64_t>(s.size());
  }
};

std::int64_t bits(std::uint64_t n) { return static_cast<std::int64_t>(n); }

}  // namespace

std::uint64_t World::hash() const {
  std::uint64_t sum = 0;
  for (const auto& q : queues) {
    if (!q.live) continue;
    Hash h;
    h << 1 << q.noun.name << q.noun.parent << q.noun.pool << q.noun.priority << q.noun.created.ms;
    for (int r = 0; r < resource_count; ++r)
      h << at(q.quota, r) << at(q.limit, r) << at(q.allocated, r) << at(q.guarded, r) << at(q.pending, r);
    h << q.noun.gpu.weight_milli << q.noun.cpu.weight_milli << q.noun.memory.weight_milli << q.noun.usage_gpu_milli;
    h << q.noun.preempt_min_runtime.value_or(Duration{-1}).ms << q.noun.reclaim_min_runtime.value_or(Duration{-1}).ms;
    sum += h.h;
  }
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    const NodeRow& n = nodes[i];
    if (!n.live) continue;
    Hash h;
    h << 2 << n.noun->name << n.usable << n.free_now << n.free_later << bits(n.device_count);
    for (const auto& [k, v] : n.noun->labels) h << k << v;
    for (const auto& t : n.noun->taints) h << t.key << t.value << t.effect;
    for (DimId d = 0; d < dims.size(); ++d)
      if (offered(NodeId{i}, d) != 0 || idle(NodeId{i}, d) != 0 || future(NodeId{i}, d) != 0)
        h << dims.name(d) << offered(NodeId{i}, d) << idle(NodeId{i}, d) << future(NodeId{i}, d);
    for (std::uint32_t d = 0; d < n.device_count; ++d) {
      const DeviceRow& dev = device(NodeId{i}, static_cast<int>(d));
      h << dev.now << dev.future << dev.capacity << dev.memory_mib;
    }
    sum += h.h;
  }
  for (const auto& j : jobs) {
    if (!j.live) continue;
    Hash h;
    h << 3 << j.key << j.known << j.noun.queue << j.noun.priority << static_cast<int>(j.preemptibility)
      << j.noun.created.ms << j.last_start << j.last_evicted << j.stale_since << j.retry_at << j.bind_failures
      << j.noun.deleted << j.noun.preemption_delay.ms << j.pool_turn << j.pending << j.active << j.leaving;
    for (const auto& p : j.noun.pools) h << p;
    for (GroupId g : j.groups) {
      const GroupRow& row = group(g);
      h << row.name << row.min_member.value_or(-1) << row.min_sub_group.value_or(-1) << row.active << row.pending
        << row.leaving << row.gated << row.succeeded << row.failed << row.promised;
      if (row.topology) h << row.topology->topology << row.topology->required << row.topology->preferred;
    }
    sum += h.h;
  }
  for (std::uint32_t i = 0; i < pods.size(); ++i) {
    const PodRow& p = pods[i];
    if (!p.live) continue;
    Hash h;
    h << 4 << p.ns << p.name << p.uid << p.sub_group << static_cast<int>(p.state) << p.order << p.created.ms
      << p.foreign << (p.node.is_none() ? p.node_name : node(p.node).noun->name) << bits(p.devices)
      << (p.promised_node.is_none() ? std::string() : node(p.promised_node).noun->name) << bits(p.promised_devices)
      << canonical(shape(p.shape).constraints, shape(p.shape).ns);
    if (!p.claim.is_none()) h << node(p.claim).noun->name << bits(p.claim_devices);
    for (const auto& [k, v] : p.labels) h << k << v;
    sum += h.h;
  }
  return sum;
}

// A second world's worth of counters, filled from the pods alone.
class Recount {
 public:
  explicit Recount(World& world) : w_(world) {}

  std::string first_difference() {
    const std::vector<std::int64_t> kept = read();
    clear();
    w_.nodes_dirty_ = true;  // the buckets are filled at the end
    for (std::uint32_t i = 0; i < w_.pods.size(); ++i)
      if (w_.pods[i].live) w_.account(PodId{i}, 1);
    for (std::uint32_t i = 0; i < w_.jobs.size(); ++i)
      if (w_.jobs[i].live) w_.refresh_guarded(JobId{i});
    w_.fill_buckets();
    w_.nodes_dirty_ = false;
    const std::vector<std::int64_t> again = read();
    if (kept == again) return "";
    if (kept.size() != again.size()) return fmt::format("kept {} counters, recomputed {}", kept.size(), again.size());
    named_ = true;
    static_cast<void>(read());
    for (std::size_t i = 0; i < kept.size(); ++i)
      if (kept[i] != again[i]) return fmt::format("{}: kept {}, recomputed {}", names_[i], kept[i], again[i]);
    return "";
  }

 private:
  // Names are made only where there is something to say.
  template <class... Parts>
  void put(std::int64_t value, fmt::format_string<Parts...> name, Parts&&... parts) {
    values_.push_back(value);
    if (named_) names_.push_back(fmt::format(name, std::forward<Parts>(parts)...));
  }

  std::vector<std::int64_t> read() {
    values_.clear();
    for (const auto& q : w_.queues) {
      if (!q.live) continue;
      for (int r = 0; r < 3 + static_cast<int>(w_.named_resources.size()); ++r) {
        put(at(q.allocated, r), "queue {} {} allocated", q.noun.name, w_.resource_name(r));
        put(at(q.guarded, r), "queue {} {} guarded", q.noun.name, w_.resource_name(r));
        put(at(q.pending, r), "queue {} {} pending", q.noun.name, w_.resource_name(r));
      }
    }
    for (const auto& p : w_.pools) put(p.free_gpu, "pool {} free", p.name);
    for (const auto& p : w_.pools)
      for (std::size_t level = 0; level < p.by_free.levels(); ++level)
        put(p.by_free.count(level), "pool {} nodes with {} free", p.name, level);
    for (std::uint32_t i = 0; i < w_.nodes.size(); ++i) {
      const NodeRow& n = w_.nodes[i];
      if (!n.live) continue;
      put(n.free_now, "node {} free now", n.noun->name);
      put(n.free_later, "node {} free later", n.noun->name);
      if (n.usable) {
        const PoolRow& pool = w_.pools[n.pool.value];
        auto has = [&](const Buckets& b, std::size_t level) {
          return static_cast<std::int64_t>(b.words(level)[i / 64] >> (i % 64) & 1);
        };
        put(has(pool.by_free, static_cast<std::size_t>(n.free_later)), "node {} in its bucket", n.noun->name);
        put(n.room, "node {} room", n.noun->name);
        put(has(pool.by_room, static_cast<std::size_t>(n.room / room_step)), "node {} in its room", n.noun->name);
      }
      for (DimId d = 0; d < w_.dims.size(); ++d) {
        put(w_.idle(NodeId{i}, d), "node {} {} idle", n.noun->name, w_.dims.name(d));
        put(w_.future(NodeId{i}, d), "node {} {} future", n.noun->name, w_.dims.name(d));
      }
      for (std::uint32_t d = 0; d < n.device_count; ++d) {
        put(w_.device(NodeId{i}, static_cast<int>(d)).now, "node {} device {} now", n.noun->name, d);
        put(w_.device(NodeId{i}, static_cast<int>(d)).future, "node {} device {} future", n.noun->name, d);
        put(w_.device(NodeId{i}, static_cast<int>(d)).burden, "node {} device {} burden", n.noun->name, d);
      }
    }
    for (const auto& j : w_.jobs) {
      if (!j.live) continue;
      put(j.pending, "job {} pending", j.key), put(j.active, "job {} active", j.key);
      put(j.leaving, "job {} leaving", j.key);
      for (GroupId g : j.groups) {
        const GroupRow& row = w_.group(g);
        for (auto [what, n] : {std::pair{"pending", row.pending},
                               {"active", row.active},
                               {"leaving", row.leaving},
                               {"gated", row.gated},
                               {"promised", row.promised},
                               {"succeeded", row.succeeded},
                               {"failed", row.failed}})
          put(n, "job {} group {} {}", j.key, row.name, what);
      }
    }
    for (std::size_t b = 0; b < w_.budgets.size(); ++b) put(w_.budgets[b].missing, "budget {} missing", b);
    for (std::size_t t = 0; t < w_.domains.term_count(); ++t) {
      const Term& term = w_.domains[TermId{static_cast<std::uint32_t>(t)}];
      put(term.total_future, "term {} total", t);
      for (std::size_t d = 0; d < term.now.size(); ++d) {
        put(term.now[d], "term {} domain {} now", t, d);
        put(term.future[d], "term {} domain {} future", t, d);
        put(term.repels_now[d], "term {} domain {} repels now", t, d);
        put(term.repels_future[d], "term {} domain {} repels future", t, d);
        put(term.relied[d], "term {} domain {} relied", t, d);
      }
    }
    return values_;
  }

  void clear() {
    for (auto& q : w_.queues) q.allocated = q.guarded = q.pending = {};
    for (auto& p : w_.pools) p.foreign = {};
    for (auto& b : w_.budgets) b.missing = 0;
    for (std::uint32_t i = 0; i < w_.nodes.size(); ++i) {
      NodeRow& n = w_.nodes[i];
      if (!n.live) continue;
      n.held = n.promised = {};
      w_.offer(NodeId{i}, *n.noun);
    }
    for (auto& j : w_.jobs) j.pending = j.active = j.leaving = 0, j.guarded = {};
    for (auto& g : w_.groups) g.pending = g.gated = g.active = g.leaving = g.promised = g.succeeded = g.failed = 0;
    for (std::size_t t = 0; t < w_.domains.term_count(); ++t) {
      Term& term = w_.domains[TermId{static_cast<std::uint32_t>(t)}];
      term.total_future = 0;
      for (auto* v : {&term.now, &term.future, &term.repels_now, &term.repels_future, &term.relied})
        std::fill(v->begin(), v->end(), 0);
    }
  }

  World& w_;
  std::vector<std::int64_t> values_;
  std::vector<std::string> names_;
  bool named_ = false;
};

std::string World::check_counters() {
  // Devices that this scheduler gave away are never held beyond what they are.
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i].live) continue;
    for (PodId p = nodes[i].held; !p.is_none(); p = pod(p).held_next) {
      if (pod(p).state != PodState::Binding) continue;
      for (std::uint64_t m = pod(p).devices; m != 0; m &= m - 1) {
        int d = std::countr_zero(m);
        if (static_cast<std::uint32_t>(d) >= nodes[i].device_count) continue;
        const DeviceRow& dev = device(NodeId{i}, d);
        if (dev.now > std::max(1000, dev.capacity))
          return fmt::format("node {} device {}: {} thousandths are held", nodes[i].noun->name, d, dev.now);
      }
    }
  }
  return Recount(*this).first_difference();
}

}  // namespace muster::sched
