// Random worlds, random changes, a round after each: what must hold whatever happens.

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <random>

#include "sched/engine.h"
#include "sched/replay/log.h"
#include "sched/test_world.h"

namespace muster::sched {
namespace {

using namespace test;
using model::Decision;
using model::Pod;
using model::PodState;

class Town {
 public:
  explicit Town(std::uint64_t seed) : rng_(seed), config_(policy()), engine_(config_) {
    std::size_t n = 1 + pick(4);
    for (std::size_t i = 0; i < n; ++i) add_node();
    for (int d = 0; d < 2; ++d) queues_.push_back(random_queue(fmt::format("d{}", d), ""));
    for (int q = 0; q < 4; ++q) queues_.push_back(random_queue(fmt::format("q{}", q), fmt::format("d{}", q % 2)));
    for (const auto& q : queues_) tell(UpsertQueue{q});
  }

  void step() {
    switch (pick(12)) {
      case 0:
        if (nodes_.size() < 6) add_node();
        break;
      case 1:
        change_node();
        break;
      case 2: {
        auto& q = queues_[2 + pick(4)];
        q = random_queue(q.name, q.parent);
        tell(UpsertQueue{q});
        break;
      }
      case 3:
      case 4:
      case 5:
      case 6:
        add_job();
        break;
      case 7:
        end_job();
        break;
      case 8:
        finish_pod();
        break;
      default:
        break;
    }
    run();
  }

  void run() {
    now_ += static_cast<std::int64_t>(pick(30));
    if (pick(4) == 0) ask();
    Round r = engine_.run(at(now_));
    REQUIRE_MESSAGE(engine_.check_invariants() == "", engine_.check_invariants());
    check_limits(r);
    last_ = r;
    follow(r);
    check_gangs(r);
  }

  // Nothing is told any more: after some rounds nothing is decided any more.
  void come_to_rest() {
    for (int i = 0; i < 60; ++i) {
      now_ += 700;
      Round r = engine_.run(at(now_));
      REQUIRE(engine_.check_invariants() == "");
      if (r.decisions.empty() && releasing_.empty()) return;
      if (i > 52)
        for (const auto& d : r.decisions)
          MESSAGE(fmt::format("round {} {} {} {} on {} for {}: {}", i, to_text(d.kind), to_text(d.action), d.pod,
                              d.node, d.for_gang, d.message));
      if (i > 52)
        for (const auto& [name, gang] : jobs_) {
          const auto* v = engine_.verdict("default/" + name);
          std::string pods;
          for (const auto& p : pods_of(name))
            pods += fmt::format(" {}:{}@{}", p.name, to_text(p.state), p.node) + [&] {
              std::string x;
              for (auto& d : p.devices) x += fmt::format("/{}x{}", d.index, d.milli);
              return x;
            }();
          MESSAGE(fmt::format("   {} {} prio {} {} {} {}", name, gang.queue, gang.priority, pods,
                              v ? to_text(v->reason) : "-", v ? v->message : ""));
        }
      follow(r);
    }
    FAIL("the world does not come to rest");
  }

 private:
  std::size_t pick(std::size_t n) { return static_cast<std::size_t>(rng_() % n); }

