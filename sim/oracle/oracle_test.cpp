// The engine against brute force on random small worlds: shares, places, victims. MUSTER_ORACLE_WORLDS says how many of
// each kind (`make oracle`: 100 000).

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "sched/engine.h"
#include "sim/oracle/brute.h"
#include "sim/random/random.h"
#include "sim/scenario/scenario.h"
#include "sim/show/picture.h"
#include "sim/world/world.h"

namespace muster::sim::oracle {
namespace {

TEST_SUITE_BEGIN("oracle");

using model::Decision;

int worlds() {
  const char* named = std::getenv("MUSTER_ORACLE_WORLDS");
  return named != nullptr ? std::atoi(named) : 300;
}

std::int64_t pick(Random& random, std::initializer_list<std::int64_t> list) {
  return list.begin()[random.below(list.size())];
}

model::Node node(std::size_t number, std::int32_t gpus) {
  model::Node out{.name = fmt::format("n{}", number), .cpu = 1'000'000, .memory = std::int64_t{1} << 50, .pods = 1000};
  for (std::int32_t i = 0; i < gpus; ++i) out.devices.push_back({.uuid = fmt::format("{}-{}", out.name, i)});
  return out;
}

model::GpuRequest request_of(const Ask& ask) {
  using Kind = model::GpuRequest::Kind;
  return {.kind = ask.milli == 1000 ? Kind::Whole : Kind::Portion, .devices = ask.devices, .milli = ask.milli};
}

Ask ask_of(const model::Pod& pod) { return {pod.constraints.gpu.devices, pod.constraints.gpu.milli}; }

Job job(const std::string& name, const std::string& queue, std::int32_t priority, const std::vector<Ask>& pods,
        std::int64_t age) {
  Job out;
  out.gang = {.name = name, .uid = key_of("default", name), .queue = queue, .priority = priority};
  out.gang.created = scenario_now - seconds(age);
  for (std::size_t i = 0; i < pods.size(); ++i) {
    model::Pod pod{
        .name = fmt::format("{}-{}", name, i), .uid = key_of("default", fmt::format("{}-{}", name, i)), .gang = name};
    pod.created = out.gang.created;
    pod.constraints.gpu = request_of(pods[i]);
    out.pods.push_back(pod);
  }
  return out;
}

Ask random_ask(Random& random) {
  if (random.chance(400)) return {.milli = static_cast<std::int32_t>(pick(random, {250, 500, 500, 750}))};
  return {.devices = static_cast<std::int32_t>(pick(random, {1, 1, 2, 2, 3, 4}))};
}

// Gangs of equal pods are held to the exact answer. Packing pods of several sizes is a search that the engine does not
// do to its end: it may miss a few, and must never place what cannot be placed.
enum class Gangs { Equal, Mixed };

std::vector<Ask> random_gang(Random& random, Gangs gangs, std::uint64_t most) {
  std::vector<Ask> out(1 + random.below(most), random_ask(random));
  if (gangs == Gangs::Equal) {
    // Shares of two devices each: one at a time is exact, several are a packing again.
    if (random.chance(30)) out = {{.devices = 2, .milli = 500}};
  } else {
    for (Ask& ask : out) ask = random_ask(random);
  }
  return out;
}

struct Misses {
  Gangs gangs;
  int count = 0;

