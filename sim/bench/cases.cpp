#include "sim/bench/cases.h"

#include "sim/bench/growing.h"
#include "sim/bench/scenery.h"
#include "sim/random/random.h"

namespace muster::sim::bench {
namespace {

Measured fill(const Size& size, const Log& log) {
  Stage stage({}, log);
  add_nodes(stage, size.nodes);
  const std::int64_t jobs = size.pending.value_or(size.nodes * per_node);
  constexpr std::int64_t departments = 4, queues = 20;
  for (std::int64_t d = 0; d < departments; ++d) {
    stage.add(queue_of(numbered("dept-", d), "", size.nodes * per_node / departments));
  }
  for (std::int64_t q = 0; q < queues; ++q) {
    stage.add(queue_of(numbered("q-", q), numbered("dept-", q % departments), size.nodes * per_node / queues));
  }
  for (std::int64_t j = 0; j < jobs; ++j) {
    stage.add({.name = numbered("job-", j), .queue = numbered("q-", j % queues)}, before(j));
  }
  run_out(stage);
  return finish(stage, size, jobs, jobs);
}

Measured gang(const Size& size, const Log& log) {
  sched::Config config;
  config.topologies = {{"dc", {"zone", "block", "rack", "kubernetes.io/hostname"}}};
  Stage stage(config, log);
  for (std::int64_t n = 0; n < size.nodes; ++n) {
    model::Node node = node_of(numbered("n", n), per_node);
    node.labels["rack"] = numbered("r", n / 2);
    node.labels["block"] = numbered("b", n / 16);
    node.labels["zone"] = numbered("z", n / 128);
    stage.add(node);
  }
  stage.add(queue_of("a", "", size.nodes * per_node));
  stage.cycle(begin);
  stage.reset();
  model::Gang wide{.name = "wide", .uid = "wide", .queue = "a"};
  wide.created = begin;
  wide.topology = model::TopologyConstraint{.topology = "dc", .preferred = "rack"};
  std::vector<model::Pod> pods;
  for (std::int64_t p = 0; p < size.nodes; ++p) {
    model::Pod pod{.name = numbered("wide-", p), .uid = numbered("wide-", p), .gang = "wide"};
    pod.created = begin;
    pod.constraints.cpu = 1000;
    pod.constraints.gpu = {.kind = model::GpuRequest::Kind::Whole, .devices = 1, .milli = 1000};
    pods.push_back(pod);
  }
  stage.add(wide, pods);
  stage.cycle(begin + seconds(1));
  return finish(stage, size, size.nodes, 1);
}

// A gang of ten whole nodes that could take only 79 of the 80 devices it needs: the rest is the other queue's quota.
Measured hopeless(const Size& size, const Log& log) {
  Stage stage({}, log);
  add_nodes(stage, size.nodes);
  const std::int64_t gpus = size.nodes * per_node;
  stage.add(queue_of("a", "", gpus - 79));
  stage.add(queue_of("b", "", 80));
  fill_with_singles(stage, size.nodes, "a");
  stage.cycle(begin);
  stage.reset();
  stage.add({.name = "hopeless", .queue = "b", .pods = 10, .gpus = per_node}, begin);
  stage.cycle(begin + seconds(1));
  Measured out = finish(stage, size, gpus, 1);
  out.evictions_bound = 0;
  return out;
}

Measured reclaim(const Size& size, const Log& log, const Crew& crew, std::int64_t jobs, std::int64_t bound) {
  Stage stage({}, log);
  add_nodes(stage, size.nodes);
  const std::int64_t gpus = size.nodes * per_node;
  stage.add(queue_of("a", "", gpus - bound));
  stage.add(queue_of("b", "", bound));
  fill_with_singles(stage, size.nodes, "a");
  stage.cycle(begin);
  stage.reset();
  for (std::int64_t j = 0; j < jobs; ++j) {
    Crew one = crew;
    if (jobs > 1) one.name = numbered("new-", j);
    stage.add(one, begin + milliseconds(j));
  }
  run_out(stage);
  Measured out = finish(stage, size, gpus, jobs);
  out.evictions_bound = bound;
  return out;
}

Measured reclaim_half(const Size& size, const Log& log) {
  const std::int32_t pods = static_cast<std::int32_t>(size.nodes / 2);
  return reclaim(size, log, {.name = "half", .queue = "b", .pods = pods, .gpus = per_node}, 1, pods * per_node);
}

Measured reclaim_one(const Size& size, const Log& log) {
  return reclaim(size, log, {.name = "one", .queue = "b"}, 1, 1);
}

Measured reclaim_many(const Size& size, const Log& log) {
  const std::int64_t jobs = size.pending.value_or(size.nodes * per_node);
  return reclaim(size, log, {.name = "new", .queue = "b"}, jobs, jobs);
}

// No node has six free devices; each gang needs ten such nodes, so ten pods must move.
Measured consolidate(const Size& size, const Log& log) {
  sched::Config config;
  config.max_consolidation_preemptees = std::nullopt;
  Stage stage(config, log);
  add_nodes(stage, size.nodes);
  const std::int64_t gangs = std::max<std::int64_t>(1, size.nodes * 41 / 500);
  stage.add(queue_of("a", "", size.nodes * per_node));
  fill_with_singles(stage, size.nodes, "a", 3);
  stage.cycle(begin);
  stage.reset();
  for (std::int64_t g = 0; g < gangs; ++g) {
    stage.add({.name = numbered("gang-", g), .queue = "a", .pods = 10, .gpus = 6}, begin + milliseconds(g));
  }
  run_out(stage);
  Measured out = finish(stage, size, size.nodes * 3 + gangs * 10, gangs);
  out.evictions_bound = gangs * 10;
  return out;
}

// Cycles of 100 changes: fifty jobs end, fifty arrive.
Measured churn(const Size& size, const Log& log, std::int64_t pods, std::int64_t pending, int cycles) {
  Stage stage({}, log);
  crowd(stage, size.nodes, pods, pending);
  come_to_rest(stage);
  Random random(1);
  std::vector<std::string> running = stage.running();
  Measured out;
  std::int64_t arrived = 0, decisions = 0, evictions = 0;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    stage.reset();
    stage.timed([&] {
      for (int change = 0; change < 50; ++change) {
        const std::size_t gone = random.below(running.size());
        stage.remove(running[gone]);
        running[gone] = running.back();
        running.pop_back();
        const std::int64_t number = arrived++;
        stage.add({.name = numbered("new-", number), .queue = numbered("q-", number % 100), .milli = 250},
                  begin + seconds(2 + cycle));
      }
    });
    for (const model::Decision& d : stage.cycle(begin + seconds(2 + cycle)).decisions) {
      const std::string job = d.pod.substr(0, d.pod.rfind('-'));
      if (d.kind != model::Decision::Kind::Nominate) std::erase(running, job);
      if (d.kind == model::Decision::Kind::Bind) running.push_back(job);
    }
    out.ms.push_back(stage.milliseconds());
    decisions += stage.counts().all();
    evictions += stage.counts().evictions;
  }
  out.gpus = size.nodes * per_node;
  out.pods = pods;
  out.pending = pending;
  out.decisions = decisions;
  out.evictions = evictions;
  out.rss_mib = resident_mib();
  return out;
}

Measured steady(const Size& size, const Log& log) {
  return churn(size, log, size.nodes * 28, size.pending.value_or(1000), 200);
}

Measured mixed(const Size& size, const Log& log) {
  return churn(size, log, size.nodes * 20, size.pending.value_or(size.nodes * 10), 100);
}

Measured restart(const Size& size, const Log& log) {
  Stage stage({}, log);
  const std::int64_t pods = size.nodes * 30, pending = size.pending.value_or(0);
  stage.timed([&] { crowd(stage, size.nodes, pods, pending); });
  stage.cycle(begin);
  return finish(stage, size, pods, pending);
}

// A thousand queues in a hundred departments whose demand shifts: the shares of all of them, divided anew when one is
// asked for.
Measured shares(const Size& size, const Log& log) {
  Stage stage({}, log);
  add_nodes(stage, 10);
  for (std::int64_t d = 0; d < size.nodes / 10; ++d) stage.add(queue_of(numbered("dept-", d), "", 1));
  for (std::int64_t q = 0; q < size.nodes; ++q) {
    stage.add(queue_of(numbered("q-", q), numbered("dept-", q / 10), 0));
    stage.add({.name = numbered("job-", q), .queue = numbered("q-", q), .pods = 1, .gpus = 9}, before(q));
  }
  stage.cycle(begin);
  Measured out;
  for (int cycle = 0; cycle < 50; ++cycle) {
    for (std::int64_t q = cycle % 7; q < size.nodes; q += 7) {
      const std::string name = numbered("job-", q);
      stage.remove(name);
      stage.add({.name = name, .queue = numbered("q-", q), .pods = 1 + cycle % 5, .gpus = 9}, before(q));
    }
    stage.reset();
    stage.timed([&] { stage.engine().queue_use("q-0"); });
    out.ms.push_back(stage.milliseconds());
    stage.cycle(begin + seconds(1 + cycle));
  }
  out.gpus = 10 * per_node;
  out.pods = out.pending = size.nodes;
  out.rss_mib = resident_mib();
  return out;
}

}  // namespace

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> out = {{"fill", "one-GPU jobs for every device", {500}, fill},
                             {"gang", "one gang of a pod per node, preferred rack", {512}, gang},
                             {"hopeless", "a gang short of one GPU of quota", {100, 200, 500}, hopeless},
                             {"reclaim-half", "half the cluster by one gang", {500, 1000}, reclaim_half},
                             {"reclaim-one", "a single GPU", {500}, reclaim_one},
                             {"reclaim-many", "every device, one by one", {500}, reclaim_many},
                             {"consolidate", "41 gangs of 10 x 6 on 500 nodes", {500}, consolidate},
                             {"steady", "a cycle with 100 changes", {5000}, steady},
                             {"restart", "cold start from a full list", {5000}, restart},
                             {"mixed", "a cycle with 100 changes and many that wait", {10'000}, mixed},
                             {"shares", "fair shares of as many queues", {1000}, shares}};
    out.insert(out.end(), growing_cases().begin(), growing_cases().end());
    return out;
  }();
  return all;
}