  Config policy() {
    Config c;
    c.topologies = {{"t", {"zone", "rack"}}};
    const std::size_t rule = pick(6);
    c.gpu = rule == 0 ? Placement::Spread : rule == 1 ? Placement::Fragmentation : Placement::Binpack;
    if (pick(6) == 0) c.cpu = Placement::Fragmentation;
    c.staleness_grace = seconds(static_cast<std::int64_t>(pick(90)));
    c.reclaim_min_runtime = seconds(pick(3) == 0 ? 60 : 0);
    return c;
  }
  void add_node() {
    model::Node n = node(fmt::format("n{}", serial_++), static_cast<int>(pick(5)), pick(2) ? 40960 : 81920);
    n.cpu = 8000 + 4000 * static_cast<std::int64_t>(pick(4));
    n.labels = {{"zone", fmt::format("z{}", pick(2))}, {"rack", fmt::format("r{}", pick(3))}};
    nodes_.push_back(n);
    tell(UpsertNode{n});
  }
  void change_node() {
    if (nodes_.empty()) return;
    std::size_t i = pick(nodes_.size());
    auto& n = nodes_[i];
    switch (pick(4)) {
      case 0:
        n.unschedulable = !n.unschedulable;
        break;
      case 1:
        n.labels["zone"] = fmt::format("z{}", pick(2));
        break;
      case 2:
        if (!n.devices.empty()) n.devices[pick(n.devices.size())].healthy ^= true;
        break;
      default:
        tell(RemoveNode{n.name});
        if (pick(2)) {
          nodes_.erase(nodes_.begin() + static_cast<std::ptrdiff_t>(i));
          return;
        }
    }
    tell(UpsertNode{n});
  }
  model::Queue random_queue(const std::string& name, const std::string& parent) {
    model::Queue q = queue(name, static_cast<std::int64_t>(pick(5)), parent, static_cast<std::int64_t>(pick(4)));
    q.priority = pick(4) == 0 ? 200 : 100;
    if (pick(3) == 0) q.gpu.limit = static_cast<std::int64_t>(pick(8)) * 1000;
    if (pick(6) == 0) q.gpu.quota = std::nullopt;
    q.created = at(-4000 + static_cast<std::int64_t>(pick(3)));
    return q;
  }
  void add_job() {
    Job j = job(fmt::format("j{}", serial_++), fmt::format("q{}", pick(4)));
    j.created(at(now_)).priority(std::array{50, 75, 100, 40}[pick(4)]);
    if (pick(6) == 0) j.gang.preemptibility = model::Preemptibility::SemiPreemptible;
    if (pick(8) == 0) j.gang.preemption_delay = seconds(static_cast<std::int64_t>(pick(60)));
    int count = 1 + static_cast<int>(pick(4));
    switch (pick(6)) {
      case 0:
        for (int i = 0; i < count; ++i) j.share(100 + 100 * static_cast<int>(pick(9)), 1 + static_cast<int>(pick(2)));
        break;
      case 1:
        j.memory(5000 + 5000 * static_cast<std::int64_t>(pick(8)));
        break;
      case 2:
        j.pods(count, 0);
        break;
      default:
        j.pods(count, 1 + static_cast<int>(pick(3)));
    }
    if (pick(3) == 0) j.min(static_cast<int>(pick(static_cast<std::size_t>(count) + 1)));
    if (pick(5) == 0) j.gang.topology = model::TopologyConstraint{"t", pick(2) ? "zone" : "", pick(2) ? "rack" : ""};
    if (pick(5) == 0) make_tree(j);
    if (pick(5) == 0)
      for (auto& p : j.members) {
        p.labels = {{"app", fmt::format("a{}", pick(2))}};
        if (pick(2)) p.constraints.pod_anti_affinity = {{"rack", {{"app", "a0"}}}};
        if (pick(3) == 0) p.constraints.pod_affinity = {{"zone", {{"app", "a1"}}}};
        if (pick(3) == 0) p.constraints.host_ports = {8080};
        if (pick(4) == 0) p.constraints.spread = {{"zone", 1, {{"app", "a0"}}, pick(2) == 0}};
      }
    jobs_[j.gang.name] = j.gang;
    tell(UpsertGang{j.gang});
    for (const auto& p : j.members) tell(UpsertPod{p});
  }
  void make_tree(Job& j) {
    j.gang.min_member.reset();
    j.gang.sub_groups = {{.name = "a", .min_member = 1}, {.name = "b", .min_member = static_cast<int>(pick(2))}};
    if (pick(2)) j.gang.min_sub_group = 1;
    if (pick(2)) j.gang.sub_groups[0].topology = model::TopologyConstraint{"t", "rack", ""};
    for (auto& p : j.members) p.sub_group = pick(2) ? "a" : "b";
  }
  std::vector<Pod> pods_of(const std::string& gang) {
    std::vector<Pod> out;
    for (const auto& [name, owner] : pods_)
      if (owner == gang) out.push_back(*engine_.pod("default", name));
    return out;
  }
  void end_job() {
    if (jobs_.empty()) return;
    auto it = std::next(jobs_.begin(), static_cast<std::ptrdiff_t>(pick(jobs_.size())));
    for (const auto& p : pods_of(it->first)) tell(RemovePod{"default", p.name});
    tell(RemoveGang{"default", it->first});
    jobs_.erase(it);
  }
  void finish_pod() {
    if (pods_.empty()) return;
    auto it = std::next(pods_.begin(), static_cast<std::ptrdiff_t>(pick(pods_.size())));
    Pod p = *engine_.pod("default", it->first);
    if (p.state != PodState::Running) return;
    p.state = pick(2) ? PodState::Succeeded : PodState::Failed;
    tell(UpsertPod{p});
  }

  void tell(const Delta& d) {
    auto told = engine_.apply(d);
    REQUIRE_MESSAGE(told.has_value(), (told.has_value() ? "" : told.error().text));
    if (const auto* up = std::get_if<UpsertPod>(&d)) pods_[up->pod.name] = up->pod.gang;
    if (const auto* gone = std::get_if<RemovePod>(&d)) pods_.erase(gone->name), releasing_.erase(gone->name);
  }

  // Questions change nothing.
  void ask() {
    std::uint64_t before = engine_.world_hash();
    for (const auto& [name, gang] : jobs_) {
      if (pick(4) == 0) (void)engine_.why("default/" + name, at(now_));
    }
    Job wish = job("wish", fmt::format("q{}", pick(4)));
    wish.pods(1 + static_cast<int>(pick(2)), static_cast<int>(pick(3)));
    auto plan = engine_.plan(wish.gang, wish.members, at(now_));
    REQUIRE(plan.has_value());
    REQUIRE(engine_.world_hash() == before);
    REQUIRE(engine_.check_invariants() == "");
  }

