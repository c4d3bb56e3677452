#pragma once
// What REST shows of departments, projects, nodes, pools and the cluster. All of it reads the tables: the caller holds
// their lock.

#include "base/json.h"
#include "control/plane.h"

namespace muster::control {

// Run:ai's Project and Department.
json::Value project_json(const Plane& plane, const Project& project);
json::Value department_json(const Plane& plane, const Department& department);
// Ours: GET /api/muster/v1/projects.
json::Value share_json(const Plane& plane, const Project& project);
// Run:ai's Node of a node fact.
json::Value node_json(const Plane& plane, const json::Value& fact);
json::Value pool_json(const Plane& plane);
json::Value cluster_json(const Plane& plane);

// GPUs that non-preemptible workloads hold now.
double held_without_preemption(const Plane& plane, const std::string& queue);
double allocated_gpus(const Plane& plane, const std::string& queue);

}  // namespace muster::control
