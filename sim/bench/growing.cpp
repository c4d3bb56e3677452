#include "sim/bench/growing.h"

#include <algorithm>

#include "sim/bench/scenery.h"
#include "sim/random/random.h"

namespace muster::sim::bench {
namespace {

constexpr int events = 50;

std::int64_t waiting_of(const Size& size) { return size.pending.value_or(size.nodes * 10); }
std::int64_t queues_of(std::int64_t pending) { return std::clamp<std::int64_t>(pending / 100, 10, 1000); }

// Five devices of eight are busy, with shares and jobs of one to four devices in turns.
std::int64_t keep_busy(Stage& stage, std::int64_t nodes, std::int64_t queues) {
  struct Part {
    std::int32_t index, gpus, milli;
  };
  static const std::vector<std::vector<Part>> mixes = {
      {{0, 4, 0}, {4, 1, 0}},
      {{0, 1, 0}, {1, 1, 0}, {2, 1, 0}, {3, 1, 0}, {4, 1, 0}},
      {{0, 1, 500}, {0, 1, 500}, {1, 1, 500}, {1, 1, 250}, {2, 1, 0}, {3, 2, 0}},
      {{0, 2, 0}, {2, 2, 0}, {4, 1, 0}}};
  std::int64_t jobs = 0;
  for (std::int64_t n = 0; n < nodes; ++n) {
    for (const Part& part : mixes[static_cast<std::size_t>(n % 4)]) {
      stage.add_running({.name = numbered("old-", jobs),
                         .queue = numbered("q-", jobs % queues),
                         .gpus = part.gpus,
                         .milli = part.milli},
                        before(jobs), numbered("n", n), part.index);
      ++jobs;
    }
  }
  return jobs;
}

// Mostly small jobs, some of a node, few gangs of up to 512 pods.
void add_waiting(Stage& stage, std::int64_t pending, std::int64_t queues) {
  for (std::int64_t j = 0; j < pending; ++j) {
    Crew crew{.name = numbered("wait-", j), .queue = numbered("q-", j % queues)};
    const std::int64_t kind = j % 10;
    if (kind == 6) crew.milli = 500;
    if (kind == 7) crew.gpus = 8;
    if (kind == 8) crew.pods = 4, crew.gpus = 4;
    if (kind == 9) crew.pods = 8, crew.gpus = 8;
    if (j % 1000 == 999) crew.pods = 64, crew.gpus = 8;
    if (j % 10'000 == 9999) crew.pods = 512, crew.gpus = 1;
    stage.add(crew, before(1'000'000 + j));
  }
}

// The plan's P8: 60 % busy, many that wait.
std::int64_t set_mix(Stage& stage, const Size& size, std::int64_t pending) {
  add_nodes(stage, size.nodes);
  const std::int64_t queues = queues_of(pending);
  for (std::int64_t q = 0; q < queues; ++q)
    stage.add(queue_of(numbered("q-", q), "", std::max<std::int64_t>(1, size.nodes * per_node / queues)));
  const std::int64_t pods = keep_busy(stage, size.nodes, queues);
  add_waiting(stage, pending, queues);
  return pods;
}

Measured of_many(const Size& size, std::vector<double> ms, std::int64_t pods, std::int64_t pending) {
  Measured out;
  out.ms = std::move(ms);
  out.gpus = size.nodes * per_node;
  out.pods = pods;
  out.pending = pending;
  out.rss_mib = resident_mib();
  return out;
}

Measured pass(const Size& size, const Log& log) {
  Stage stage({}, log);
  const std::int64_t pending = waiting_of(size), pods = set_mix(stage, size, pending);
  stage.cycle(begin);
  return finish(stage, size, pods, pending);
}

// A job ends; the round after it.
Measured event(const Size& size, const Log& log) {
  Stage stage({}, log);
  const std::int64_t pending = waiting_of(size), pods = set_mix(stage, size, pending);
  come_to_rest(stage);
  Random random(1);
  std::vector<std::string> running = stage.running();
  std::vector<double> ms;
  for (int i = 0; i < events && !running.empty(); ++i) {
    const std::size_t gone = random.below(running.size());
    stage.reset();
    stage.timed([&] { stage.remove(running[gone]); });
    running[gone] = running.back();
    running.pop_back();
    for (const model::Decision& d : stage.cycle(begin + seconds(i)).decisions)
      std::erase(running, d.pod.substr(0, d.pod.rfind('-')));
    ms.push_back(stage.milliseconds());
  }
  return of_many(size, std::move(ms), pods, pending);
}

Measured gang_64(const Size& size, const Log& log) {
  Stage stage({}, log);
  const std::int64_t pods = set_mix(stage, size, 0);
  stage.cycle(begin);
  stage.reset();
  stage.add({.name = "gang", .queue = "q-0", .pods = 64}, begin);
  stage.cycle(begin + seconds(1));
  return finish(stage, size, pods, 1);
}

Measured reclaim_64(const Size& size, const Log& log) {
  Stage stage({}, log);
  add_nodes(stage, size.nodes);
  stage.add(queue_of("a", "", size.nodes * per_node - 64));
  stage.add(queue_of("b", "", 64));
  fill_with_singles(stage, size.nodes, "a");
  stage.cycle(begin);
  stage.reset();
  stage.add({.name = "back", .queue = "b", .pods = 8, .gpus = per_node}, begin);
  run_out(stage);
  Measured out = finish(stage, size, size.nodes * per_node, 1);
  out.evictions_bound = 64;
  return out;
}

// P4 a: gangs of four, each in one of fifty racks.
Measured racks(const Size& size, const Log& log) {
  sched::Config config;
  config.topologies = {{"dc", {"rack", "kubernetes.io/hostname"}}};
  Stage stage(config, log);
  for (std::int64_t n = 0; n < size.nodes; ++n) {
    model::Node node = node_of(numbered("n", n), per_node);
    node.labels["rack"] = numbered("r", n * 50 / size.nodes);
    stage.add(node);
  }
  stage.add(queue_of("a", "", size.nodes * per_node));
  const std::int64_t gangs = size.pending.value_or(750);
  for (std::int64_t g = 0; g < gangs; ++g) {
    model::Gang gang{.name = numbered("gang-", g), .uid = numbered("gang-", g), .queue = "a"};
    gang.created = before(g);
    gang.topology = model::TopologyConstraint{.topology = "dc", .required = "rack"};
    std::vector<model::Pod> pods;
    for (std::int64_t p = 0; p < 4; ++p) {
      model::Pod pod{.name = gang.name + "-" + std::to_string(p), .gang = gang.name};
      pod.uid = pod.name;
      pod.created = gang.created;
      pod.constraints.cpu = 1000;
      pod.constraints.gpu = {.kind = model::GpuRequest::Kind::Whole, .devices = 1, .milli = 1000};
      pods.push_back(pod);
    }
    stage.add(gang, pods);
  }
  run_out(stage);
  return finish(stage, size, gangs * 4, gangs);
}

// P6: a cluster that is full to 95 %, jobs that cannot fit, and a hundred one-GPU jobs that can, one by one.
Measured unfit(const Size& size, const Log& log) {
  Stage stage({}, log);
  add_nodes(stage, size.nodes);
  const std::int64_t pending = size.pending.value_or(1000);
  constexpr std::int64_t queues = 100;
  for (std::int64_t q = 0; q < queues; ++q) stage.add(queue_of(numbered("q-", q), "", size.nodes * per_node / queues));
  std::int64_t busy = 0;
  for (std::int64_t n = 0; n < size.nodes; ++n) {
    // One device is free on two nodes of five.
    const std::int32_t devices = n % 5 < 2 ? per_node - 1 : per_node;
    for (std::int32_t g = 0; g < devices; ++g, ++busy)
      stage.add_running({.name = numbered("old-", busy), .queue = numbered("q-", busy % queues)}, before(busy),
                        numbered("n", n), g);
  }
  for (std::int64_t j = 0; j < pending; ++j) {
    // More than a node has, or more nodes than could be emptied.
    Crew crew{.name = numbered("wait-", j), .queue = numbered("q-", j % queues), .gpus = per_node};
    if (j % 2 == 0) crew.gpus = static_cast<std::int32_t>(9 + j / 2 % 10);
    if (j % 2 == 1) crew.pods = 3;
    stage.add(crew, before(busy + j));
  }
  come_to_rest(stage);
  std::vector<double> ms;
  for (int i = 0; i < 2 * events; ++i) {
    stage.reset();
    stage.timed([&] { stage.add({.name = numbered("new-", i), .queue = numbered("q-", i % queues)}, begin); });
    stage.cycle(begin + milliseconds(10 * i));
    ms.push_back(stage.milliseconds());
  }
  return of_many(size, std::move(ms), busy, pending);
}

// The reason with its remedies, for jobs of every sort.
Measured why(const Size& size, const Log& log) {
  Stage stage({}, log);
  const std::int64_t pending = size.pending.value_or(size.nodes * 10);
  crowd(stage, size.nodes, size.nodes * 20, pending);
  come_to_rest(stage);
  std::vector<double> ms;
  for (std::int64_t i = 0; i < 2 * events; ++i) {
    const std::string job =
        "default/" + numbered("wait-", i * std::max<std::int64_t>(1, pending / (2 * events)) + i % 7);
    stage.reset();
    bool waits = false;
    stage.timed([&] { waits = stage.engine().why(job, begin).has_value(); });
    if (waits) ms.push_back(stage.milliseconds());
  }
  if (ms.empty()) ms.push_back(0);
  return of_many(size, std::move(ms), size.nodes * 20, pending);
}

}  // namespace

const std::vector<Case>& growing_cases() {
  static const std::vector<Case> all = {{"racks", "750 gangs of four, each in one of 50 racks", {5000}, racks},
                                        {"unfit", "a job that fits among many that cannot", {5000}, unfit},
                                        {"pass", "the first round over all that wait", {1000}, pass},
                                        {"event", "a job ends", {1000}, event},
                                        {"gang-64", "a gang of 64 on a cluster that is 60 % busy", {1000}, gang_64},
                                        {"reclaim-64", "64 devices by a gang of eight nodes", {1000}, reclaim_64},
                                        {"why", "a reason with its remedies", {10'000}, why}};
  return all;
}

}  // namespace muster::sim::bench