  void add(int world, const std::string& wrong) {
    ++count;
    const bool missed = !wrong.starts_with("cannot");
    if (gangs == Gangs::Equal || !missed) FAIL_CHECK(fmt::format("world {}: {}", world, wrong));
  }
  void judge() const { CHECK(count <= 1 + worlds() / 2000); }
};

std::string text_of(const std::vector<Ask>& asks) {
  std::string out;
  for (const Ask& ask : asks) out += fmt::format(" {} x {}", ask.devices, ask.milli);
  return out;
}

// ---- shares

Claimant random_claimant(Random& random, std::int64_t number) {
  return {.quota = pick(random, {0, 0, 1000, 2000, 3500, 5000, -1}),
          .limit = pick(random, {-1, -1, -1, 1000, 4000, 6500}),
          .weight = pick(random, {0, 1000, 1000, 2000, 3000, 500}),
          .request = pick(random, {0, 1, 2, 3, 5, 8, 13, 30}) * 1000 + pick(random, {0, 0, 0, 250}),
          .priority = pick(random, {100, 100, 200}),
          .usage = pick(random, {0, 0, 0, 100, 300, 700}),
          .created = number};
}

model::Queue queue_of(const std::string& name, const std::string& parent, const Claimant& c) {
  model::Queue out{.name = name, .parent = parent, .priority = static_cast<std::int32_t>(c.priority)};
  out.created = Time{1000 + c.created};
  const auto bound = [](std::int64_t amount) { return amount < 0 ? std::nullopt : std::optional(amount); };
  out.gpu = {.quota = bound(c.quota), .limit = bound(c.limit), .weight_milli = c.weight};
  // The same in milli-cores, so that the division by single units is held against the exact one as well.
  out.cpu = out.gpu;
  out.usage_gpu_milli = c.usage;
  return out;
}

// Pods that ask for so much in all.
Job wishes(const std::string& queue, std::int64_t amount) {
  std::vector<Ask> pods(static_cast<std::size_t>(amount / 1000));
  if (amount % 1000 != 0) pods.push_back({.milli = static_cast<std::int32_t>(amount % 1000)});
  Job out = job("j" + queue, queue, 50, pods, 60);
  for (model::Pod& pod : out.pods) pod.constraints.cpu = static_cast<std::int64_t>(ask_of(pod).milli);
  return out;
}

TEST_CASE("fair shares are those of the exact division, on both levels") {
  Random random(11);
  for (int w = 0; w < worlds(); ++w) {
    const std::int64_t gpus = 1 + static_cast<std::int64_t>(random.below(24));
    Scenario scenario;
    scenario.nodes.push_back(node(1, static_cast<std::int32_t>(gpus)));
    scenario.nodes.back().cpu = gpus * 1000;
    scenario.config.history_k_milli = pick(random, {0, 1000, 1000, 3000});
    std::vector<Claimant> tops;
    std::vector<std::vector<Claimant>> below;
    for (std::size_t i = 0, n = 1 + random.below(5); i < n; ++i) {
      tops.push_back(random_claimant(random, static_cast<std::int64_t>(i)));
      below.emplace_back();
      const std::string name = fmt::format("q{}", i);
      const std::size_t children = random.chance(400) ? 1 + random.below(3) : 0;
      if (children > 0) tops.back().request = 0;
      scenario.queues.push_back(queue_of(name, "", tops.back()));
      for (std::size_t c = 0; c < children; ++c) {
        below.back().push_back(random_claimant(random, static_cast<std::int64_t>(c)));
        tops.back().request += below.back().back().request;
        scenario.queues.push_back(queue_of(fmt::format("{}c{}", name, c), name, below.back().back()));
        scenario.jobs.push_back(wishes(scenario.queues.back().name, below.back().back().request));
      }
      if (children == 0) scenario.jobs.push_back(wishes(name, tops.back().request));
    }
    std::erase_if(scenario.jobs, [](const Job& one) { return one.pods.empty(); });
    Result<World> world = World::create(scenario);
    REQUIRE(world.has_value());
    world->decide(scenario_now);
    const auto hold = [&](const std::string& name, std::int64_t gpu, std::int64_t cpu) {
      const model::Resources share = world->engine().queue_use(name)->fair_share;
      CHECK_MESSAGE(share.gpu == gpu, fmt::format("world {}, queue {}", w, name));
      CHECK_MESSAGE(share.cpu == cpu, fmt::format("world {}, queue {}, cpu", w, name));
    };
    const std::int64_t k = scenario.config.history_k_milli;
    // History counts for GPUs only.
    const auto cores = [](std::vector<Claimant> list) {
      for (Claimant& claimant : list) claimant.usage = 0;
      return list;
    };
    const std::vector<std::int64_t> shares = divide(gpus * 1000, 1000, tops, k);
    const std::vector<std::int64_t> cpu_shares = divide(gpus * 1000, 1, cores(tops), k);
    for (std::size_t i = 0; i < tops.size(); ++i) {
      hold(fmt::format("q{}", i), shares[i], cpu_shares[i]);
      const std::vector<std::int64_t> inner = divide(shares[i], 1000, below[i], k);
      const std::vector<std::int64_t> cpu_inner = divide(cpu_shares[i], 1, cores(below[i]), k);
      for (std::size_t c = 0; c < inner.size(); ++c) hold(fmt::format("q{}c{}", i, c), inner[c], cpu_inner[c]);
    }
  }
}

// ---- places

// What of each node's devices a foreign pod does not hold.
Free random_cluster(Random& random, Scenario& scenario) {
  Free free;
  Job other;
  other.gang = {.name = "other", .uid = "default/other"};
  other.is_foreign = true;
  for (std::size_t n = 0, count = 1 + random.below(5); n < count; ++n) {
    const std::int32_t gpus = static_cast<std::int32_t>(1 + random.below(4));
    scenario.nodes.push_back(node(n, gpus));
    free.emplace_back(static_cast<std::size_t>(gpus), 1000);
    for (std::int32_t i = 0; i < gpus; ++i) {
      const std::int32_t held = static_cast<std::int32_t>(pick(random, {0, 0, 0, 250, 500, 1000}));
      if (held == 0) continue;
      const std::string name = fmt::format("other-{}-{}", n, i);
      model::Pod pod{.name = name, .uid = key_of("default", name), .state = model::PodState::Running, .foreign = true};
      pod.node = scenario.nodes.back().name;
      pod.devices = {{.index = i, .milli = held}};
      pod.constraints.gpu = request_of({.milli = held});
      other.pods.push_back(pod);
      free.back()[static_cast<std::size_t>(i)] -= held;
    }
  }
  if (!other.pods.empty()) scenario.jobs.push_back(other);
  return free;
}

void check_places(Gangs gangs, std::uint64_t seed) {
  Random random(seed);
  int feasible = 0;
  Misses misses{gangs};
  for (int w = 0; w < worlds(); ++w) {
    Scenario scenario;
    const Free free = random_cluster(random, scenario);
    if (random.chance(300)) scenario.config.gpu = sched::Placement::Spread;
    scenario.queues.push_back({.name = "a", .gpu = {.quota = std::nullopt}});
    const std::vector<Ask> pods = random_gang(random, gangs, 6);
    scenario.jobs.push_back(job("g", "a", 50, pods, 60));
    Result<World> world = World::create(scenario);
    REQUIRE(world.has_value());
    const std::size_t placed = world->decide(model::Action::Allocate, scenario_now).decisions.size();
    const bool possible = can_place(free, pods);
    feasible += possible ? 1 : 0;
    if (placed == (possible ? pods.size() : 0)) continue;
    misses.add(w, fmt::format("{} fit, {} of{} placed{}\n{}", possible ? "can" : "cannot", placed, text_of(pods),
                              scenario.config.gpu == sched::Placement::Spread ? ", spread" : "", picture_of(*world)));
  }
  misses.judge();
  CHECK(feasible > worlds() / 5);
  CHECK(feasible < worlds() * 4 / 5);
}

TEST_CASE("a gang of equal pods is placed exactly when some placement exists") { check_places(Gangs::Equal, 12); }
TEST_CASE("a gang of different pods is placed only when some placement exists") { check_places(Gangs::Mixed, 15); }

// ---- victims

// Takes (sign 1) or gives back (-1) what a pod holds.
void charge(Free& free, const std::string& name, const std::vector<model::DeviceShare>& devices, std::int32_t sign) {
  std::vector<std::int32_t>& of_node = free[static_cast<std::size_t>(std::atoi(name.c_str() + 1))];
  for (const model::DeviceShare& share : devices) of_node[static_cast<std::size_t>(share.index)] -= sign * share.milli;
}

// Gives a pod the lowest devices that have room; false when no node has any.
bool seat(model::Pod& pod, Free& free) {
  const Ask ask = ask_of(pod);
  for (std::size_t n = 0; n < free.size(); ++n) {
    std::vector<model::DeviceShare> devices;
    for (std::size_t d = 0; d < free[n].size() && devices.size() < static_cast<std::size_t>(ask.devices); ++d) {
      if (free[n][d] >= ask.milli) devices.push_back({.index = static_cast<std::int32_t>(d), .milli = ask.milli});
    }
    if (devices.size() < static_cast<std::size_t>(ask.devices)) continue;
    pod.node = fmt::format("n{}", n);
    pod.devices = devices;
    pod.state = model::PodState::Running;
    charge(free, pod.node, devices, 1);
    return true;
  }
  return false;
}

// Random gangs that run: strict ones, elastic ones and lists of pods.
std::vector<Job> runners(Random& random, Free& free, const std::string& queue) {
  std::vector<Job> out;
  for (std::size_t i = 0; i < 7; ++i) {
    const std::vector<Ask> asks(random.chance(600) ? 1 : 2 + random.below(2), random_ask(random));
    Job one = job(fmt::format("r{}", i), queue, static_cast<std::int32_t>(pick(random, {25, 50})), asks,
                  1000 - static_cast<std::int64_t>(i));
    one.gang.last_start = scenario_now - hours(1);
    if (random.chance(300)) one.gang.min_member = static_cast<std::int32_t>(random.below(2));
    if (random.chance(150)) one.gang.preemptibility = model::Preemptibility::NonPreemptible;
    const Free before = free;
    bool seated = true;
    for (model::Pod& pod : one.pods) seated = seated && seat(pod, free);
    if (seated) {
      out.push_back(one);
    } else {
      free = before;
    }
  }
  return out;
}

// One waiting gang among gangs that run: who goes, and could anybody of them have stayed?
class Trial {
 public:
  Trial(Random& random, model::Action action, Gangs gangs) {
    free_ = random_cluster(random, scenario_);
    const bool reclaims = action == model::Action::Reclaim;
    scenario_.config.actions = {model::Action::Allocate, action};
    scenario_.config.consolidating_reclaim = random.chance(500);
    scenario_.queues.push_back({.name = "a", .gpu = {.quota = std::nullopt}});
    scenario_.queues.push_back({.name = "b", .gpu = {.quota = 0, .weight_milli = 0}});
    running_ = runners(random, free_, reclaims ? "b" : "a");
    scenario_.jobs.insert(scenario_.jobs.end(), running_.begin(), running_.end());
    asks_ = random_gang(random, gangs, 3);
    scenario_.jobs.push_back(job("g", "a", 75, asks_, 1));
  }

