#include "sched/share/division.h"

#include <algorithm>
#include <numeric>

#include "base/wide.h"
#include "sched/state/ids.h"

namespace muster::sched::share {

namespace {

// A cut-off part of a unit, as a fraction of it with 40 bits: enough to tell equal offers from different ones.
constexpr int rest_bits = 40;

struct Division {
  std::span<const Claim> claims;
  std::int64_t unit, k;
  std::vector<std::int64_t> shares;
  std::vector<std::uint64_t> rest;  // 0: nothing was cut off

  bool is_unsatisfied(std::size_t i) const { return claims[i].requestable > shares[i]; }

  // Effective weights max(0, n + k (n - U)) of the active queues, over one common denominator.
  std::vector<std::int64_t> weigh(const std::vector<std::size_t>& active) const {
    Wide sum = 0;
    bool history = false;
    for (std::size_t i : active) sum += claims[i].weight, history = history || (claims[i].usage != 0 && k != 0);
    std::vector<Wide> wide;
    Wide common = 0;
    for (std::size_t i : active) {
      Wide w = claims[i].weight;
      if (history) w = std::max<Wide>(0, w * (1000 + k) * 1000 - static_cast<Wide>(k) * claims[i].usage * sum);
      wide.push_back(w);
      for (Wide a = common, b = w;; std::swap(a, b)) {
        if (b == 0) {
          common = a;
          break;
        }
        a %= b;
      }
    }
    std::vector<std::int64_t> out;
    for (Wide w : wide) out.push_back(common == 0 ? 0 : static_cast<std::int64_t>(w / common));
    return out;
  }

  // One round over the unsatisfied queues of a bucket; true when another may give more.
  bool round(const std::vector<std::size_t>& bucket, std::int64_t& surplus) {
    std::vector<std::size_t> active;
    for (std::size_t i : bucket)
      if (is_unsatisfied(i)) active.push_back(i);
    std::vector<std::int64_t> weights = weigh(active);
    Wide sum = 0;
    for (auto w : weights) sum += w;
    if (sum == 0) return false;
    const Wide pot = surplus;
    bool again = false;
    for (std::size_t a = 0; a < active.size(); ++a) {
      std::size_t i = active[a];
      if (weights[a] == 0) continue;
      Wide offer = pot * weights[a];  // over sum
      Wide want = claims[i].requestable - shares[i];
      std::int64_t give = 0;
      if (want * sum <= offer) {
        give = static_cast<std::int64_t>(want);
        again = again || want * sum < offer;
      } else {
        Wide units = offer / (sum * unit);
        Wide cut = offer - units * sum * unit;
        give = static_cast<std::int64_t>(units) * unit;
        if (cut > 0) rest[i] = static_cast<std::uint64_t>((cut << rest_bits) / (sum * unit)) | 1;
      }
      shares[i] += give;
      surplus -= give;
    }
    return again && surplus > 0;
  }

  // The cut-off parts, in whole units as far as it goes: largest first, then oldest.
  void round_up(const std::vector<std::size_t>& bucket, std::int64_t& surplus) {
    std::vector<std::size_t> cut;
    for (std::size_t i : bucket)
      if (rest[i] != 0 && is_unsatisfied(i)) cut.push_back(i);
    std::sort(cut.begin(), cut.end(), [&](std::size_t a, std::size_t b) {
      return rest[a] != rest[b] ? rest[a] > rest[b] : claims[a].rank < claims[b].rank;
    });
    for (std::size_t i : cut) {
      std::int64_t give = std::min(unit, surplus);
      shares[i] += give;
      surplus -= give;
    }
  }
};

}  // namespace

std::vector<std::int64_t> divide(std::int64_t total, std::int64_t unit, std::int64_t k, std::span<const Claim> claims) {
  Division d{claims, unit, k, std::vector<std::int64_t>(claims.size()), std::vector<std::uint64_t>(claims.size())};
  Wide given = 0;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    // What is divided bounds each quota, so that a parent whose quota is above the machine promises no more than there
    // is.
    std::int64_t quota = std::min(claims[i].quota, total);
    d.shares[i] = std::max<std::int64_t>(0, std::min(quota, claims[i].requestable));
    given += d.shares[i];
  }
  if (given >= total) return d.shares;
  std::int64_t surplus = total - static_cast<std::int64_t>(given);
  std::vector<std::size_t> order(claims.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return claims[a].priority > claims[b].priority; });
  std::vector<std::vector<std::size_t>> buckets;
  for (std::size_t i : order) {
    if (buckets.empty() || claims[buckets.back()[0]].priority != claims[i].priority) buckets.emplace_back();
    buckets.back().push_back(i);
  }
  for (const auto& bucket : buckets)
    while (surplus > 0 && d.round(bucket, surplus)) {
    }
  for (const auto& bucket : buckets)
    if (surplus > 0) d.round_up(bucket, surplus);
  return d.shares;
}

}  // namespace muster::sched::share
