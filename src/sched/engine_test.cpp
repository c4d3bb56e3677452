#include "sched/engine.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "sched/test_world.h"

namespace muster::sched {
namespace {

using namespace test;
using model::PodState;
using model::Reason;

TEST_CASE("a one-GPU pod is bound to the first device of the fullest node that fits") {
  Engine e;
  add(e, node("n1", 4), node("n2", 2), queue("a", 6));
  add(e, job("j", "a").pods(1, 1));
  Round r = e.run(at(0));
  REQUIRE(r.decisions.size() == 1);
  CHECK(r.decisions[0].kind == model::Decision::Kind::Bind);
  CHECK(r.decisions[0].node == "n2");
  CHECK(r.decisions[0].devices == std::vector<model::DeviceShare>{{0, 1000, 0}});
  CHECK(e.check_invariants() == "");
}

TEST_CASE("fractions share a device before they open another") {
  Engine e;
  add(e, node("n1", 2), queue("a", 2));
  for (auto name : {"x", "y", "z"}) add(e, job(name, "a").share(500));
  e.run(at(0));
  CHECK(e.pod("default", "x-0")->devices[0].index == 0);
  CHECK(e.pod("default", "y-0")->devices[0].index == 0);
  CHECK(e.pod("default", "z-0")->devices[0].index == 1);
}

TEST_CASE("a gang is placed whole or not at all") {
  Engine e;
  add(e, node("n1", 3), queue("a", 4));
  add(e, job("big", "a").pods(4, 1));
  Round r = e.run(at(0));
  CHECK(r.decisions.empty());
  REQUIRE(e.verdict("default/big") != nullptr);
  CHECK(e.verdict("default/big")->reason == Reason::InsufficientResources);
  add(e, node("n2", 1));
  CHECK(e.run(at(1)).decisions.size() == 4);
  CHECK(e.verdict("default/big") == nullptr);
}

TEST_CASE("the limit of a queue holds and is named with its numbers") {
  Engine e;
  model::Queue q = queue("a", 2);
  q.gpu.limit = 4000;
  add(e, node("n1", 12), q);
  for (int i = 0; i < 5; ++i) add(e, job("j" + std::to_string(i), "a").pods(1, 1));
  CHECK(e.run(at(0)).decisions.size() == 4);
  const model::Verdict* v = e.verdict("default/j4");
  REQUIRE(v != nullptr);
  CHECK(v->reason == Reason::OverLimit);
  CHECK(v->numbers.at("limit") == 4);
  CHECK(v->numbers.at("allocated") == 4);
  CHECK(v->numbers.at("need") == 1);
}

TEST_CASE("non-preemptible workloads stay within quota while preemptible ones may go over") {
  Engine e;
  add(e, node("n1", 8), queue("a", 2));
  add(e, job("ws1", "a").pods(1, 2).priority(100));
  add(e, job("ws2", "a").pods(1, 1).priority(100));
  add(e, job("train", "a").pods(1, 1));
  e.run(at(0));
  CHECK(e.pod("default", "ws1-0")->state == PodState::Binding);
  CHECK(e.pod("default", "ws2-0")->state == PodState::Pending);
  CHECK(e.verdict("default/ws2")->reason == Reason::NonPreemptibleOverQuota);
  CHECK(e.pod("default", "train-0")->state == PodState::Binding);
}

TEST_CASE("a pod that only fits on what is being released is nominated there, not bound") {
  Engine e;
  add(e, node("n1", 1), queue("a", 1));
  add(e, job("old", "a").pods(1, 1).on("n1", PodState::Releasing));
  add(e, job("new", "a").pods(1, 1));
  Round r = e.run(at(0));
  REQUIRE(r.decisions.size() == 1);
  CHECK(r.decisions[0].kind == model::Decision::Kind::Nominate);
  CHECK(e.pod("default", "new-0")->state == PodState::Pipelined);
  CHECK(e.verdict("default/new")->reason == Reason::WaitingForTermination);
  CHECK(e.check_invariants() == "");
  ignore(e.apply(RemovePod{"default", "old-0"}), "it exists");
  r = e.run(at(1));
  REQUIRE(r.decisions.size() == 1);
  CHECK(r.decisions[0].kind == model::Decision::Kind::Bind);
}

TEST_CASE("the order of deltas does not matter to the world's hash") {
  Engine a, b;
  add(a, node("n1", 2), node("n2", 2), queue("d", 4), queue("q", 2, "d"));
  add(a, job("x", "q").pods(2, 1).on("n1", PodState::Running), job("y", "q").pods(1, 1));
  add(b, job("y", "q").pods(1, 1), job("x", "q").pods(2, 1).on("n1", PodState::Running));
  add(b, queue("q", 2, "d"), queue("d", 4), node("n2", 2), node("n1", 2));
  CHECK(a.world_hash() == b.world_hash());
  CHECK(a.check_invariants() == "");
  CHECK(b.check_invariants() == "");
}

TEST_CASE("a bind that fails backs off with the gang and is tried again") {
  Engine e;
  add(e, node("n1", 1), queue("a", 1), job("j", "a").pods(1, 1));
  CHECK(e.run(at(0)).decisions.size() == 1);
  ignore(e.apply(BindFailed{"default", "j-0", "device is busy"}), "it exists");
  Round r = e.run(at(0));
  CHECK(r.decisions.empty());
  CHECK(e.verdict("default/j")->reason == Reason::BackingOff);
  CHECK(r.wake_at == at(1));
  CHECK(e.run(at(1)).decisions.size() == 1);
}

TEST_CASE("a queue below its fair share takes back what another holds above its own, and says so") {
  Engine e;
  add(e, node("n1", 4), queue("a", 1), queue("b", 1));
  for (int i = 0; i < 4; ++i) add(e, job("a" + std::to_string(i), "a").pods(1, 1).created(at(i)));
  e.run(at(10));
  for (int i = 0; i < 4; ++i) add(e, job("b" + std::to_string(i), "b").pods(1, 1).created(at(20 + i)));
  Round r = e.run(at(30));
  std::vector<std::string> gone;
  for (const auto& d : r.decisions)
    if (d.kind == model::Decision::Kind::Evict) gone.push_back(d.pod);
  CHECK(gone == std::vector<std::string>{"a3-0", "a2-0"});
  CHECK(r.decisions[0].for_gang == "default/b0");
  CHECK(r.decisions[0].message ==
        "reclaimed by \"b\" for default/b0, which needs 1 GPU: \"a\" used 4 (quota 1, fair share 2), "
        "\"b\" used 0 (quota 1, fair share 2)");
  CHECK(e.verdict("default/b2")->reason == Reason::ReclaimNotAllowed);
  CHECK(e.check_invariants() == "");
}

TEST_CASE("a job that nothing stands in the way of any more has no reason to wait") {
  Engine e;
  add(e, node("n1", 2), queue("a", 0), queue("b", 1), job("old", "a").pods(1, 2).on("n1"), job("new", "b").pods(1, 1));
  Round r = e.run(at(0));
  CHECK(r.decisions.front().kind == model::Decision::Kind::Evict);
  REQUIRE(e.verdict("default/new") != nullptr);
  CHECK(e.verdict("default/new")->reason == Reason::WaitingForTermination);
  // The victim is gone and waits anew; the winner is told as waiting, as a cluster does between rounds.
  model::Pod victim = *e.pod("default", "old-0"), winner = *e.pod("default", "new-0");
  for (model::Pod* p : {&victim, &winner}) p->state = PodState::Pending, p->node.clear(), p->devices.clear();
  ignore(e.apply(UpsertPod{victim}), "it exists"), ignore(e.apply(UpsertPod{winner}), "it exists");
  CHECK(e.why("default/new", at(1)) == std::nullopt);
  r = e.run(at(1));
  CHECK(r.decisions.front().kind == model::Decision::Kind::Bind);
}

TEST_CASE("the devices of one pod hang on one NUMA node where one has enough of them, the fullest that has") {
  Engine e;
  model::Node n = node("n1", 8);
  for (std::size_t i = 0; i < 8; ++i) n.devices[i].numa = i < 4 ? 0 : 1;
  Job held = job("held", "q").pods(1, 4).on("n1");
  for (int i : {0, 1, 2, 4}) held.members[0].devices.push_back({i});
  add(e, n, queue("q", 8), held, job("two", "q").pods(1, 2).created(at(-2)),
      job("across", "q").pods(1, 2).created(at(-1)));
  Round r = e.run(at(0));
  REQUIRE(r.decisions.size() == 2);
  // 3 | 5 6 7 are free.
  CHECK(r.decisions[0].devices[0].index == 5);
  CHECK(r.decisions[0].devices[1].index == 6);
  CHECK(r.decisions[1].devices[0].index == 3);
  CHECK(r.decisions[1].devices[1].index == 7);
}

TEST_CASE("two projects share four GPUs two and two and then stay quiet") {
  Engine e;
  add(e, node("n1", 4), queue("a", 1), queue("b", 1));
  for (int i = 0; i < 4; ++i) add(e, job("a" + std::to_string(i), "a").pods(1, 1).created(at(i)));
  for (int round = 0; round < 20; ++round) {
    if (round == 3)
      for (int i = 0; i < 4; ++i) add(e, job("b" + std::to_string(i), "b").pods(1, 1).created(at(100 + i)));
    Round r = e.run(at(200 + round));
    if (round > 5) CHECK(r.decisions.empty());
    follow(e, r);
  }
  CHECK(e.queue_use("a")->allocated.gpu == 2000);
  CHECK(e.queue_use("b")->allocated.gpu == 2000);
}

TEST_CASE("the first remedy starts the job and half of it does not") {
  Engine e;
  model::Queue q = queue("a", 2);
  q.gpu.limit = 4000;
  add(e, node("n1", 12), q);
  for (int i = 0; i < 2; ++i) add(e, job("j" + std::to_string(i), "a").pods(1, 2));
  add(e, job("k", "a").pods(1, 2));
  e.run(at(0));
  auto hash = e.world_hash();
  auto v = e.why("default/k", at(0));
  CHECK(e.world_hash() == hash);
  REQUIRE(v);
  REQUIRE(!v->remedy.empty());
  CHECK(v->remedy[0].set == "queue/a");
  CHECK(v->remedy[0].field == "gpu.limit");
  CHECK(std::get<double>(v->remedy[0].to) == 6);
  q.gpu.limit = 5000;
  add(e, q);
  CHECK(e.run(at(1)).decisions.empty());
  q.gpu.limit = 6000;
  add(e, q);
  CHECK(e.run(at(2)).decisions.size() == 1);
}

TEST_CASE("a plan says what a submission would cause and leaves the world alone") {
  Engine e;
  add(e, node("n1", 2), queue("a", 0), queue("b", 2));
  add(e, job("low", "a").pods(2, 1).min(1));
  e.run(at(0));
  auto hash = e.world_hash();
  Job wish = job("wish", "b").pods(1, 1);
  auto plan = e.plan(wish.gang, wish.members, at(1));
  REQUIRE(plan.has_value());
  CHECK(e.world_hash() == hash);
  CHECK(plan->starts_now);
  REQUIRE(plan->decisions.size() == 2);
  CHECK(plan->decisions[0].kind == model::Decision::Kind::Evict);
  add(e, wish);
  Round r = e.run(at(1));
  REQUIRE(r.decisions.size() == 2);
  CHECK(r.decisions[1].node == plan->decisions[1].node);
  CHECK(r.decisions[0].pod == plan->decisions[0].pod);
}

TEST_CASE("what if a quota were larger: shares, who starts, who gives way, and nothing changes") {
  Engine e;
  add(e, node("n1", 4), queue("a", 1), queue("b", 1));
  for (int i = 0; i < 4; ++i) add(e, job("a" + std::to_string(i), "a").pods(1, 1).created(at(i)));
  e.run(at(10));
  add(e, job("big", "b").pods(1, 3));
  CHECK(e.run(at(20)).decisions.empty());
  auto hash = e.world_hash();
  auto told = e.what_if({queue("b", 3)}, at(30));
  REQUIRE(told.has_value());
  CHECK(e.world_hash() == hash);
  CHECK(told->before.at("b").fair_share.gpu == 2000);
  CHECK(told->after.at("b").fair_share.gpu == 3000);
  CHECK(told->after.at("a").fair_share.gpu == 1000);
  std::size_t evicted = 0;
  for (const auto& d : told->decisions) evicted += d.kind == model::Decision::Kind::Evict ? 1 : 0;
  CHECK(evicted == 3);
  CHECK(told->decisions.back().pod == "big-0");
  CHECK(e.run(at(40)).decisions.empty());
  add(e, queue("b", 3));
  Round r = e.run(at(50));
  REQUIRE(r.decisions.size() == told->decisions.size());
  for (std::size_t i = 0; i < r.decisions.size(); ++i) CHECK(r.decisions[i].pod == told->decisions[i].pod);
}

TEST_CASE("what if there were one queue more, and what may not be") {
  Engine e;
  add(e, node("n1", 4), queue("a", 1));
  for (int i = 0; i < 4; ++i) add(e, job("a" + std::to_string(i), "a").pods(1, 1));
  e.run(at(10));
  auto hash = e.world_hash();
  auto told = e.what_if({queue("new", 2)}, at(30));
  REQUIRE(told.has_value());
  CHECK(told->after.contains("new"));
  CHECK(!told->before.contains("new"));
  CHECK(told->decisions.empty());
  CHECK(e.world_hash() == hash);
  CHECK(e.queue_names() == std::vector<std::string>{"a"});
}

TEST_CASE("a gang short of one GPU of others' excess is told the two numbers") {
  Engine e;
  add(e, node("n1", 8), queue("a", 5), queue("b", 8));
  for (int i = 0; i < 8; ++i) add(e, job("a" + std::to_string(i), "a").pods(1, 1).created(at(i)));
  e.run(at(10));
  add(e, job("big", "b").pods(1, 8));
  CHECK(e.run(at(20)).decisions.empty());
  const model::Verdict* v = e.verdict("default/big");
  REQUIRE(v != nullptr);
  CHECK(v->reason == Reason::VictimsInsufficient);
  CHECK(v->numbers.at("need") == 8);
  CHECK(v->numbers.at("have") == 3);
}

}  // namespace
}  // namespace muster::sched
