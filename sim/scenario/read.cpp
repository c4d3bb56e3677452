#include "sim/scenario/read.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/file.h"
#include "sim/scenario/amounts.h"
#include "sim/scenario/nouns.h"
#include "sim/scenario/read_document.h"

namespace muster::sim {
namespace {

constexpr std::size_t most_bytes = 256U << 20;

// A job's age where the file names none: a minute apart after a stable sort by priority, highest first; the last one is
// a minute old.
std::vector<Time> ages_by_priority(const std::vector<document::Job>& jobs) {
  std::vector<std::size_t> order(jobs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return jobs[a].priority > jobs[b].priority; });
  std::vector<Time> created(jobs.size());
  for (std::size_t place = 0; place < order.size(); ++place) {
    created[order[place]] = scenario_now - minutes(static_cast<std::int64_t>(order.size() - place));
  }
  return created;
}

Result<void> read_nouns(const document::Scenario& file, Scenario& out) {
  for (std::size_t i = 0; i < file.nodes.size(); ++i) {
    out.nodes.push_back(TRY(read_node(file.nodes[i], out.config, "/nodes/" + std::to_string(i))));
  }
  for (std::size_t i = 0; i < file.queues.size(); ++i) {
    const Time created = scenario_now - minutes(static_cast<std::int64_t>(file.queues.size() - i));
    out.queues.push_back(TRY(read_queue(file.queues[i], scenario_now, created, "/queues/" + std::to_string(i))));
  }
  const std::vector<Time> ages = ages_by_priority(file.jobs);
  for (std::size_t i = 0; i < file.jobs.size(); ++i) {
    out.jobs.push_back(TRY(read_job(file.jobs[i], scenario_now, ages[i], "/jobs/" + std::to_string(i))));
  }
  return {};
}

// What arrives with a step is as old as its round; an earlier entry is older by a millisecond.
Result<Step> read_step(const document::Step& in, const Run& run, const sched::Config& config,
                       const std::string& pointer) {
  if (in.round < 1) return at_pointer("rounds count from 1", pointer + "/round");
  Step out{.round = in.round, .pointer = pointer};
  const Time now = scenario_now + run.per_round * (in.round - 1);
  const auto age = [&](std::size_t i, std::size_t count) {
    return now - milliseconds(static_cast<std::int64_t>(count - i));
  };
  for (std::size_t i = 0; i < in.add.nodes.size(); ++i) {
    out.add_nodes.push_back(TRY(read_node(in.add.nodes[i], config, pointer + "/add/nodes/" + std::to_string(i))));
  }
  for (std::size_t i = 0; i < in.add.queues.size(); ++i) {
    out.add_queues.push_back(TRY(read_queue(in.add.queues[i], scenario_now, age(i, in.add.queues.size()),
                                            pointer + "/add/queues/" + std::to_string(i))));
  }
  for (std::size_t i = 0; i < in.add.jobs.size(); ++i) {
    out.add_jobs.push_back(TRY(read_job(in.add.jobs[i], scenario_now, age(i, in.add.jobs.size()),
                                        pointer + "/add/jobs/" + std::to_string(i))));
  }
  out.remove_nodes = in.remove.nodes;
  out.remove_queues = in.remove.queues;
  out.remove_jobs = in.remove.jobs;
  out.remove_pods = in.remove.pods;
  for (const document::Set& set : in.set) out.sets.push_back({set.set, set.field, set.to});
  return out;
}

Result<Run> read_run(const document::Run& in, const sched::Config& config) {
  Run out;
  if (in.action) out.action = TRY(read_action(*in.action, "/run/action"));
  if (in.rounds < 0 || in.rounds > 1'000'000) return at_pointer("expected 0 to 1000000", "/run/rounds");
  if (in.stable_rounds < 0 || in.stable_rounds > 1'000'000) {
    return at_pointer("expected 0 to 1000000", "/run/stableRounds");
  }
  if (!(in.seconds_per_round >= 0) || in.seconds_per_round > 1e7) {
    return at_pointer("expected seconds", "/run/secondsPerRound");
  }
  out.rounds = in.rounds;
  out.stable_rounds = in.stable_rounds;
  out.per_round = milliseconds(milli_of(in.seconds_per_round));
  for (std::size_t i = 0; i < in.steps.size(); ++i) {
    out.steps.push_back(TRY(read_step(in.steps[i], out, config, "/run/steps/" + std::to_string(i))));
  }
  std::stable_sort(out.steps.begin(), out.steps.end(), [](const Step& a, const Step& b) { return a.round < b.round; });
  return out;
}

Result<void> refuse_doubles(const Scenario& scenario) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    if (!seen.insert(scenario.nodes[i].name).second) {
      return at_pointer("node \"" + scenario.nodes[i].name + "\" stands twice",
                        "/nodes/" + std::to_string(i) + "/name");
    }
  }
  seen.clear();
  for (std::size_t i = 0; i < scenario.queues.size(); ++i) {
    if (!seen.insert(scenario.queues[i].name).second) {
      return at_pointer("queue \"" + scenario.queues[i].name + "\" stands twice",
                        "/queues/" + std::to_string(i) + "/name");
    }
  }
  seen.clear();
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    if (!seen.insert(scenario.jobs[i].gang.uid).second) {
      return at_pointer("job \"" + scenario.jobs[i].gang.uid + "\" stands twice",
                        "/jobs/" + std::to_string(i) + "/name");
    }
  }
  return {};
}

}  // namespace

Result<Scenario> read_scenario(std::string_view text) {
  const json::Value value = TRY(json::parse(text, {.depth = 64, .bytes = most_bytes}));
  return read_document(TRY(json::decode<document::Scenario>(value, json::Unknown::Refuse)));
}

Result<Scenario> read_document(const document::Scenario& file) {
  Scenario out{.name = file.name, .about = file.about};
  out.config = TRY(read_config(file));
  TRY(read_nouns(file, out));
  TRY(refuse_doubles(out));
  TRY(seat_pods(out.nodes, {}, out.jobs));
  out.run = TRY(read_run(file.run, out.config));
  out.expect = TRY(read_expect(file.expect, "/expect"));
  return out;
}

Result<Scenario> read_scenario_file(const std::string& path) {
  const std::string text = TRY(read_file(path, most_bytes));
  return read_scenario(text).at(path);
}

}  // namespace muster::sim
