#include "sim/run/run_scenario.h"

#include <algorithm>

#include "sim/show/picture.h"

namespace muster::sim {
namespace {

// One run through a scenario; stops at the first comparison that fails.
class Course {
 public:
  Course(const Scenario& scenario, const Clock& clock, World& world, Outcome& outcome)
      : scenario_(scenario), clock_(clock), world_(world), outcome_(outcome) {}

  Result<void> single_action() {
    const std::int64_t begin = clock_.monotonic_us();
    const sched::Round round = world_.decide(*scenario_.run.action, scenario_now);
    TRY(count(round, begin));
    return note(compare(scenario_.expect, world_, verdicts_));
  }

  Result<void> cycles() {
    const Run& run = scenario_.run;
    const std::int32_t last_step = run.steps.empty() ? 0 : run.steps.back().round;
    // What a step sets off has as many rounds as the beginning has.
    const std::int32_t first = last_step > run.rounds ? last_step - 1 + run.rounds : run.rounds;
    if (first == 0) TRY(note(compare(scenario_.expect, world_, verdicts_)));
    for (std::int32_t round = 1; round <= first + run.stable_rounds && fine(); ++round) {
      TRY(cycle(round));
      if (round > first) TRY(note(compare(scenario_.expect, world_, verdicts_)));
      TRY(world_.move_on(now_of(round)));
      if (round == first) TRY(note(compare(scenario_.expect, world_, verdicts_)));
    }
    return {};
  }

 private:
  bool fine() const { return outcome_.differences.empty(); }
  Time now_of(std::int32_t round) const { return scenario_now + scenario_.run.per_round * (round - 1); }

  Result<void> cycle(std::int32_t round) {
    for (const Step& step : scenario_.run.steps) {
      if (step.round == round) TRY(world_.change(step));
    }
    const std::int64_t begin = clock_.monotonic_us();
    const sched::Round decided = world_.decide(now_of(round));
    return count(decided, begin);
  }

  Result<void> count(const sched::Round& round, std::int64_t begin) {
    outcome_.micros += clock_.monotonic_us() - begin;
    ++outcome_.rounds;
    verdicts_ = TRY(verdicts_of(scenario_.expect, world_));
    TRY(note(compare_counts(scenario_.expect, round)));
    if (outcome_.rounds == 1) TRY(note(compare_shares(scenario_.expect, world_)));
    const std::string broken = world_.engine().check_invariants();
    if (!broken.empty()) outcome_.differences.push_back({"/invariants", "", json::Value(broken)});
    return {};
  }

  Result<void> note(Result<std::vector<Difference>> found) {
    if (!found.has_value()) return found.error();
    outcome_.differences.insert(outcome_.differences.end(), found->begin(), found->end());
    return {};
  }

  const Scenario& scenario_;
  const Clock& clock_;
  World& world_;
  Outcome& outcome_;
  Verdicts verdicts_;  // of the last cycle
};

}  // namespace

Outcome run_scenario(const Scenario& scenario, const Clock& clock, bool draw) {
  Outcome outcome{.name = scenario.name};
  Result<World> world = World::create(scenario);
  if (!world.has_value()) {
    outcome.result = Outcome::Result::Error;
    outcome.error = world.error().text;
    return outcome;
  }
  const std::string before = draw ? picture_of(*world) : "";
  Course course(scenario, clock, *world, outcome);
  const Result<void> run = scenario.run.action ? course.single_action() : course.cycles();
  if (!run.has_value()) {
    outcome.result = Outcome::Result::Error;
    outcome.error = run.error().text;
  } else if (!outcome.differences.empty()) {
    outcome.result = Outcome::Result::Fail;
  }
  if (draw && outcome.result == Outcome::Result::Fail) outcome.before = before, outcome.after = picture_of(*world);
  return outcome;
}

}  // namespace muster::sim
