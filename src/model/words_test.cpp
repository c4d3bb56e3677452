#include <doctest/doctest.h>

#include <set>
#include <string>

#include "model/decision.h"
#include "model/names.h"
#include "model/phase.h"
#include "model/pod.h"
#include "model/priority.h"
#include "model/verdict.h"

namespace muster::model {
namespace {

template <class Enum>
void reads_back(int count) {
  std::set<std::string> seen;
  for (int i = 0; i < count; ++i) {
    const Enum value = static_cast<Enum>(i);
    Enum back{};
    REQUIRE(parse(to_text(value), back));
    CHECK(back == value);
    CHECK(seen.insert(std::string(to_text(value))).second);
  }
  Enum unchanged = static_cast<Enum>(1);
  CHECK_FALSE(parse("no such word", unchanged));
  CHECK(unchanged == static_cast<Enum>(1));
}

TEST_CASE("every phase, state, reason and action is read back from its word") {
  reads_back<Phase>(14);
  reads_back<PodState>(11);
  reads_back<Reason>(15);
  reads_back<Action>(5);
  CHECK(to_text(Action::StaleGang) == "stale-gang");
  CHECK(to_text(Decision::Kind::Nominate) == "nominate");
  CHECK(to_text(Reason::OverLimit) == "OverLimit");
}

TEST_CASE("only completed and failed workloads are over") {
  CHECK(is_final(Phase::Completed));
  CHECK(is_final(Phase::Failed));
  for (const Phase phase : {Phase::Stopped, Phase::Running, Phase::Unknown, Phase::Deleting})
    CHECK_FALSE(is_final(phase));
}

TEST_CASE("a pod that was decided for or is going away still holds what it got") {
  for (const PodState state : {PodState::Allocated, PodState::Binding, PodState::Bound, PodState::Running,
                               PodState::Releasing, PodState::StuckInReleasing})
    CHECK(holds_resources(state));
  for (const PodState state :
       {PodState::Pending, PodState::Gated, PodState::Pipelined, PodState::Succeeded, PodState::Failed})
    CHECK_FALSE(holds_resources(state));
}

TEST_CASE("names of namespaces and queues follow the project, the department and the pool") {
  CHECK(namespace_of_project("vision") == "runai-vision");
  CHECK(queue_of_project("vision", "default") == "vision");
  CHECK(queue_of_project("vision", "a100") == "vision--a100");
  CHECK(queue_of_department("research", "default") == "dept--research");
  CHECK(queue_of_department("research", "a100") == "dept--research--a100");
}

TEST_CASE("priority classes carry Run:ai's values and decide preemptibility below 100") {
  CHECK(priority_value("very-high") == 150);
  CHECK(priority_value("high") == 125);
  CHECK(priority_value("medium-high") == 90);
  CHECK(priority_value("medium") == 80);
  CHECK(priority_value("medium-low") == 65);
  CHECK(priority_value("low") == 40);
  CHECK(priority_value("very-low") == 25);
  CHECK(priority_value("train") == 50);
  CHECK(priority_value("build") == 100);
  CHECK(priority_value("inference") == 125);
  CHECK_FALSE(priority_value("urgent").has_value());
  CHECK(preemptibility_of(99) == Preemptibility::Preemptible);
  CHECK(preemptibility_of(100) == Preemptibility::NonPreemptible);
  for (const Preemptibility value :
       {Preemptibility::Preemptible, Preemptibility::NonPreemptible, Preemptibility::SemiPreemptible})
    CHECK(parse_preemptibility(to_text(value)) == value);
  CHECK_FALSE(parse_preemptibility("maybe").has_value());
}

}  // namespace
}  // namespace muster::model