  // "" or what is wrong.
  std::string run() {
    Result<World> world = World::create(scenario_);
    if (!world.has_value()) return world.error().text;
    const std::string shown = fmt::format("{}\n{}", text_of(asks_), picture_of(*world));
    bool placed = false;
    for (const Decision& decision : world->decide(scenario_now).decisions) {
      if (decision.kind == Decision::Kind::Evict) gone_.insert(decision.pod);
      if (decision.kind == Decision::Kind::Nominate && decision.pod[0] == 'r') moved_[decision.pod] = decision;
      placed = placed || decision.pod[0] == 'g';
    }
    const std::string wrong = judge(placed);
    return wrong.empty() ? "" : fmt::format("{}; waits:{}", wrong, shown);
  }

  bool has_victims() const { return !gone_.empty(); }

 private:
  std::string judge(bool placed) const {
    if (can_place(free_, asks_)) {
      return !placed ? "can fit, and waits" : !gone_.empty() ? "can fit, and evicts" : "";
    }
    Free all = free_;
    for (const Job& one : running_) {
      if (one.gang.preemptibility) continue;
      for (const model::Pod& pod : one.pods) charge(all, pod.node, pod.devices, -1);
    }
    if (placed != can_place(all, asks_)) return placed ? "cannot fit, and is placed" : "finds no victims";
    for (const Job& one : running_) {
      for (const std::vector<std::string>& group : spares(one)) {
        if (fits_without(group)) {
          return fmt::format("{} (minimum {} of {}) need not go; gone: {}; moved: {}", fmt::join(group, ", "),
                             one.gang.min_member.value_or(-1), one.pods.size(), fmt::join(gone_, ", "), moved_.size());
        }
      }
    }
    return "";
  }

