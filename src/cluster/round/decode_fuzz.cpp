// Any JSON, taken as each of the objects that the cluster's parts read: nothing may crash, and what comes out keeps its
// bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "cluster/group/group_of.h"
#include "cluster/link/facts.h"
#include "cluster/link/rows.h"
#include "cluster/queues/queue_objects.h"
#include "cluster/round/decode.h"
#include "cluster/workloads/pod_template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace muster;
  using namespace muster::cluster;
  const Result<json::Value> parsed = json::parse({reinterpret_cast<const char*>(bytes), size});
  if (!parsed) return 0;
  const json::Value& object = *parsed;
  const PodRow pod = decode_pod(object, {"muster"});
  CHECK(pod.pod.constraints.cpu >= 0 && pod.pod.constraints.memory >= 0, "amounts are not negative");
  for (const Granted& one : pod.granted) CHECK(one.milli > 0 && one.milli <= 1000, "a device is granted in part");
  const NodeRow node = decode_node(object);
  CHECK(shares_of(pod.granted, node.node.devices).size() <= pod.granted.size(),
        "devices that are not there are left out");
  decode_gang(object);
  decode_queue(object);
  decode_pool(object);
  group_of(object, "vision");
  queues_of_project(object, {"default", "a100"});
  queues_of_department(object, {"default"});
  const Training training = decode_training(object);
  const Settlement settlement = settle(training, {decode_attempt(object)}, Time{1'800'000'000'000});
  CHECK(settlement.create.size() <= static_cast<std::size_t>(training.parallelism), "no more pods than parallelism");
  if (const Result<json::Value> made = make_pod(object, {"p-0", 0, 0})) decode_pod(*made, {"muster"});
  const WorkloadRow workload = decode_workload(object);
  const LinkedPod linked = decode_linked_pod(object);
  workload_fact(workload, {&linked}, {}, nullptr, false);
  node_fact(decode_linked_node(object), {{&linked, Holder{}}}, {});
  queue_fact(decode_linked_queue(object));
  event_fact(object, "");
  return 0;
}
