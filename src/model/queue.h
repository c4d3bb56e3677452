#pragma once
// Queue: what the scheduler knows of a department or project inside one node pool (product rule 1.2.3).

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"

namespace muster::model {

struct QueueResource {
  std::optional<std::int64_t> quota = 0;  // in the unit of Resources; nullopt = unlimited
  std::optional<std::int64_t> limit;      // nullopt = unlimited
  std::int64_t weight_milli = 1000;       // over-quota weight in thousandths; 0 = no claim above quota
  friend bool operator==(const QueueResource&, const QueueResource&) = default;
};

struct Queue {
  std::string name;
  std::string parent;  // "" = a top queue
  std::string display_name;
  std::string pool = "default";
  std::int32_t priority = 100;  // larger first, among siblings
  Time created;
  QueueResource gpu;
  QueueResource cpu{.quota = std::nullopt};
  QueueResource memory{.quota = std::nullopt};
  // Named resource classes: other resources that pods ask for ("rdma/hca", "nvidia.com/mig-1g.10gb"), in units. One
  // that is not named here is unlimited.
  std::map<std::string, QueueResource> classes;
  std::optional<Duration> preempt_min_runtime;  // nullopt = inherit
  std::optional<Duration> reclaim_min_runtime;
  // Time-based fair share: used share of the cluster in the window, in thousandths (product rule 1.13).
  std::int64_t usage_gpu_milli = 0;
  friend bool operator==(const Queue&, const Queue&) = default;
};

}  // namespace muster::model