  // Which of its victims a gang could keep: one above its minimum; all of them where the minimum went, for that goes
  // as one (product rule 1.7.5).
  std::vector<std::vector<std::string>> spares(const Job& one) const {
    std::vector<std::string> lost;
    for (const model::Pod& pod : one.pods) {
      if (gone_.contains(pod.name) && !moved_.contains(pod.name)) lost.push_back(pod.name);
    }
    if (lost.empty()) return {};
    const std::size_t least =
        static_cast<std::size_t>(one.gang.min_member.value_or(static_cast<std::int32_t>(one.pods.size())));
    if (one.pods.size() - lost.size() < least) return {lost};
    std::vector<std::vector<std::string>> out;
    for (const std::string& name : lost) out.push_back({name});
    return out;
  }

  // With the other victims gone and the moved ones where they are moved to.
  bool fits_without(const std::vector<std::string>& stays) const {
    Free left = free_;
    for (const Job& one : running_) {
      for (const model::Pod& pod : one.pods) {
        if (!gone_.contains(pod.name) || std::find(stays.begin(), stays.end(), pod.name) != stays.end()) continue;
        charge(left, pod.node, pod.devices, -1);
      }
    }
    for (const auto& [name, decision] : moved_) charge(left, decision.node, decision.devices, 1);
    const auto lacks = [](const std::vector<std::int32_t>& devices) {
      return std::any_of(devices.begin(), devices.end(), [](std::int32_t milli) { return milli < 0; });
    };
    return std::none_of(left.begin(), left.end(), lacks) && can_place(left, asks_);
  }

  Scenario scenario_;
  Free free_;
  std::vector<Job> running_;
  std::vector<Ask> asks_;
  std::set<std::string> gone_;
  std::map<std::string, Decision> moved_;  // to where
};

void check_victims(model::Action action, Gangs gangs, std::uint64_t seed) {
  Random random(seed);
  int taken = 0;
  Misses misses{gangs};
  for (int w = 0; w < worlds(); ++w) {
    Trial trial(random, action, gangs);
    const std::string wrong = trial.run();
    if (!wrong.empty()) misses.add(w, wrong);
    taken += trial.has_victims() ? 1 : 0;
  }
  misses.judge();
  CHECK(taken > worlds() / 10);
}

TEST_CASE("preemption finds victims exactly when there are some, and none of them could have stayed") {
  check_victims(model::Action::Preempt, Gangs::Equal, 13);
  check_victims(model::Action::Preempt, Gangs::Mixed, 16);
}

TEST_CASE("reclaim finds victims exactly when there are some, and none of them could have stayed") {
  check_victims(model::Action::Reclaim, Gangs::Equal, 14);
  check_victims(model::Action::Reclaim, Gangs::Mixed, 17);
}

TEST_SUITE_END();

}  // namespace
}  // namespace muster::sim::oracle
