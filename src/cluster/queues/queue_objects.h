#pragma once
// QueueObjects: which Namespace and Queues a Department or Project stands for (interface 6). Pure: objects in, objects
// out. GPU numbers are devices, CPU milli-cores, memory MB; -1 is unlimited.

#include <map>
#include <string>
#include <vector>

#include "base/json.h"

namespace muster::cluster {

// Queues of a Department, one per pool; `pools` are all node pools, `default` among them.
std::vector<json::Value> queues_of_department(const json::Value& department, const std::vector<std::string>& pools);
std::vector<json::Value> queues_of_project(const json::Value& project, const std::vector<std::string>& pools);
json::Value namespace_of_project_object(const json::Value& project);
// The sibling order that a REST rank name stands for; 100 for unknown names.
int rank_of(const std::string& name);

}  // namespace muster::cluster
