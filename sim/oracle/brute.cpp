#include "sim/oracle/brute.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "base/wide.h"

namespace muster::sim::oracle {
namespace {

class Search {
 public:
  Search(Free free, std::vector<Ask> pods) : free_(std::move(free)), pods_(std::move(pods)) {
    // Large ones first: the answer does not depend on it, the time does.
    std::sort(pods_.begin(), pods_.end(), [](const Ask& a, const Ask& b) {
      return std::pair(a.devices * a.milli, a.milli) > std::pair(b.devices * b.milli, b.milli);
    });
  }

  bool from(std::size_t pod) {
    if (pod == pods_.size()) return true;
    std::set<std::vector<std::int32_t>> tried;  // nodes that look the same need not be tried twice
    for (std::vector<std::int32_t>& node : free_) {
      std::vector<std::int32_t> shape = node;
      std::sort(shape.begin(), shape.end());
      if (tried.insert(shape).second && on(node, 0, pods_[pod].devices, pod)) return true;
    }
    return false;
  }

 private:
  // The rest of a pod's devices, among those from `first` on.
  bool on(std::vector<std::int32_t>& node, std::size_t first, std::int32_t missing, std::size_t pod) {
    if (missing == 0) return from(pod + 1);
    std::set<std::int32_t> tried;
    for (std::size_t d = first; d < node.size(); ++d) {
      if (node[d] < pods_[pod].milli || !tried.insert(node[d]).second) continue;
      node[d] -= pods_[pod].milli;
      if (on(node, d + 1, missing - 1, pod)) return true;
      node[d] += pods_[pod].milli;
    }
    return false;
  }

  Free free_;
  std::vector<Ask> pods_;
};

// An exact fraction.
struct Exact {
  Wide over = 0, under = 1;
};

Exact plain(Wide over, Wide under) {
  Wide a = over < 0 ? -over : over, b = under;
  while (b != 0) {
    const Wide rest = a % b;
    a = b;
    b = rest;
  }
  return a == 0 ? Exact{0, 1} : Exact{over / a, under / a};
}

bool is_less(const Exact& a, const Exact& b) { return a.over * b.under < b.over * a.under; }

class Division {
 public:
  Division(std::int64_t total, std::int64_t unit, const std::vector<Claimant>& all, std::int64_t k)
      : all_(all), unit_(unit), k_(k), left_(total), share_(all.size()), rest_(all.size()) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      // Nobody can be promised more than there is to give (rule 1.4.7).
      const std::int64_t quota = all[i].quota < 0 ? total : std::min(all[i].quota, total);
      share_[i] = std::min(quota, wanted(i));
      left_ -= share_[i];
    }
  }

  std::vector<std::int64_t> shares() {
    std::set<std::int64_t, std::greater<>> priorities;
    for (const Claimant& claimant : all_) priorities.insert(claimant.priority);
    if (left_ > 0) {
      for (const std::int64_t priority : priorities) surplus(priority);
      for (const std::int64_t priority : priorities) remainder(priority);
    }
    return share_;
  }

 private:
  std::int64_t wanted(std::size_t i) const {
    return all_[i].limit < 0 ? all_[i].request : std::min(all_[i].request, all_[i].limit);
  }

  std::vector<std::size_t> unsatisfied(std::int64_t priority) const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (all_[i].priority == priority && all_[i].weight > 0 && wanted(i) > share_[i]) out.push_back(i);
    }
    return out;
  }

  // Rounds of offers in proportion to the effective weights.
  void surplus(std::int64_t priority) {
    for (bool again = true; again && left_ > 0;) {
      again = false;
      const std::vector<std::size_t> active = unsatisfied(priority);
      Wide weights = 0;
      for (const std::size_t i : active) weights += all_[i].weight;
      // n = w / W; e = max(0, n + k (n - u)), all times W * 10^6 to stay whole.
      std::vector<Wide> effective;
      Wide sum = 0;
      for (const std::size_t i : active) {
        const Wide n = static_cast<Wide>(all_[i].weight) * 1'000'000;
        const Wide e = n + k_ * (n - static_cast<Wide>(all_[i].usage) * weights * 1000) / 1000;
        effective.push_back(e > 0 ? e : 0);
        sum += effective.back();
      }
      if (sum == 0) return;
      const std::int64_t pot = left_;
      for (std::size_t n = 0; n < active.size(); ++n) {
        const std::size_t i = active[n];
        const Exact offer = plain(static_cast<Wide>(pot) * effective[n], sum);
        const Wide missing = wanted(i) - share_[i];
        if (missing * offer.under <= offer.over) {
          again = again || missing * offer.under < offer.over;
          give(i, static_cast<std::int64_t>(missing));
          rest_[i].reset();
          continue;
        }
        const Wide whole = offer.over / offer.under / unit_ * unit_;
        give(i, static_cast<std::int64_t>(whole));
        const Exact cut = plain(offer.over - whole * offer.under, offer.under);
        // A whole offer leaves an earlier rest as it was.
        if (cut.over > 0) rest_[i] = cut;
      }
    }
  }

  void remainder(std::int64_t priority) {
    std::vector<std::size_t> order;
    for (const std::size_t i : unsatisfied(priority)) {
      if (rest_[i]) order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      if (is_less(*rest_[a], *rest_[b]) || is_less(*rest_[b], *rest_[a])) return is_less(*rest_[b], *rest_[a]);
      return std::pair(all_[a].created, a) < std::pair(all_[b].created, b);
    });
    for (const std::size_t i : order) {
      if (left_ > 0) give(i, std::min(unit_, left_));
    }
  }

  void give(std::size_t i, std::int64_t amount) {
    share_[i] += amount;
    left_ -= amount;
  }

  const std::vector<Claimant>& all_;
  std::int64_t unit_;
  Wide k_;
  std::int64_t left_;
  std::vector<std::int64_t> share_;
  std::vector<std::optional<Exact>> rest_;
};

}  // namespace

bool can_place(Free free, std::vector<Ask> pods) { return Search(std::move(free), std::move(pods)).from(0); }

std::vector<std::int64_t> divide(std::int64_t total, std::int64_t unit, const std::vector<Claimant>& claimants,
                                 std::int64_t k) {
  return Division(total, unit, claimants, k).shares();
}

}  // namespace muster::sim::oracle
