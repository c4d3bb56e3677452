#include "sim/scenario/read.h"

#include <doctest/doctest.h>

namespace muster::sim {
namespace {

std::string error_of(std::string_view text) {
  const Result<Scenario> scenario = read_scenario(text);
  REQUIRE_FALSE(scenario.has_value());
  return scenario.error().text;
}

Scenario read(std::string_view text) {
  Result<Scenario> scenario = read_scenario(text);
  REQUIRE_MESSAGE(scenario.has_value(), scenario.error().text);
  return *scenario;
}

TEST_CASE("an unknown key is refused with its pointer and the nearest known key") {
  CHECK(error_of(R"({"nodes": [{"name": "n1", "gpuz": 2}]})") ==
        "/nodes/0/gpuz: unknown field \"gpuz\" (did you mean \"gpus\"?)");
  CHECK(error_of(R"({"expects": {}})").find("did you mean \"expect\"?") != std::string::npos);
}

TEST_CASE("errors name the place in the file") {
  CHECK(error_of(R"({"jobs": [{"name": "j", "queue": "q", "pods": [{"request": {"gpuFraction": 1.5}}]}]})")
            .starts_with("/jobs/0/pods/0/request/gpuFraction: "));
  CHECK(error_of(R"({"jobs": [{"name": "j", "queue": "q", "pods": [{"request": {"gpu": 1, "gpuFraction": 0.5}}]}]})")
            .starts_with("/jobs/0/pods/0/request: takes one of"));
  CHECK(error_of(R"({"queues": [{"name": "q", "gpu": {"quota": -1}}]})").starts_with("/queues/0/gpu/quota: "));
  CHECK(error_of(R"({"queues": [{"name": "q", "created": "yesterday"}]})").starts_with("/queues/0/created: "));
  CHECK(error_of(R"({"config": {"placement": {"gpu": "binpak"}}})").find("did you mean \"binpack\"?") !=
        std::string::npos);
  CHECK(error_of(R"({"nodes": [{"name": "a"}, {"name": "a"}]})").starts_with("/nodes/1/name: "));
  CHECK(error_of(R"({"jobs": [{"name": "j", "pods": [{}]}]})").starts_with("/jobs/0/queue: "));
}

TEST_CASE("queues and jobs are a minute apart, jobs after a stable sort by priority") {
  const Scenario s = read(R"({
    "queues": [{"name": "a"}, {"name": "b"}],
    "jobs": [{"name": "low", "queue": "a", "priority": 50}, {"name": "high", "queue": "a", "priority": 100},
             {"name": "low2", "queue": "a", "priority": 50}, {"name": "old", "queue": "a", "created": "-1h"}]})");
  CHECK(s.queues[0].created == scenario_now - minutes(2));
  CHECK(s.queues[1].created == scenario_now - minutes(1));
  CHECK(s.jobs[1].gang.created == scenario_now - minutes(4));  // high first
  CHECK(s.jobs[0].gang.created == scenario_now - minutes(3));
  CHECK(s.jobs[2].gang.created == scenario_now - minutes(2));
  CHECK(s.jobs[3].gang.created == scenario_now - hours(1));
}

TEST_CASE("pods are numbered through the entries of their job") {
  const Scenario s = read(R"({"jobs": [{"name": "j", "namespace": "ns", "queue": "q", "pods": [{"count": 2}, {}]}]})");
  REQUIRE(s.jobs[0].pods.size() == 3);
  CHECK(s.jobs[0].pods[2].uid == "ns/j-2");
}

TEST_CASE("a resource that a queue does not mention is unlimited with weight 1") {
  const Scenario s =
      read(R"({"queues": [{"name": "q", "gpu": {"quota": 2.5, "limit": 4, "weight": 0}, "cpu": {"quota": "500m"}}]})");
  CHECK(s.queues[0].gpu.quota == 2500);
  CHECK(s.queues[0].gpu.limit == 4000);
  CHECK(s.queues[0].gpu.weight_milli == 0);
  CHECK(s.queues[0].cpu.quota == 500);
  CHECK(s.queues[0].memory.quota == std::nullopt);
  CHECK(s.queues[0].memory.weight_milli == 1000);
}

TEST_CASE("equal labels on one node are one device, and nothing else sits on it") {
  const Scenario s = read(R"({
    "nodes": [{"name": "n", "gpus": 3}],
    "jobs": [{"name": "whole", "queue": "q", "pods": [{"state": "Running", "node": "n", "request": {"gpu": 1}}]},
             {"name": "a", "queue": "q", "pods": [{"state": "Running", "node": "n", "gpuGroups": ["0"], "request": {"gpuFraction": 0.5}}]},
             {"name": "b", "queue": "q", "pods": [{"state": "Running", "node": "n", "gpuGroups": ["0"], "request": {"gpuFraction": 0.25}}]},
             {"name": "c", "queue": "q", "pods": [{"state": "Running", "node": "n", "request": {"gpuFraction": 0.25}}]}]})");
  CHECK(s.jobs[1].pods[0].devices[0].index == 0);
  CHECK(s.jobs[2].pods[0].devices[0].index == 0);
  CHECK(s.jobs[0].pods[0].devices[0].index == 1);
  CHECK(s.jobs[3].pods[0].devices[0].index == 2);
}

TEST_CASE("more than a node has is refused") {
  CHECK(error_of(R"({"nodes": [{"name": "n", "gpus": 1}],
    "jobs": [{"name": "j", "queue": "q", "pods": [{"count": 2, "state": "Running", "node": "n", "request": {"gpu": 1}}]}]})")
            .find("no device left") != std::string::npos);
  CHECK(error_of(R"({"jobs": [{"name": "j", "queue": "q", "pods": [{"state": "Running", "node": "n"}]}]})")
            .find("not in nodes") != std::string::npos);
}

TEST_CASE("device memory is MiB or a quantity, and becomes a part of its device") {
  const Scenario s = read(R"({
    "nodes": [{"name": "n", "gpus": 1, "gpuMemory": 15360}],
    "jobs": [{"name": "j", "queue": "q", "pods": [{"state": "Running", "node": "n", "request": {"gpuMemory": "4Gi"}}]}]})");
  CHECK(s.jobs[0].pods[0].constraints.gpu.memory_mib == 4096);
  CHECK(s.jobs[0].pods[0].devices[0].milli == 270);
}

}  // namespace
}  // namespace muster::sim
