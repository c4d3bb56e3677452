#include "cluster/round/decode.h"

#include <doctest/doctest.h>

namespace muster::cluster {
namespace {

json::Value parse(std::string_view text) { return *json::parse(text); }

}  // namespace

TEST_CASE("a pod's requests are the sum of its containers, and a limit without a request is one") {
  const PodRow row =
      decode_pod(parse(R"({"metadata":{"name":"p","namespace":"n","uid":"u","annotations":{"pod-group-name":"g"}},
    "spec":{"schedulerName":"muster","containers":[
      {"resources":{"requests":{"cpu":"500m","memory":"1Gi"}}},
      {"resources":{"limits":{"cpu":2,"nvidia.com/gpu":"2","example.com/fpga":"1"}}}],
      "initContainers":[{"resources":{"requests":{"memory":"4Gi"}}}]}})"),
                 {"muster"});
  CHECK(row.pod.constraints.cpu == 2500);
  CHECK(row.pod.constraints.memory == (4LL << 30));
  CHECK(row.pod.constraints.extended.at("example.com/fpga") == 1);
  CHECK(row.pod.constraints.gpu.kind == model::GpuRequest::Kind::Whole);
  CHECK(row.pod.constraints.gpu.devices == 2);
  CHECK(row.pod.state == model::PodState::Pending);
  CHECK(row.pod.gang == "g");
  CHECK_FALSE(row.pod.foreign);
}

TEST_CASE("shares of GPUs are read from annotations, and what contradicts itself is a problem of that pod") {
  const auto gpu = [](std::string_view annotations, std::string_view limits = "{}") {
    return decode_gpu(parse(R"({"metadata":{"annotations":)" + std::string(annotations) +
                            R"(},"spec":{"containers":[{"resources":{"limits":)" + std::string(limits) + "}}]}}"));
  };
  CHECK(gpu(R"({"gpu-fraction":"0.5"})")->milli == 500);
  CHECK(gpu(R"({"gpu-fraction":"0.25","gpu-fraction-num-devices":"2"})")->devices == 2);
  CHECK(gpu(R"({"gpu-memory":"2000"})")->memory_mib == 2000);
  CHECK(gpu("{}", R"({"nvidia.com/mig-1g.10gb":"2"})")->mig.at("nvidia.com/mig-1g.10gb") == 2);
  for (const char* bad : {R"({"gpu-fraction":"1.5"})", R"({"gpu-fraction":"1"})", R"({"gpu-fraction":"0"})",
                          R"({"gpu-fraction":"x"})", R"({"gpu-memory":"2Gi"})", R"({"gpu-memory":"0"})",
                          R"({"gpu-fraction-num-devices":"2"})", R"({"gpu-fraction":"0.5","gpu-memory":"100"})"}) {
    CHECK_FALSE_MESSAGE(gpu(bad).has_value(), bad);
  }
  CHECK_FALSE(gpu(R"({"gpu-fraction":"0.5"})", R"({"nvidia.com/gpu":"1"})").has_value());
}

TEST_CASE("a pod's state follows its phase, its node and its deletion") {
  const auto state = [](std::string_view text) { return decode_pod(parse(text), {"muster"}).pod.state; };
  using model::PodState;
  CHECK(state(R"({"spec":{"schedulingGates":[{"name":"x"}]}})") == PodState::Gated);
  CHECK(state(R"({"spec":{"nodeName":"n"}})") == PodState::Bound);
  CHECK(state(R"({"spec":{"nodeName":"n"},"status":{"phase":"Running"}})") == PodState::Running);
  CHECK(state(R"({"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"},"spec":{"nodeName":"n"}})") ==
        PodState::Releasing);
  CHECK(state(R"({"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"},"status":{"phase":"Failed"}})") ==
        PodState::Failed);
  CHECK(decode_pod(parse(R"({"spec":{"schedulerName":"default-scheduler"}})"), {"muster"}).pod.foreign);
}

TEST_CASE("placement rules of a pod are read as Kubernetes means them") {
  const PodRow row = decode_pod(parse(R"({"spec":{
    "nodeSelector":{"a":"b"},
    "affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
      {"matchExpressions":[{"key":"zone","operator":"In","values":["x","y"]}]}]}},
      "podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[
        {"topologyKey":"kubernetes.io/hostname","labelSelector":{"matchLabels":{"app":"z"}}}]}},
    "tolerations":[{"key":"k","operator":"Exists"},{"key":"l","value":"v","effect":"NoSchedule"}],
    "topologySpreadConstraints":[{"topologyKey":"zone","maxSkew":2,"whenUnsatisfiable":"ScheduleAnyway"}],
    "containers":[{"ports":[{"hostPort":8080},{"containerPort":80}]}]}})"),
                                {});
  const model::Constraints& got = row.pod.constraints;
  CHECK(got.node_selector.at("a") == "b");
  REQUIRE(got.node_affinity.size() == 1);
  CHECK(got.node_affinity[0][0].values.size() == 2);
  CHECK(got.pod_anti_affinity[0].labels.at("app") == "z");
  CHECK(got.tolerations[0].op == "Exists");
  CHECK(got.tolerations[1].op == "Equal");
  CHECK_FALSE(got.spread[0].hard);
  CHECK(got.host_ports == std::vector<std::int32_t>{8080});
}

