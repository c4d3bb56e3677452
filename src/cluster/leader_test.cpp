#include "cluster/leader.h"

#include <doctest/doctest.h>

#include <stop_token>

#include "cluster/link/downward.h"
#include "cluster/test_machine.h"
#include "kube/local/store.h"

namespace muster::cluster {
namespace {

std::unique_ptr<kube::LocalApi> cluster_in_memory() { return *kube::LocalApi::open({.path = ":memory:"}); }

Leader::Options named(const std::string& identity) {
  return {.identity = identity, .duration = seconds(2), .renew_every = milliseconds(50)};
}

}  // namespace

TEST_CASE("one process leads; another takes over when it lets go") {
  const auto api = cluster_in_memory();
  Leader first(*api, system_clock(), named("elsewhere/1/2/3"));
  std::stop_source stop;
  REQUIRE(first.acquire(stop.get_token()).has_value());
  first.keep([] {});
  Leader second(*api, system_clock(), named("elsewhere/4/5/6"));
  std::jthread later([&] {
    sleep_until(std::stop_token(), Deadline::in(milliseconds(300)));
    stop.request_stop();
  });
  CHECK_FALSE(second.acquire(stop.get_token()).has_value());
  first.release();
  CHECK(second.acquire(std::stop_token()).has_value());
}

TEST_CASE("a leader of this machine that was killed is replaced at once") {
  const auto api = cluster_in_memory();
  const std::string mine = process_identity();
  CHECK(may_be_alive(mine));
  const std::string dead = mine.substr(0, mine.rfind('/')) + "/1";
  CHECK_FALSE(may_be_alive(dead));
  CHECK(may_be_alive("another-host/1/2/3"));
  Leader first(*api, system_clock(), named(dead));
  REQUIRE(first.acquire(std::stop_token()).has_value());
  Leader second(*api, system_clock(), named(mine));
  const std::int64_t began = system_clock().monotonic_ms();
  REQUIRE(second.acquire(std::stop_token()).has_value());
  CHECK(system_clock().monotonic_ms() - began < 1000);
}

TEST_CASE("a leader whose lease another has taken is told that it lost") {
  const auto api = cluster_in_memory();
  Leader first(*api, system_clock(), named("elsewhere/1/2/3"));
  REQUIRE(first.acquire(std::stop_token()).has_value());
  Mutex mutex;
  bool lost = false;
  first.keep([&] {
    Lock lock(mutex);
    lost = true;
  });
  ignore(api->patch(kube::kinds::lease, {"muster-system", "muster-cluster"},
                    json::Object{{"spec", json::Object{{"holderIdentity", "usurper"}}}}),
         "the check below tells");
  CHECK(eventually([&] {
    Lock lock(mutex);
    return lost;
  }));
}

TEST_CASE("what a later removal undoes is not applied after a crash") {
  const auto change = [](const std::string& name, bool remove) {
    return model::Desired{.kind = "Training", .ns = "n", .name = name, .remove = remove};
  };
  std::vector<model::Desired> changes{change("a", false), change("b", false), change("a", true), change("a", false)};
  drop_undone(changes);
  REQUIRE(changes.size() == 3);
  CHECK(changes[0].name == "b");
  CHECK(changes[1].remove);
  CHECK_FALSE(changes[2].remove);
}

TEST_CASE("a change that the cluster refuses is told upward and does not block the line") {
  TestMachine machine(1);
  machine.start();
  machine.project("vision", 1);
  json::Object bad = one_gpu();
  bad["completions"] = "many";
  machine.training("vision", "bad", std::move(bad));
  machine.training("vision", "good", one_gpu(20));
  CHECK(eventually([&] { return machine.phase("good") == "Completed"; }));
  CHECK(machine.phase("bad") == "Failed");
  CHECK(json::text_or(machine.workload("bad"), "/phaseReason") == "Refused");
  MESSAGE(json::text_or(machine.workload("bad"), "/phaseMessage"));
  CHECK(machine.control.applied_up_to() == machine.sequence);
}

TEST_CASE("a spec that cannot become a pod fails with the reason") {
  TestMachine machine(1);
  machine.start();
  machine.project("vision", 1);
  json::Object bad = one_gpu();
  bad["command"] = "echo 'open";
  machine.training("vision", "bad", std::move(bad));
  REQUIRE(eventually([&] { return machine.phase("bad") == "Failed"; }));
  CHECK(json::text_or(machine.workload("bad"), "/phaseReason") == "Invalid");
}

TEST_CASE("the quota, weight and removal of a project reach its queue") {
  TestMachine machine(1);
  machine.start();
  machine.project("vision", 1);
  REQUIRE(eventually([&] { return machine.control.fact("queue", "vision").is_object(); }));
  machine.project("vision", 3, 5);
  CHECK(eventually([&] { return json::number_at(machine.control.fact("queue", "vision"), "/gpu/quota") == 3; }));
  CHECK(json::number_at(machine.control.fact("queue", "vision"), "/gpu/limit") == 5);
  machine.project("vision", 3, nullptr);
  CHECK(eventually([&] { return json::find(machine.control.fact("queue", "vision"), "/gpu/limit")->is_null(); }));
  machine.send({.kind = "Project", .name = "vision", .remove = true});
  CHECK(eventually([&] { return machine.control.fact("queue", "vision").is_null(); }));
}

TEST_CASE("parts are named as in the flag") {
  CHECK(parse_parts("")->size() == 7);
  CHECK(parse_parts("round,bind")->size() == 2);
  CHECK_FALSE(parse_parts("round").has_value());
  CHECK_FALSE(parse_parts("rounds,bind").has_value());
  CHECK(parse_parts("rounds").error().text.find("round") != std::string::npos);
}

}  // namespace muster::cluster
