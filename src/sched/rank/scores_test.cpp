// Kept scores are the scores of a fresh look, whatever has changed and been taken back.

#include "sched/rank/scores.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <random>

#include "sched/fit/fit.h"
#include "sched/test_world.h"

namespace muster::sched::rank {
namespace {

model::Pod pod_of(int serial, std::mt19937& rng) {
  model::Pod out;
  out.ns = "default", out.name = fmt::format("p{}", serial), out.gang = out.name;
  out.constraints.cpu = 1000 * static_cast<std::int64_t>(rng() % 8);
  switch (rng() % 4) {
    case 0:
      break;
    case 1:
      out.constraints.gpu = {
          .kind = model::GpuRequest::Kind::Whole, .devices = 1 + static_cast<std::int32_t>(rng() % 2), .milli = 1000};
      break;
    case 2:
      out.constraints.gpu = {.kind = model::GpuRequest::Kind::Portion,
                             .devices = 1 + static_cast<std::int32_t>(rng() % 2),
                             .milli = 100 + 100 * static_cast<std::int32_t>(rng() % 6)};
      break;
    default:
      out.constraints.gpu = {.kind = model::GpuRequest::Kind::Memory, .devices = 1, .memory_mib = 10000};
  }
  if (rng() % 4 == 0) out.constraints.node_selector = {{"model", rng() % 2 == 0 ? "a" : "b"}};
  return out;
}

class Ground {
 public:
  Ground() : world_(Config{.gpu = Placement::Fragmentation, .cpu = Placement::Fragmentation}) {
    for (int i = 0; i < 130; ++i) {
      model::Node n = test::node(fmt::format("n{:03}", i), 1 + i % 4, i % 3 == 0 ? 40960 : 81920);
      n.cpu = 16000;
      n.labels = {{"model", i % 5 == 0 ? "a" : "b"}};
      REQUIRE(world_.upsert(n).has_value());
    }
    for (int i = 0; i < 60; ++i) REQUIRE(world_.upsert(pod_of(i, rng_)).has_value());
    world_.settle();
  }

  // Binds, promises or ends some pod.
  void change() {
    const PodId p{static_cast<std::uint32_t>(rng_() % world_.pods.size())};
    if (!world_.pod(p).live) return;
    if (world_.pod(p).state == model::PodState::Binding) return world_.evict(p, model::Action::Reclaim, JobId{});
    if (world_.pod(p).state != model::PodState::Pending || !world_.pod(p).promised_node.is_none()) return;
    const NodeId n{static_cast<std::uint32_t>(rng_() % world_.nodes.size())};
    const auto mask = fit::choose_devices(world_, world_.shape_of(p), n, fit::When::Later, Placement::Binpack);
    if (!mask || !fit::fits_beside(world_, fit::guest(world_, p), n, fit::When::Later)) return;
    if (rng_() % 2 == 0) {
      world_.bind(p, n, *mask, model::Action::Allocate);
    } else {
      world_.promise(p, n, *mask, model::Action::Reclaim, JobId{});
    }
  }
  void arrive(int serial) {
    REQUIRE(world_.upsert(pod_of(serial, rng_)).has_value());
    world_.settle();
  }
  bool agrees() {
    std::vector<std::int32_t> kept = look();
    std::shared_ptr<Scores> old = std::move(world_.scores);
    world_.scores.reset();
    const bool same = kept == look();
    world_.scores = std::move(old);
    return same;
  }
  World& world() { return world_; }
  std::mt19937& rng() { return rng_; }

 private:
  std::vector<std::int32_t> look() {
    std::vector<std::int32_t> out;
    for (std::uint32_t i = 0; i < world_.pods.size(); i += 7) {
      if (!world_.pods[i].live) continue;
      Scores::Line& line = Scores::of(world_).line(PoolId{0}, world_.pods[i].shape);
      for (std::size_t b = 0; b < line.blocks(); ++b) out.push_back(line.best_of(b));
      world_.pool(PoolId{0}).nodes.each([&](NodeId n) { out.push_back(line.at(n)); });
    }
    return out;
  }

  std::mt19937 rng_{7};
  World world_;
};

TEST_CASE("kept scores are those of a fresh look, through what-ifs and arrivals") {
  Ground ground;
  World& world = ground.world();
  for (int step = 0; step < 150; ++step) {
    ground.change();
    if (step % 3 == 0) {
      const UndoLog::Mark outer = world.log.mark();
      for (int i = 0; i < 4; ++i) ground.change();
      const UndoLog::Mark inner = world.log.mark();
      ground.change();
      CHECK(ground.agrees());
      world.log.rollback(inner);
      CHECK(ground.agrees());
      if (ground.rng()() % 2 == 0) {
        world.log.keep(outer);
      } else {
        world.log.rollback(outer);
      }
    }
    if (step % 25 == 24) ground.arrive(1000 + step);
    if (step % 40 == 39) {
      model::Node n = test::node(fmt::format("n{:03}x", step), 4, 81920);
      n.cpu = 8000;
      REQUIRE(world.upsert(n).has_value());
      world.settle();
    }
    REQUIRE(ground.agrees());
  }
}

TEST_CASE("a shape that comes and goes in ones and twos does not change the mix") {
  Ground ground;
  World& world = ground.world();
  for (int i = 0; i < 3000; ++i) {
    model::Pod p;
    p.ns = "default", p.name = fmt::format("many{}", i), p.gang = p.name;
    p.constraints.gpu = {.kind = model::GpuRequest::Kind::Whole, .devices = 1, .milli = 1000};
    REQUIRE(world.upsert(p).has_value());
  }
  world.settle();
  const ShapeId shape = world.pods[world.find_pod("default", "many0").value].shape;
  const Scores::Line* before = &Scores::of(world).line(PoolId{0}, shape);
  world.remove_pod("default", "many1");
  world.settle();
  CHECK(&Scores::of(world).line(PoolId{0}, shape) == before);
}

}  // namespace
}  // namespace muster::sched::rank
