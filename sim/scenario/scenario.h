#pragma once
// Scenario: a scenario file with every default filled in, as the engine's nouns. Times are absolute; `scenario_now` is
// the moment at which a scenario begins.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "model/gang.h"
#include "model/node.h"
#include "model/pod.h"
#include "model/queue.h"
#include "model/verdict.h"
#include "sched/config.h"

namespace muster::sim {

inline constexpr Time scenario_now{1'767'225'600'000};  // 2026-01-01T00:00:00Z

struct Job {
  model::Gang gang;
  std::vector<model::Pod> pods;
  std::vector<std::vector<std::string>> gpu_groups;  // of each pod: labels of the devices it holds
  bool is_foreign = false;                           // pods of another scheduler only: no gang for the engine
};

struct Set {
  std::string what, field;  // "queue/team-a", "gpu.quota"
  json::Value to;
};

struct Step {
  std::int32_t round = 0;
  std::vector<model::Node> add_nodes;
  std::vector<model::Queue> add_queues;
  std::vector<Job> add_jobs;
  std::vector<std::string> remove_nodes, remove_queues, remove_jobs, remove_pods;
  std::vector<Set> sets;
  std::string pointer;  // where the step stands in the file
};

struct Run {
  std::optional<model::Action> action;
  std::int32_t rounds = 2;
  std::int32_t stable_rounds = 5;
  Duration per_round = seconds(1);
  std::vector<Step> steps;  // by round
};

struct ExpectPods {
  std::optional<model::PodState> state;
  std::vector<std::string> nodes;  // any of these; empty = not compared
  std::optional<std::int64_t> gpu_milli;
};

struct ExpectNode {
  std::optional<std::int64_t> idle_gpu_milli, releasing_gpu_milli;
};

struct Together {
  std::string label;
  std::vector<std::string> pods;
};

struct ExpectShare {
  std::optional<std::int64_t> gpu, cpu, memory;
};

struct ExpectVerdict {
  std::optional<model::Reason> reason;  // nullopt: does not wait
  std::optional<std::string> queue;
  std::map<std::string, double> numbers;
};

struct Expect {
  std::map<std::string, ExpectPods> pods, jobs;
  std::map<std::string, ExpectNode> nodes;
  std::vector<std::vector<std::string>> shared_gpus;
  std::vector<Together> together;
  std::optional<std::int32_t> binds, evictions, pipelines;
  std::map<std::string, ExpectShare> fair_share;
  std::map<std::string, ExpectVerdict> verdicts;
};

struct Scenario {
  std::string name, about;
  sched::Config config;
  std::vector<model::Node> nodes;
  std::vector<model::Queue> queues;
  std::vector<Job> jobs;
  Run run;
  Expect expect;
};

// "ns/name", the key of jobs and pods everywhere in sim.
std::string key_of(const std::string& ns, const std::string& name);

}  // namespace muster::sim