std::optional<Peer> peer_of(const std::string& name, std::int64_t nodes) {
  struct Row {
    const char* name;
    std::int64_t nodes;
    Peer peer;
  };
  static const std::string measured = "KAI-Scheduler d5bc503 in process, 2 cores";
  static const std::string published = "KAI-Scheduler on a cluster, wall, published July 2026";
  static const std::vector<Row> rows = {
      {"fill", 500, {398'000, published}},
      {"gang", 512, {48'700, published}},
      {"hopeless", 100, {12'600, measured}},
      {"hopeless", 200, {76'900, measured}},
      {"hopeless", 500, {249'500, published}},
      {"reclaim-half", 10, {139, measured}},
      {"reclaim-half", 50, {276, measured}},
      {"reclaim-half", 100, {522, measured}},
      {"reclaim-half", 200, {1270, measured}},
      {"reclaim-half", 500, {5270, measured}},
      {"reclaim-half", 1000, {22'500, measured}},
      {"reclaim-one", 500, {13'900, published}},
      {"reclaim-many", 10, {155, measured}},
      {"reclaim-many", 50, {873, measured}},
      {"reclaim-many", 100, {3190, measured}},
      {"reclaim-many", 200, {12'300, measured}},
      {"reclaim-many", 500, {90'600, measured}},
      {"consolidate", 500, {456'000, published}},
      {"steady", 5000, {2350, "KAI-Scheduler, field report of a cycle at 140 k pods"}},
      {"restart", 5000, {497'000, "Volcano, restart at 150 k pods, published"}}};
  for (const Row& row : rows) {
    if (row.name == name && row.nodes == nodes) return row.peer;
  }
  return std::nullopt;
}

}  // namespace muster::sim::bench
