#pragma once
// Batch: what of a job is placed next, as one step that succeeds or fails whole: what is missing to its minimum, or
// then one surplus pod or one optional sub-group.

#include <vector>

#include "sched/state/world.h"

namespace muster::sched::order {

struct Batch {
  std::vector<PodId> pods;        // in the order in which they are placed; a leaf's pods stand together
  bool core = false;              // brings the job to its minimum
  std::vector<GroupId> optional;  // sub-groups that were chosen where others could have been
  bool empty() const { return pods.empty(); }
};

// Empty when nothing can be placed: not enough pods, or none waits. `without`: sub-groups not to choose; `unlike`:
// shapes of surplus pods not to choose.
Batch next_batch(World& world, JobId j, const std::vector<GroupId>& without = {},
                 const std::vector<ShapeId>& unlike = {});

// Of a gang of which pods are missing: those that exist and wait, up to each leaf's minimum. Empty where a choice of
// sub-groups remains.
Batch existing_core(World& world, JobId j);

// Whether enough pods exist that are not gated; `needed` and `existing` say what the fullest unsatisfied leaf has.
struct Readiness {
  bool ready = true;
  bool gated = false;  // gates alone are in the way
  std::int32_t needed = 0, existing = 0, gated_pods = 0;
};
Readiness readiness(const World& world, JobId j);

// 0: below its minimum, 1: exactly at it, 2: above it.
int elasticity(const World& world, JobId j);

// Siblings of a gang's tree in the order in which they are served.
std::vector<GroupId> by_need(const World& world, const std::vector<GroupId>& children);

// What the pods ask of their queue while they wait.
model::Resources demand_of(const World& world, const std::vector<PodId>& pods);

}  // namespace muster::sched::order
