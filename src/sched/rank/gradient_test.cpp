// Fragmentation straight from its definition, and what the score makes of it.

#include <doctest/doctest.h>

#include <bit>

#include "sched/rank/gradient.h"

namespace muster::sched::rank {
namespace {

// Kind 0 admits everybody, kind 1 only class 1.
const std::vector<NodeKind> kinds = {{3, 8000}, {2, 8000}};
const std::vector<Demand> demands = {{{4000, 1, 300}, 1, 5},
                                     {{8000, 1, 1000}, 1, 4},
                                     {{16000, 4, 1000}, 0, 3},
                                     {{2000, 0, 0}, 1, 2},
                                     {{500, 2, 400}, 0, 6}};

bool fits(const Room& room, const Demand& d) {
  std::int32_t enough = 0;
  for (const std::int32_t r : room.free) enough += r >= d.ask.milli ? 1 : 0;
  return (kinds[room.kind].classes >> d.klass & 1) != 0 && room.cpu >= d.ask.cpu && enough >= d.ask.devices;
}

std::int64_t by_definition(const Room& room) {
  std::int64_t sum = 0;
  for (const Demand& d : demands) {
    std::int64_t all = 0, small = 0;
    for (const std::int32_t r : room.free) all += r, small += r < d.ask.milli ? r : 0;
    sum += d.count * (d.ask.devices == 0 || !fits(room, d) ? all : small);
  }
  return sum;
}

TEST_CASE("fragmentation is what pods of the mix cannot take, before and after one more is placed") {
  const Mix mix(demands, kinds);
  REQUIRE(mix.pods() == 20);
  std::uint64_t seed = 1;
  const auto pick = [&](std::uint64_t below) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (seed >> 33) % below;
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::int32_t> free(pick(9));
    for (std::int32_t& r : free) r = pick(3) == 0 ? 1000 : static_cast<std::int32_t>(pick(11) * 100);
    const auto kind = static_cast<std::uint32_t>(pick(2));
    const Room room{static_cast<std::int64_t>(pick(20) * 1000), kind, free};
    REQUIRE(mix.fragment(room) == by_definition(room));
    for (const Demand& d : demands) {
      if (!fits(room, d)) continue;
      const Mix::Taken taken = mix.take(room, d.ask, (std::uint64_t{1} << free.size()) - 1);
      REQUIRE(std::popcount(taken.devices) == d.ask.devices);
      std::vector<std::int32_t> left = free;
      for (std::size_t g = 0; g < left.size(); ++g) left[g] -= (taken.devices >> g & 1) != 0 ? d.ask.milli : 0;
      for (const std::int32_t r : left) REQUIRE(r >= 0);
      REQUIRE(taken.fragment == by_definition({room.cpu - d.ask.cpu, kind, left}));
    }
  }
}

TEST_CASE("pressure is what picky pods ask for of a kind of nodes") {
  // Four of ten devices are asked for by pods whom only kind 1 serves, half of the 16 devices: 4/10 of 16 on 8.
  const Mix mix({{{0, 1, 1000}, 0, 6}, {{0, 1, 1000}, 1, 4}}, {{1, 8000}, {3, 8000}});
  CHECK(mix.pressure(0) == 0);
  CHECK(mix.pressure(1) == 800);
}

TEST_CASE("whoever may go anywhere keeps away from nodes that others must have") {
  const std::vector<NodeKind> two = {{1, 8000}, {3, 8000}};
  const Gradient gradient(Mix({{{1000, 1, 1000}, 0, 6}, {{1000, 1, 1000}, 1, 4}}, two), 64000, 8000);
  const std::vector<std::int32_t> free(8, 1000);
  const Host plain{{64000, 0, free}, 64000, 8000}, wanted{{64000, 1, free}, 64000, 8000};
  const Ask device{1000, 1, 1000}, no_device{1000, 0, 0};
  CHECK(gradient.score(plain, device, 255) > gradient.score(wanted, device, 255));
  // A pod without a device takes nothing that they need.
  CHECK(gradient.score(plain, no_device, 255) == gradient.score(wanted, no_device, 255));
}

TEST_CASE("a share goes to the device where others lose least by it") {
  // Pods want halves only: what is left serves them on either device, and the first is taken.
  const Mix mix({{{0, 1, 500}, 0, 1}}, {{1, 2000}});
  const std::vector<std::int32_t> free = {1000, 500};
  CHECK(mix.take({1000, 0, free}, {0, 1, 500}, 3).devices == 1);
  // Whole ones are wanted as well: the untouched one is kept.
  const Mix both({{{0, 1, 500}, 0, 1}, {{0, 1, 1000}, 0, 1}}, {{1, 2000}});
  CHECK(both.take({1000, 0, free}, {0, 1, 500}, 3).devices == 2);
}

}  // namespace
}  // namespace muster::sched::rank
