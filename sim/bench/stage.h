#pragma once
// Stage: an engine with the world of a benchmark around it: nodes and jobs made in numbers, decisions carried out,
// engine time measured. Setting the stage is not measured unless a case says so.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "sched/engine.h"
#include "sched/replay/log.h"

namespace muster::sim::bench {

struct Counts {
  std::int64_t binds = 0, evictions = 0, nominations = 0;
  std::int64_t all() const { return binds + evictions + nominations; }
};

// What one job of a benchmark asks for.
struct Crew {
  std::string name, queue;
  std::int32_t pods = 1;
  std::int32_t gpus = 1;   // of each pod, whole devices
  std::int32_t milli = 0;  // instead: a share of one device
  std::int32_t priority = 50;
};

class Stage {
 public:
  Stage(sched::Config config, sched::replay::Recorder::Append log);

  void add(const model::Node& node);
  void add(const model::Queue& queue);
  // Waits.
  void add(const Crew& crew, Time created);
  // One pod that runs on the devices of `node` from `index` on.
  void add_running(const Crew& crew, Time created, const std::string& node, std::int32_t index);
  void add(const model::Gang& gang, const std::vector<model::Pod>& pods);
  void remove(const std::string& job);

  // One round and everything that comes of it: what was evicted waits again, what was bound runs. Engine time of the
  // round and of telling it what came of it is added up.
  sched::Round cycle(Time now);
  // Measures what `work` does to the engine.
  void timed(const std::function<void()>& work);

  double milliseconds() const { return static_cast<double>(micros_) / 1000; }
  void reset();
  const Counts& counts() const { return counts_; }
  const sched::Engine& engine() const { return engine_; }
  // Jobs of which a pod runs, in the order of their names.
  std::vector<std::string> running() const;

 private:
  // A pod in as few bytes as will do: memory is measured too.
  struct Member {
    std::uint32_t crew = 0;
    std::int32_t index = 0;
    bool runs = false;
  };
  void tell(const sched::Delta& delta);
  std::uint32_t keep(const Crew& crew, Time created);
  model::Pod pod_named(const std::string& name) const;
  // The pod as the decision leaves it: runs, or waits again.
  model::Pod carried_out(const model::Decision& decision);

  std::unique_ptr<sched::replay::Recorder> recorder_;
  sched::Engine engine_;
  std::vector<std::pair<Crew, Time>> crews_;
  std::unordered_map<std::string, std::uint32_t> jobs_;
  std::unordered_map<std::string, Member> pods_;
  std::unordered_map<std::string, model::Pod> others_;  // of gangs that are no crew
  std::int64_t micros_ = 0;
  Counts counts_;
};

model::Node node_of(const std::string& name, std::int32_t gpus);
model::Queue queue_of(const std::string& name, const std::string& parent, std::int64_t quota_gpus);
// Resident memory of this process.
std::int64_t resident_mib();

}  // namespace muster::sim::bench
