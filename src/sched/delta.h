#pragma once
// Delta: one change of the world as the engine is told of it. Upserts carry the whole noun; the engine works out what
// changed.

#include <string>
#include <variant>

#include "model/gang.h"
#include "model/node.h"
#include "model/pod.h"
#include "model/queue.h"
#include "sched/config.h"

namespace muster::sched {

struct SetConfig {
  Config config;
};
struct UpsertQueue {
  model::Queue queue;
};
struct RemoveQueue {
  std::string name;
};
struct UpsertNode {
  model::Node node;
};
struct RemoveNode {
  std::string name;
};
struct UpsertGang {
  model::Gang gang;
};
struct RemoveGang {
  std::string ns, name;
};
struct UpsertPod {
  model::Pod pod;
};
struct RemovePod {
  std::string ns, name;
};
// A decided bind could not be carried out: the pod goes back to Pending and its gang backs off (per gang and reason, 1
// s x 2^n, at most 5 min).
struct BindFailed {
  std::string ns, pod;
  std::string reason;
};

using Delta = std::variant<SetConfig, UpsertQueue, RemoveQueue, UpsertNode, RemoveNode, UpsertGang, RemoveGang,
                           UpsertPod, RemovePod, BindFailed>;

}  // namespace muster::sched
