// What an engine keeps from round to round changes no decision: at any time, one that is told the same world at once
// decides the same. MUSTER_KEPT_WORLDS says in how many random worlds.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "sim/fuzz/make_world.h"
#include "sim/fuzz/steps.h"
#include "sim/scenario/read.h"
#include "sim/show/picture.h"

namespace muster::sim::fuzz {
namespace {

using model::Decision;

// In the order of their texts: which of a round's decisions comes first may differ.
std::string text_of(const sched::Round& round) {
  std::vector<std::string> lines;
  for (const Decision& decision : round.decisions) {
    std::string& out = lines.emplace_back();
    out = fmt::format("  {} {} {} on {} for {}", to_text(decision.action), to_text(decision.kind), decision.pod,
                      decision.node, decision.for_gang);
    for (const model::DeviceShare& share : decision.devices) out += fmt::format(" {}:{}", share.index, share.milli);
    out += "\n";
  }
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}", fmt::join(lines, ""));
}

// The world as it is, to be told to a fresh engine.
Scenario snapshot(const World& world, const sched::Config& config) {
  Scenario out;
  out.config = config;
  for (const auto& [name, queue] : world.queues()) out.queues.push_back(queue);
  for (const auto& [name, node] : world.nodes()) out.nodes.push_back(node);
  for (const auto& [key, gang] : world.gangs()) {
    Job job{.gang = gang};
    for (const model::Pod* pod : world.pods_of(key)) job.pods.push_back(*pod);
    out.jobs.push_back(std::move(job));
  }
  return out;
}

bool has_nominations(const sched::Round& round) {
  return std::any_of(round.decisions.begin(), round.decisions.end(),
                     [](const Decision& decision) { return decision.kind == Decision::Kind::Nominate; });
}

// What the engine alone knows: nominations of the round before, the turn of a job's pools, since when a gang is stale.
bool is_private(const World& world, const sched::Round& kept, const sched::Round& fresh) {
  const auto stale = [](const Decision& decision) { return decision.action == model::Action::StaleGang; };
  const auto any_stale = [&](const sched::Round& round) {
    return std::any_of(round.decisions.begin(), round.decisions.end(), stale);
  };
  return any_stale(kept) || any_stale(fresh) ||
         std::any_of(world.gangs().begin(), world.gangs().end(),
                     [](const auto& entry) { return !entry.second.pools.empty(); });
}

TEST_CASE("an engine that is told everything at once decides the same") {
  const char* named = std::getenv("MUSTER_KEPT_WORLDS");
  const std::uint64_t worlds = named != nullptr ? std::strtoull(named, nullptr, 10) : 60;
  int compared = 0;
  for (std::uint64_t seed = 1; seed <= worlds; ++seed) {
    const Result<Scenario> scenario = read_scenario(json::write(json::encode(make_world(seed))));
    REQUIRE_MESSAGE(scenario.has_value(), scenario.error().text);
    Result<World> world = World::create(*scenario);
    REQUIRE(world.has_value());
    bool nominated = false;
    for (std::int32_t round = 1; round <= scenario->run.rounds + 4; ++round) {
      const Time now = scenario_now + scenario->run.per_round * (round - 1);
      for (const Step& step : scenario->run.steps) {
        if (step.round == round) REQUIRE(world->change(applicable(step, *world)).has_value());
      }
      Result<World> fresh = World::create(snapshot(*world, scenario->config));
      REQUIRE(fresh.has_value());
      const std::string before = picture_of(*world);
      const sched::Round kept = world->decide(now), again = fresh->decide(now);
      if (!nominated && !is_private(*world, kept, again)) {
        ++compared;
        CHECK_MESSAGE(text_of(kept) == text_of(again), fmt::format("seed {}, round {}\nkept:\n{}fresh:\n{}{}", seed,
                                                                   round, text_of(kept), text_of(again), before));
      }
      nominated = has_nominations(kept);
      REQUIRE(world->move_on(now).has_value());
    }
  }
  CHECK(compared > static_cast<int>(worlds));
}

}  // namespace
}  // namespace muster::sim::fuzz