TEST_CASE("a node's devices come from its annotation, else from how many it offers") {
  const model::Node named = decode_node(parse(R"({"metadata":{"name":"n","annotations":{"muster.dev/node-devices":
    "[{\"uuid\":\"GPU-a\",\"memoryMib\":40960,\"healthy\":false}]"}},"status":{"allocatable":{"cpu":"64","memory":"8Gi","pods":"50"}}})"))
                                .node;
  REQUIRE(named.devices.size() == 1);
  CHECK(named.devices[0].uuid == "GPU-a");
  CHECK_FALSE(named.devices[0].healthy);
  CHECK(named.cpu == 64000);
  CHECK(named.pods == 50);
  const model::Node counted = decode_node(parse(R"({"metadata":{"name":"n","labels":{"nvidia.com/gpu.memory":"24576"}},
    "status":{"allocatable":{"nvidia.com/gpu":"2","nvidia.com/mig-1g.10gb":"3"},
              "conditions":[{"type":"Ready","status":"Unknown"}]}})"))
                                  .node;
  REQUIRE(counted.devices.size() == 2);
  CHECK(counted.devices[1].uuid == "n/1");
  CHECK(counted.devices[1].memory_mib == 24576);
  CHECK(counted.mig_instances.at("nvidia.com/mig-1g.10gb") == 3);
  CHECK_FALSE(counted.ready);
  CHECK(decode_node(parse(R"({"metadata":{"name":"plain"}})")).node.ready);
}

TEST_CASE("queues count GPUs in devices, CPU in milli-cores, memory in MB, and -1 is unlimited") {
  const model::Queue queue = decode_queue(parse(R"({"metadata":{"name":"q"},"spec":{"parentQueue":"d","resources":{
    "gpu":{"quota":1.5,"limit":-1,"overQuotaWeight":2},"cpu":{"quota":-1,"limit":4000},"memory":{"quota":1000},
    "classes":{"rdma/hca":{"quota":4,"limit":-1}}}}})"));
  CHECK(queue.classes.at("rdma/hca").quota == 4);
  CHECK_FALSE(queue.classes.at("rdma/hca").limit.has_value());
  CHECK(queue.gpu.quota == 1500);
  CHECK_FALSE(queue.gpu.limit.has_value());
  CHECK(queue.gpu.weight_milli == 2000);
  CHECK_FALSE(queue.cpu.quota.has_value());
  CHECK(queue.cpu.limit == 4000);
  CHECK(queue.memory.quota == 1'000'000'000);
  CHECK(queue.memory.limit == 0);
  CHECK(queue.parent == "d");
}

TEST_CASE("a pod group says its minimum, priority, delays and what was last done to it") {
  const model::Gang gang =
      decode_gang(parse(R"({"metadata":{"name":"g","namespace":"n","labels":{"kai.scheduler/node-pool":"a100"},
    "annotations":{"kai.scheduler/last-start-timestamp":"2026-01-01T00:00:00Z"}},
    "spec":{"queue":"q","minMember":4,"priorityClassName":"high","preemptibility":"preemptible","preemptionDelay":"90s",
            "topologyConstraint":{"topology":"t","requiredTopologyLevel":"rack"}}})"))
          .gang;
  CHECK(gang.min_member == 4);
  CHECK(gang.priority == 125);
  CHECK(gang.preemptibility == model::Preemptibility::Preemptible);
  CHECK(gang.preemption_delay == seconds(90));
  CHECK(gang.topology->required == "rack");
  CHECK(gang.pools == std::vector<std::string>{"a100"});
  CHECK(gang.last_start.has_value());
  CHECK(decode_gang(parse(R"({"spec":{"queue":"q"}})")).gang.min_member == 1);
  const model::Gang tree =
      decode_gang(parse(R"({"spec":{"queue":"q","minSubGroup":1,"subGroups":[{"name":"a","minMember":2}]}})")).gang;
  CHECK_FALSE(tree.min_member.has_value());
  CHECK(tree.sub_groups[0].min_member == 2);
}

TEST_CASE("granted devices are written and read back, and found by uuid when a node's order has changed") {
  const std::vector<model::Device> devices{{"GPU-a", 81920, true}, {"GPU-b", 40960, true}};
  const std::vector<Granted> granted = grant({{.index = 1, .milli = 500}}, devices);
  CHECK(granted[0].uuid == "GPU-b");
  CHECK(granted[0].memory_mib == 20480);
  CHECK(*read_granted(write_granted(granted)) == granted);
  CHECK(shares_of(granted, {devices[1], devices[0]})[0].index == 0);
  CHECK(shares_of(granted, {devices[0]}).empty());
  CHECK(gpus_text("sim-1", granted) == "sim-1/1:0.50");
  CHECK_FALSE(read_granted(R"([{"uuid":"x","milli":5000}])").has_value());
  CHECK_FALSE(read_granted("nonsense").has_value());
  CHECK(read_granted("")->empty());
}

}  // namespace muster::cluster