  void follow(const Round& r) {
    for (auto it = releasing_.begin(); it != releasing_.end();) {
      if (--it->second > 0) {
        ++it;
        continue;
      }
      Pod p = *engine_.pod("default", it->first);
      it = releasing_.erase(it);
      tell(RemovePod{"default", p.name});
      if (!jobs_.contains(p.gang)) continue;
      p.name = fmt::format("{}-r{}", p.gang, serial_++);
      p.state = PodState::Pending, p.node.clear(), p.devices.clear();
      tell(UpsertPod{p});
    }
    for (const auto& d : r.decisions) {
      auto p = engine_.pod(d.ns, d.pod);
      if (!p) continue;
      if (d.kind == Decision::Kind::Bind) {
        if (pick(20) == 0) {
          tell(BindFailed{d.ns, d.pod, "busy"});
        } else {
          p->state = PodState::Running;
          tell(UpsertPod{*p});
        }
      } else if (d.kind == Decision::Kind::Evict) {
        p->state = PodState::Releasing;
        p->node = d.node;
        releasing_[d.pod] = 1 + static_cast<int>(pick(3));
      }
    }
  }

  void check_limits(const Round& r) {
    // A round that gave a queue something left it within its limit.
    std::map<std::string, bool> gave;
    for (const auto& d : r.decisions)
      if (d.kind == Decision::Kind::Bind && !d.devices.empty()) gave[jobs_.at(pods_.at(d.pod)).queue] = true;
    for (const auto& q : queues_) {
      auto use = engine_.queue_use(q.name);
      REQUIRE(use);
      if (gave[q.name] && q.gpu.limit && use->allocated.gpu > *q.gpu.limit)
        for (const auto& d : r.decisions)
          MESSAGE(fmt::format("{} {} {} on {} for {}: {} queue {}", to_text(d.kind), to_text(d.action), d.pod, d.node,
                              d.for_gang, d.message, jobs_.at(pods_.at(d.pod)).queue));
      if (gave[q.name] && q.gpu.limit) REQUIRE(use->allocated.gpu <= *q.gpu.limit);
    }
  }

  // A gang that just got something has its minimum, bound together.
  void check_gangs(const Round& r) {
    std::map<std::string, int> bound;
    for (const auto& d : r.decisions)
      if (d.kind == Decision::Kind::Bind) ++bound[pods_.at(d.pod)];
    for (const auto& [name, n] : bound) {
      const auto& gang = jobs_.at(name);
      if (!gang.sub_groups.empty()) continue;
      int active = 0, all = 0, failed = 0;
      for (const auto& p : pods_of(name)) {
        ++all;
        active += p.state == PodState::Running || p.state == PodState::Binding ? 1 : 0;
        failed += p.state == PodState::Succeeded ? 1 : 0;
      }
      int minimum = gang.min_member.value_or(all - failed);
      // A bind that failed took one away again.
      if (active + n_failed(r, name) < minimum) {
        for (const auto& p : pods_of(name)) MESSAGE(p.name << " " << to_text(p.state) << " " << p.node);
        for (const auto& d : r.decisions)
          MESSAGE(to_text(d.kind) << " " << to_text(d.action) << " " << d.pod << " for " << d.for_gang);
      }
      if (active + n_failed(r, name) < minimum) FAIL(fmt::format("{} runs with {} of {}", name, active, minimum));
    }
  }
  int n_failed(const Round& r, const std::string& gang) {
    int n = 0;
    for (const auto& d : r.decisions)
      if (d.kind == Decision::Kind::Bind && pods_.at(d.pod) == gang &&
          engine_.pod(d.ns, d.pod)->state == PodState::Pending)
        ++n;
    return n;
  }

  std::mt19937_64 rng_;
  Config config_;
  Engine engine_;
  std::vector<model::Node> nodes_;
  std::vector<model::Queue> queues_;
  std::map<std::string, model::Gang> jobs_;
  std::map<std::string, std::string> pods_;  // name -> gang
  std::map<std::string, int> releasing_;     // rounds left
  Round last_;
  std::int64_t now_ = 0;
  int serial_ = 0;
};

TEST_CASE("counters, devices, limits and gangs hold through random histories, and questions change nothing") {
  const char* more = std::getenv("MUSTER_TOWNS");
  std::uint64_t towns = more != nullptr ? std::strtoull(more, nullptr, 10) : 40;
  const char* only = std::getenv("MUSTER_TOWN");
  for (std::uint64_t seed = 1; seed <= towns; ++seed) {
    if (only != nullptr && seed != std::strtoull(only, nullptr, 10)) continue;
    CAPTURE(seed);
    Town town(seed);
    for (int i = 0; i < 60; ++i) town.step();
    town.come_to_rest();
  }
}

}  // namespace
}  // namespace muster::sched
