#pragma once
// The benchmark cases: each sets a stage of a size, runs, and says what was decided and how long it took.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sched/replay/log.h"

namespace muster::sim::bench {

struct Size {
  std::int64_t nodes = 0;
  std::optional<std::int64_t> pending;  // jobs that wait; nullopt: the case's own
};

struct Measured {
  std::vector<double> ms;  // of the whole case, or of each cycle
  std::int64_t gpus = 0, pods = 0, pending = 0;
  std::int64_t decisions = 0, evictions = 0;
  std::optional<std::int64_t> evictions_bound;  // fewest that can do
  std::int64_t rss_mib = 0;
};

struct Case {
  std::string name;
  std::string about;
  std::vector<std::int64_t> nodes;  // sizes where none are named
  Measured (*run)(const Size& size, const sched::replay::Recorder::Append& log);
};

const std::vector<Case>& cases();

struct Peer {
  double ms = 0;
  std::string source;
};
// The published figure of KAI-Scheduler for a case of this size.
std::optional<Peer> peer_of(const std::string& name, std::int64_t nodes);

}  // namespace muster::sim::bench
