#include "sched/replay/log.h"

#include <doctest/doctest.h>

#include "sched/test_world.h"

namespace muster::sched::replay {
namespace {

using namespace test;

// Two queues that take from each other for forty rounds.
std::string busy_log() {
  std::string bytes;
  Config config;
  config.staleness_grace = seconds(5);
  Engine e(config);
  Recorder rec(e, config, [&](std::string_view piece) { bytes += piece; });
  auto tell = [&](const Delta& d) { ignore(rec.apply(d), "written by a test"); };
  tell(UpsertNode{node("n1", 4)}), tell(UpsertNode{node("n2", 2)});
  tell(UpsertQueue{queue("a", 2)}), tell(UpsertQueue{queue("b", 2)});
  for (int round = 0; round < 40; ++round) {
    Job j = job("j" + std::to_string(round), round % 3 == 0 ? "a" : "b");
    j.created(at(round)).priority(40 + round % 5 * 10);
    round % 4 == 0 ? j.share(500) : j.pods(1 + round % 2, 1);
    tell(UpsertGang{j.gang});
    for (const auto& p : j.members) tell(UpsertPod{p});
    Round r = rec.run(at(100 + round));
    for (const auto& d : r.decisions) {
      auto p = *e.pod(d.ns, d.pod);
      if (d.kind == model::Decision::Kind::Bind) p.state = model::PodState::Running;
      if (d.kind == model::Decision::Kind::Evict) p.state = model::PodState::Pending, p.node.clear(), p.devices.clear();
      if (d.kind != model::Decision::Kind::Nominate) tell(UpsertPod{p});
    }
  }
  return bytes;
}

TEST_CASE("replaying a log reproduces every decision") {
  std::string bytes = busy_log();
  auto r = replay(bytes);
  REQUIRE(r.has_value());
  CHECK(r->records == 40);
  CHECK(r->decisions > 20);
  CHECK(r->identical());
}

TEST_CASE("the same history gives the same bytes") { CHECK(busy_log() == busy_log()); }

TEST_CASE("one flipped byte anywhere in a log is found and its record is named") {
  std::string bytes = busy_log();
  for (std::size_t i = 0; i < bytes.size(); i += 97) {
    std::string bad = bytes;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    auto r = replay(bad);
    REQUIRE(!r.has_value());
    CHECK(r.error().text.find("decision log") == 0);
  }
}

TEST_CASE("a log that a crash cut off is replayed up to its last whole record") {
  std::string bytes = busy_log();
  auto r = replay(std::string_view(bytes).substr(0, bytes.size() - 5));
  REQUIRE(r.has_value());
  CHECK(r->records == 39);
}

TEST_CASE("every kind of delta survives writing and reading") {
  Record r;
  r.sequence = 1;
  model::Pod p;
  p.name = "p", p.gang = "g", p.node = "n", p.labels = {{"a", "b"}}, p.devices = {{3, 500, 7}};
  p.constraints.node_affinity = {{{"k", "In", {"v", "w"}}}};
  p.constraints.tolerations = {{"k", "Exists", "", "NoSchedule"}};
  p.constraints.spread = {{"zone", 2, {{"x", "y"}}, false}};
  p.constraints.gpu.mig = {{"nvidia.com/mig-1g.10gb", 2}};
  r.deltas = {SetConfig{},          UpsertQueue{queue("q", 1)},     RemoveQueue{"q"},      UpsertNode{node("n", 2)},
              RemoveNode{"n"},      UpsertGang{job("g", "q").gang}, RemoveGang{"ns", "g"}, UpsertPod{p},
              RemovePod{"ns", "p"}, BindFailed{"ns", "p", "why"}};
  std::uint64_t chain = 0;
  std::string bytes = std::string(header()) + encode(r, chain);
  LogReader reader(bytes);
  auto back = reader.next();
  REQUIRE(back.has_value());
  REQUIRE(back->has_value());
  Record again = **back;
  std::uint64_t other = 0;
  CHECK(std::string(header()) + encode(again, other) == bytes);
  CHECK(std::get<UpsertPod>(again.deltas[7]).pod.constraints == p.constraints);
}

}  // namespace
}  // namespace muster::sched::replay
