// The same problem told differently has the same answer: over random worlds and over the scenario files. Plain runs
// take 20 worlds and every sixth file; MUSTER_ALTERED_WORLDS names a number of worlds and takes every file.

#include "sim/fuzz/alter.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "sim/fuzz/make_world.h"
#include "sim/scenario/read.h"
#include "sim/test_paths.h"

namespace muster::sim::fuzz {
namespace {

// Every scenario with a name; the random ones are called by their seed.
void over_all(const std::function<void(const std::string&, const Scenario&)>& look) {
  const char* named = std::getenv("MUSTER_ALTERED_WORLDS");
  const std::uint64_t worlds = named != nullptr ? std::strtoull(named, nullptr, 10) : 20;
  for (std::uint64_t seed = 1; seed <= worlds; ++seed) {
    const Result<Scenario> scenario = read_scenario(json::write(json::encode(make_world(seed))));
    if (scenario.has_value()) look(fmt::format("seed {}", seed), *scenario);
  }
  const std::vector<std::string> files = files_below(repository() + "/scenarios");
  for (std::size_t i = 0; i < files.size(); i += named != nullptr ? 1 : 6) {
    const std::string& file = files[i];
    const Result<Scenario> scenario = read_scenario_file(file);
    if (scenario.has_value()) look(file.substr(file.find("/scenarios/") + 1), *scenario);
  }
}

std::string first_difference(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const std::string left = i < a.size() ? a[i] : "nothing", right = i < b.size() ? b[i] : "nothing";
    if (left != right) return fmt::format("\"{}\" and \"{}\"", left, right);
  }
  return "";
}

// Without the prefix that renaming put before each name.
std::vector<std::string> plain(std::vector<std::string> lines, char prefix) {
  for (std::string& line : lines) line.erase(std::remove(line.begin(), line.end(), prefix), line.end());
  return lines;
}

void expect_same(const std::string& name, const History& original, const History& altered) {
  const std::string decisions = first_difference(original.decisions, altered.decisions);
  CHECK_MESSAGE(decisions.empty(), fmt::format("{}: {}", name, decisions));
  if (!decisions.empty()) return;
  const std::string reasons = first_difference(original.reasons, altered.reasons);
  CHECK_MESSAGE(reasons.empty(), fmt::format("{}: {}", name, reasons));
}

TEST_SUITE_BEGIN("altered");

TEST_CASE("names do not matter as long as their order stays") {
  std::size_t decisions = 0;
  over_all([&](const std::string& name, const Scenario& scenario) {
    // "~" is in no name, and sorts behind all.
    History altered = history_of(renamed(scenario, "~"), true);
    altered.decisions = plain(altered.decisions, '~'), altered.reasons = plain(altered.reasons, '~');
    expect_same(name, history_of(scenario, true), altered);
    decisions += altered.decisions.size();
  });
  CHECK(decisions > 200);
}

TEST_CASE("the order of the lists does not matter") {
  Random random(21);
  over_all([&](const std::string& name, const Scenario& scenario) {
    expect_same(name, history_of(scenario, true), history_of(shuffled(scenario, random), true));
  });
}

TEST_CASE("a queue that nobody uses does not matter") {
  over_all([](const std::string& name, const Scenario& scenario) {
    expect_same(name, history_of(scenario, true), history_of(with_idle_queue(scenario), true));
  });
}

TEST_CASE("a node that can hold nothing does not matter") {
  over_all([](const std::string& name, const Scenario& scenario) {
    const History original = history_of(scenario, true);
    History altered = history_of(with_useless_node(scenario, Useless::Cordoned), true);
    altered.reasons = original.reasons;
    expect_same(name + " (cordoned)", original, altered);
    // Without predicates the number of pods on a node is not looked at.
    if (!scenario.config.predicates) return;
    altered = history_of(with_useless_node(scenario, Useless::Bare), true);
    altered.reasons = original.reasons;
    expect_same(name + " (bare)", original, altered);
  });
}

TEST_CASE("the unit in which memory and CPU are counted does not matter") {
  over_all([](const std::string& name, const Scenario& scenario) {
    const std::optional<Scenario> twice = doubled(scenario, false);
    if (twice) expect_same(name, history_of(scenario, true), history_of(*twice, true));
  });
}

// Surplus is given in whole GPUs, so shares need not double; as long as they do, decisions are the same.
TEST_CASE("twice the GPUs for twice the requests are decided alike") {
  int compared = 0;
  over_all([&](const std::string& name, const Scenario& scenario) {
    const std::optional<Scenario> twice = doubled(scenario, true);
    if (!twice) return;
    const History original = history_of(scenario, false), altered = history_of(*twice, false);
    std::vector<std::int64_t> expected = original.shares;
    for (std::int64_t& share : expected) share *= 2;
    if (altered.shares != expected) return;
    ++compared;
    expect_same(name, original, altered);
  });
  CHECK(compared > 20);
}

TEST_SUITE_END();

}  // namespace
}  // namespace muster::sim::fuzz
