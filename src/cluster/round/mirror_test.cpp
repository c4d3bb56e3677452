#include "cluster/round/mirror.h"

#include <doctest/doctest.h>

namespace muster::cluster {
namespace {

const Time now{1'000'000};

NodeRow node(const std::string& name, int gpus) {
  NodeRow row;
  row.node.name = name;
  for (int i = 0; i < gpus; ++i) row.node.devices.push_back({name + "-" + std::to_string(i), 81920, true});
  return row;
}

GangRow gang(const std::string& name) {
  GangRow row;
  row.gang.ns = "n";
  row.gang.name = name;
  row.gang.uid = name + "-uid";
  row.gang.queue = "q";
  row.gang.min_member = 1;
  return row;
}

PodRow pod(const std::string& name, const std::string& of_gang, const std::string& on = "") {
  PodRow row;
  row.pod.ns = "n";
  row.pod.name = name;
  row.pod.uid = name + "-uid";
  row.pod.gang = of_gang;
  row.pod.node = on;
  row.pod.state = on.empty() ? model::PodState::Pending : model::PodState::Running;
  row.pod.constraints.gpu = {.kind = model::GpuRequest::Kind::Whole, .devices = 1, .milli = 1000};
  return row;
}

const model::Pod* last_pod(const std::vector<sched::Delta>& deltas) {
  const model::Pod* found = nullptr;
  for (const sched::Delta& delta : deltas) {
    if (const auto* upsert = std::get_if<sched::UpsertPod>(&delta)) found = &upsert->pod;
  }
  return found;
}

model::Decision bind_of(const std::string& name) {
  return {.kind = model::Decision::Kind::Bind, .ns = "n", .pod = name, .node = "a", .devices = {{.index = 0}}};
}

}  // namespace

TEST_CASE("a pod waits for its gang and its node, in whatever order the objects come") {
  Mirror mirror;
  PodRow bound = pod("p", "g", "a");
  bound.granted = {{"a-1", 1, 1000, 0}};
  mirror.upsert_pod(bound);
  CHECK(mirror.take().empty());
  mirror.upsert_gang(gang("g"), now);
  CHECK(mirror.take().size() == 1);
  mirror.upsert_node(node("a", 2));
  const std::vector<sched::Delta> deltas = mirror.take();
  REQUIRE(deltas.size() == 2);
  CHECK(std::holds_alternative<sched::UpsertNode>(deltas[0]));
  CHECK(last_pod(deltas)->devices == std::vector<model::DeviceShare>{{.index = 1}});
  // The node goes: its pods go first.
  mirror.remove_node("a");
  const std::vector<sched::Delta> gone = mirror.take();
  REQUIRE(gone.size() == 2);
  CHECK(std::holds_alternative<sched::RemovePod>(gone[0]));
}

TEST_CASE("what changes nothing that the scheduler looks at is not told") {
  Mirror mirror;
  mirror.upsert_node(node("a", 1));
  mirror.upsert_gang(gang("g"), now);
  mirror.upsert_pod(pod("p", "g"));
  mirror.take();
  PodRow again = pod("p", "g");
  again.resource_version = "17";
  again.is_unschedulable = true;
  mirror.upsert_pod(again);
  mirror.upsert_node(node("a", 1));
  mirror.upsert_gang(gang("g"), now);
  CHECK(mirror.take().empty());
}

TEST_CASE("a late event does not undo a decided bind, and a failed one gives the place back") {
  Mirror mirror;
  mirror.upsert_node(node("a", 1));
  mirror.upsert_gang(gang("g"), now);
  mirror.upsert_pod(pod("p", "g"));
  mirror.take();
  mirror.began_bind(bind_of("p"), now);
  mirror.take();
  PodRow late = pod("p", "g");
  late.pod.labels["x"] = "y";
  mirror.upsert_pod(late);
  const std::vector<sched::Delta> told = mirror.take();
  REQUIRE(last_pod(told) != nullptr);
  CHECK(last_pod(told)->state == model::PodState::Binding);
  CHECK(last_pod(told)->node == "a");
  mirror.bind_failed("n", "p", "another-uid", "no");
  CHECK(mirror.take().empty());
  mirror.bind_failed("n", "p", "p-uid", "no");
  const std::vector<sched::Delta> failed = mirror.take();
  REQUIRE(failed.size() == 1);
  CHECK(std::get<sched::BindFailed>(failed[0]).pod == "p");
}

TEST_CASE("an eviction stays in force until the pod is going, has ended or the write failed") {
  Mirror mirror;
  mirror.upsert_node(node("a", 1));
  mirror.upsert_gang(gang("g"), now);
  mirror.upsert_pod(pod("p", "g", "a"));
  mirror.take();
  mirror.began_eviction({.kind = model::Decision::Kind::Evict, .ns = "n", .pod = "p"}, now);
  CHECK(mirror.gang("n/g")->gang.last_evicted == now);
  mirror.take();
  PodRow again = pod("p", "g", "a");
  again.pod.labels["x"] = "y";
  mirror.upsert_pod(again);
  CHECK(last_pod(mirror.take())->state == model::PodState::Releasing);
  mirror.eviction_failed("n", "p", "p-uid");
  CHECK(last_pod(mirror.take())->state == model::PodState::Running);
}

TEST_CASE("a pod made anew under the same name is another pod") {
  Mirror mirror;
  mirror.upsert_node(node("a", 1));
  mirror.upsert_gang(gang("g"), now);
  mirror.upsert_pod(pod("p", "g", "a"));
  mirror.take();
  PodRow anew = pod("p", "g");
  anew.pod.uid = "another";
  mirror.upsert_pod(anew);
  const std::vector<sched::Delta> deltas = mirror.take();
  REQUIRE(deltas.size() == 2);
  CHECK(std::holds_alternative<sched::RemovePod>(deltas[0]));
  CHECK(last_pod(deltas)->state == model::PodState::Pending);
}

TEST_CASE("a foreign pod that does not say which GPUs it holds is given free ones, and keeps them") {
  Mirror mirror;
  mirror.upsert_node(node("a", 3));
  mirror.upsert_gang(gang("g"), now);
  PodRow ours = pod("ours", "g", "a");
  ours.granted = {{"a-2", 2, 1000, 0}};
  mirror.upsert_pod(ours);
  PodRow theirs = pod("theirs", "", "a");
  theirs.pod.foreign = true;
  mirror.upsert_pod(theirs);
  CHECK(last_pod(mirror.take())->devices == std::vector<model::DeviceShare>{{.index = 1}});
  theirs.pod.labels["x"] = "y";
  mirror.upsert_pod(theirs);
  CHECK(last_pod(mirror.take())->devices == std::vector<model::DeviceShare>{{.index = 1}});
}

TEST_CASE("a pod with a contradiction in its GPU request is not offered to the scheduler") {
  Mirror mirror;
  mirror.upsert_gang(gang("g"), now);
  mirror.take();
  PodRow bad = pod("p", "g");
  bad.problem = "gpu-fraction and gpu-memory exclude each other";
  mirror.upsert_pod(bad);
  CHECK(mirror.take().empty());
}

TEST_CASE("topologies come and go without a word about pools") {
  Mirror mirror;
  mirror.upsert_pool({.name = "a100", .label_key = "gpu", .label_value = "a100"});
  mirror.take();
  mirror.upsert_topology({.name = "dc", .levels = {"zone", "rack"}});
  std::vector<sched::Delta> deltas = mirror.take();
  REQUIRE(deltas.size() == 1);
  const sched::Config& config = std::get<sched::SetConfig>(deltas[0]).config;
  REQUIRE(config.topologies.size() == 1);
  CHECK(config.topologies[0].levels == std::vector<std::string>{"zone", "rack"});
  CHECK(config.pools.size() == 1);
  mirror.remove_topology("dc");
  mirror.remove_topology("never");
  deltas = mirror.take();
  REQUIRE(deltas.size() == 1);
  CHECK(std::get<sched::SetConfig>(deltas[0]).config.topologies.empty());
}

TEST_CASE("nodes change pools when a pool's label appears") {
  Mirror mirror;
  NodeRow row = node("a", 1);
  row.node.labels["gpu"] = "a100";
  mirror.upsert_node(row);
  mirror.take();
  mirror.upsert_pool({.name = "a100", .label_key = "gpu", .label_value = "a100"});
  const std::vector<sched::Delta> deltas = mirror.take();
  REQUIRE(deltas.size() == 2);
  CHECK(std::get<sched::SetConfig>(deltas[0]).config.pools.size() == 1);
  CHECK(std::get<sched::UpsertNode>(deltas[1]).node.pool == "a100");
}

}  // namespace muster::cluster
