#pragma once
// Facts: rows -> the words of docs/line.md. Pure.

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "cluster/link/rows.h"
#include "model/verdict.h"

namespace muster::cluster {

// Who holds a part of a device, or is next on one.
struct Holder {
  std::string workload_id, workload, project, pod;
  bool over_quota = false, leaving = false;
};

json::Value verdict_json(const model::Verdict& verdict);
json::Value workload_fact(const WorkloadRow& row, const std::vector<const LinkedPod*>& pods,
                          const std::map<std::string, LinkedNode>& nodes, const model::Verdict* verdict,
                          bool over_quota);
json::Value queue_fact(const LinkedQueue& row);
// `pods`: those that hold resources of the node, each with who it is. `next`: device index -> who is nominated.
json::Value node_fact(const LinkedNode& row, const std::vector<std::pair<const LinkedPod*, Holder>>& pods,
                      const std::map<std::int32_t, Holder>& next);
// An Event object; `workload_id` "" = of no workload.
json::Value event_fact(const json::Value& event, const std::string& workload_id);

// GPU thousandths that a pod holds or would hold on devices of that size.
std::int64_t held_milli(const LinkedPod& pod);

}  // namespace muster::cluster
