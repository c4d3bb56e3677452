#pragma once
// GroupOf: which PodGroup a pod belongs to and what that group says (product rules 2.2.2 to 2.4). Pure. A pod that
// Muster's own controllers made belongs to its owner's group; a pod of another controller to one group per owner with
// minimum 1; a bare pod is a group of its own; a pod that names a group of its user's is left alone. A Training with
// parallelism is no gang unless kai.scheduler/batch-min-member says so (as a Kubernetes Job): its pods are independent.

#include <optional>
#include <string>

#include "base/json.h"

namespace muster::cluster {

// "pg-<owner name>-<owner uid>"
std::string pod_group_name(const std::string& owner_name, const std::string& owner_uid);

struct PodGroupWish {
  std::string name;
  bool is_users = false;  // the user made it: nothing is created or changed
  json::Value object;     // the PodGroup to create; null when is_users
};

// nullopt: the pod is not to be touched (kai.scheduler/skip-podgrouper, mirror pods). `namespace_queue`: the label
// runai/queue of the pod's namespace, "" when there is none.
std::optional<PodGroupWish> group_of(const json::Value& pod, const std::string& namespace_queue);

}  // namespace muster::cluster
