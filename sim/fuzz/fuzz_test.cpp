#include <doctest/doctest.h>

#include "sim/fuzz/hunt.h"
#include "sim/fuzz/make_world.h"
#include "sim/fuzz/rules.h"
#include "sim/scenario/read.h"

namespace muster::sim::fuzz {
namespace {

TEST_CASE("random worlds keep every rule") {
  std::uint64_t steps = 0;
  for (std::uint64_t seed = 1; steps < 6000; ++seed) {
    const Hunt found = hunt(make_world(seed));
    steps += found.steps;
    CAPTURE(seed);
    CHECK(found.finding == "");
  }
}

TEST_CASE("one seed makes one world, and every world can be read") {
  for (std::uint64_t seed = 1; seed < 60; ++seed) {
    const std::string text = json::write(json::encode(make_world(seed)));
    CHECK(text == json::write(json::encode(make_world(seed))));
    const Result<Scenario> scenario = read_scenario(text);
    REQUIRE_MESSAGE(scenario.has_value(), scenario.error().text);
    CHECK(World::create(*scenario).has_value());
  }
}

Result<World> world_of(std::string_view text) {
  Result<Scenario> scenario = read_scenario(text);
  REQUIRE_MESSAGE(scenario.has_value(), scenario.error().text);
  return World::create(*scenario);
}

constexpr std::string_view two_singles = R"({
  "nodes": [{"name": "n1", "gpus": 2}], "queues": [{"name": "a", "gpu": {"quota": 2, "limit": 2}}],
  "jobs": [{"name": "x", "queue": "a", "pods": [{"count": 2, "request": {"gpu": 1}}]}]})";

// The rules are tested on what an engine must not do: each decision is one that breaks a rule.
std::string check_decision(World& world, sched::Round round) {
  const Before before = remember(world);
  world.carry_out_for_test(round);
  return check_round(world, before, round, Depth::Full);
}

model::Decision bind(const char* pod, std::int32_t index) {
  return {
      .kind = model::Decision::Kind::Bind, .ns = "default", .pod = pod, .node = "n1", .devices = {{.index = index}}};
}

TEST_CASE("half a gang is found") {
  Result<World> world = world_of(two_singles);
  REQUIRE(world.has_value());
  CHECK(check_decision(*world, {.decisions = {bind("x-0", 0)}}).find("below its minimum") != std::string::npos);
}

TEST_CASE("a device that is given twice is found") {
  Result<World> world = world_of(two_singles);
  REQUIRE(world.has_value());
  const sched::Round round{.decisions = {bind("x-0", 0), bind("x-1", 0)}};
  world->carry_out_for_test(round);
  CHECK(check_capacity(*world) == "device 0 of node n1 is given 2000 thousandths");
}

TEST_CASE("a passed limit is found") {
  Result<World> world = world_of(R"({
    "nodes": [{"name": "n1", "gpus": 2}], "queues": [{"name": "a", "gpu": {"quota": 2, "limit": 1}}],
    "jobs": [{"name": "x", "queue": "a", "minMember": 0, "pods": [{"count": 2, "request": {"gpu": 1}}]}]})");
  REQUIRE(world.has_value());
  CHECK(check_decision(*world, {.decisions = {bind("x-0", 0), bind("x-1", 1)}}).find("over its limit") !=
        std::string::npos);
}

TEST_CASE("a victim that is not preemptible is found") {
  Result<World> world = world_of(R"({
    "nodes": [{"name": "n1", "gpus": 1}], "queues": [{"name": "a"}],
    "jobs": [{"name": "x", "queue": "a", "priority": 100, "pods": [{"state": "Running", "node": "n1", "request": {"gpu": 1}}]},
             {"name": "y", "queue": "a", "priority": 125, "pods": [{"request": {"gpu": 1}}]}]})");
  REQUIRE(world.has_value());
  const model::Decision evict{.kind = model::Decision::Kind::Evict,
                              .ns = "default",
                              .pod = "x-0",
                              .node = "n1",
                              .action = model::Action::Preempt,
                              .for_gang = "default/y"};
  CHECK(check_decision(*world, {.decisions = {evict}}).find("not preemptible") != std::string::npos);
}

}  // namespace
}  // namespace muster::sim::fuzz
