#include "sched/share/division.h"

#include <doctest/doctest.h>

#include <rapidcheck.h>
#include <algorithm>
#include <numeric>

#include "sched/state/ids.h"

namespace muster::sched::share {
namespace {

constexpr std::int64_t gpu = 1000;

Claim claim(std::int64_t quota, std::int64_t weight, std::int64_t request, std::uint32_t rank,
            std::int32_t priority = 100, std::int64_t usage = 0) {
  return {quota * gpu, request * gpu, weight * 1000, usage, priority, rank};
}

std::vector<std::int64_t> gpus(std::int64_t total, std::vector<Claim> claims, std::int64_t k = 1000) {
  auto shares = divide(total * gpu, gpu, k, claims);
  for (auto& s : shares) s /= gpu;
  return shares;
}

using Shares = std::vector<std::int64_t>;

TEST_CASE("the worked examples of fair share come out as written") {
  CHECK(gpus(8, {claim(3, 3, 8, 0), claim(1, 1, 8, 1)}) == Shares{6, 2});                                  // E1.1
  CHECK(gpus(20, {claim(5, 1, 15, 0), claim(5, 1, 5, 1)}) == Shares{15, 5});                               // E1.2c
  CHECK(gpus(10, {claim(2, 1, 10, 0, 200), claim(2, 1, 10, 1)}) == Shares{8, 2});                          // E1.2e
  CHECK(gpus(20, {claim(4, 2, 100, 0), claim(6, 3, 100, 1), claim(0, 1, 100, 2)}) == Shares{7, 11, 2});    // E1.3
  CHECK(gpus(36, {claim(10, 2, 100, 0), claim(6, 3, 100, 1), claim(0, 1, 100, 2)}) == Shares{17, 16, 3});  // E1.4
  CHECK(gpus(12, {claim(2, 1, 3, 0), claim(2, 1, 100, 1), claim(2, 2, 100, 2)}) == Shares{3, 3, 6});       // E1.5
  CHECK(gpus(12, {claim(2, 1, 4, 0), claim(2, 1, 12, 1)}) == Shares{4, 8});                                // E1.6
  CHECK(gpus(10, {claim(2, 1, 6, 0, 200), claim(2, 1, 10, 1), claim(2, 1, 10, 2)}) == Shares{6, 2, 2});    // E1.7
  CHECK(gpus(24, {claim(8, 1, 30, 0), claim(8, 1, 6, 1)}) == Shares{18, 6});                               // E1.8
  CHECK(gpus(18, {claim(4, 1, 20, 0), claim(4, 3, 10, 1)}) == Shares{8, 10});
}

TEST_CASE("history lowers the claim on the surplus by its weight k") {
  std::vector<Claim> two = {claim(0, 1, 10, 0, 100, 600), claim(0, 1, 10, 1, 100, 100)};
  CHECK(gpus(10, two, 1000) == Shares{3, 7});
  CHECK(gpus(10, two, 10000) == Shares{0, 10});
  CHECK(gpus(10, two, 0) == Shares{5, 5});
  CHECK(gpus(10, {claim(0, 1, 10, 0, 100, 240), claim(0, 1, 10, 1)}, 1000) == Shares{4, 6});
}

TEST_CASE("quotas that sum to more than there is are all kept") {
  CHECK(gpus(8, {claim(6, 1, 6, 0), claim(6, 1, 6, 1)}) == Shares{6, 6});
}

TEST_CASE("a quota above what there is counts as all there is") {
  CHECK(gpus(8, {claim(100, 1, 16, 0)}) == Shares{8});
  CHECK(gpus(8, {claim(100, 1, 16, 0), claim(2, 1, 4, 1)}) == Shares{8, 2});
}

TEST_CASE("a queue of weight 0 gets its quota and nothing of the surplus") {
  CHECK(gpus(10, {claim(1, 0, 10, 0), claim(1, 1, 3, 1)}) == Shares{1, 3});
}

TEST_CASE("an unlimited quota is the whole total") {
  std::vector<Claim> one = {claim(0, 1, 7, 0)};
  one[0].quota = unlimited;
  CHECK(gpus(10, one) == Shares{7});
}

TEST_CASE("shares never sum to more than the total and never leave out wanted capacity") {
  bool ok = rc::check([] {
    auto n = *rc::gen::inRange(1, 9);
    std::vector<Claim> claims;
    for (int i = 0; i < n; ++i)
      claims.push_back(claim(*rc::gen::inRange(0, 6), *rc::gen::inRange(1, 5), *rc::gen::inRange(0, 30),
                             static_cast<std::uint32_t>(i), *rc::gen::element(100, 200)));
    auto total = *rc::gen::inRange(0, 60);
    auto shares = divide(total * gpu, gpu, 1000, claims);
    std::int64_t sum = 0, quotas = 0, wanted = 0;
    for (std::size_t i = 0; i < claims.size(); ++i) {
      sum += shares[i];
      quotas += std::min(claims[i].quota, claims[i].requestable);
      wanted += claims[i].requestable;
      RC_ASSERT(shares[i] >= std::min({claims[i].quota, claims[i].requestable, total * gpu}));
      RC_ASSERT(shares[i] <= claims[i].requestable);
    }
    RC_ASSERT(sum <= std::max<std::int64_t>(total * gpu, quotas));
    RC_ASSERT(sum >= std::min<std::int64_t>(total * gpu, wanted));
  });
  CHECK(ok);
}

TEST_CASE("more weight never lowers a queue's share when nobody is capped") {
  bool ok = rc::check([] {
    auto other = *rc::gen::inRange(1, 9), mine = *rc::gen::inRange(1, 9), total = *rc::gen::inRange(0, 50);
    auto shares = [&](int w) { return gpus(total, {claim(0, w, 100, 0), claim(0, other, 100, 1)})[0]; };
    RC_ASSERT(shares(mine + 1) >= shares(mine));
  });
  CHECK(ok);
}

}  // namespace
}  // namespace muster::sched::share
