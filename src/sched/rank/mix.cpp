#include "sched/rank/mix.h"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>

#include "base/wide.h"

namespace muster::sched::rank {
namespace {

template <class T>
std::size_t index_in(const std::vector<T>& sorted, const T& value) {
  return static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin());
}

template <class T>
void sort_unique(std::vector<T>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

// Equal ones merged, the most frequent first.
std::vector<Demand> by_count(const std::vector<Demand>& demands) {
  std::map<std::pair<Ask, std::uint32_t>, std::int64_t> counts;
  for (const Demand& d : demands) counts[{d.ask, d.klass}] += d.count;
  std::vector<Demand> out;
  for (const auto& [key, count] : counts) out.push_back({key.first, key.second, count});
  std::stable_sort(out.begin(), out.end(), [](const Demand& a, const Demand& b) {
    const auto key = [](const Demand& d) {
      return std::tuple(-d.count, d.ask.cpu, d.ask.milli, d.ask.devices, d.klass);
    };
    return key(a) < key(b);
  });
  return out;
}

}  // namespace

Mix::Mix(std::vector<Demand> demands, const std::vector<NodeKind>& kinds) {
  demands = by_count(demands);
  learn(demands, kinds);
  press(demands, kinds);
}

// Which demands tell how well a node's free devices serve.
void Mix::learn(const std::vector<Demand>& demands, const std::vector<NodeKind>& kinds) {
  std::int64_t all = 0;
  for (const Demand& d : demands) all += d.count;
  std::vector<Demand> mix;
  std::vector<std::int32_t> thresholds;
  for (const Demand& d : demands) {
    if (pods_ * 100 >= all * 95 || mix.size() == most_shapes) break;
    if (d.ask.devices > 0 && std::find(thresholds.begin(), thresholds.end(), d.ask.milli) == thresholds.end()) {
      if (thresholds.size() == most_thresholds) continue;
      thresholds.push_back(d.ask.milli);
    }
    pods_ += d.count;
    mix.push_back(d);
  }
  list(mix);
  served_.assign(kinds.size() * (levels_.size() + 1) * parts_.size(), 0);
  for (const Demand& d : mix) {
    if (d.ask.devices == 0) continue;
    const std::size_t part = index_in(
        parts_, Part{d.ask.devices, d.ask.milli, static_cast<std::uint32_t>(index_in(thresholds_, d.ask.milli))});
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
      if ((kinds[kind].classes >> d.klass & 1) == 0) continue;
      // levels_[i] is the least CPU with which level i + 1 is reached: level 0 serves nobody.
      for (std::size_t level = index_in(levels_, d.ask.cpu) + 1; level <= levels_.size(); ++level)
        served_[(kind * (levels_.size() + 1) + level) * parts_.size() + part] += d.count;
    }
  }
}

// Thresholds, CPU levels and parts that occur.
void Mix::list(const std::vector<Demand>& mix) {
  for (const Demand& d : mix) {
    if (d.ask.devices == 0) continue;
    thresholds_.push_back(d.ask.milli);
    levels_.push_back(d.ask.cpu);
  }
  sort_unique(thresholds_);
  sort_unique(levels_);
  for (const Demand& d : mix) {
    if (d.ask.devices == 0) continue;
    parts_.push_back({d.ask.devices, d.ask.milli, static_cast<std::uint32_t>(index_in(thresholds_, d.ask.milli))});
  }
  sort_unique(parts_);
}

void Mix::press(const std::vector<Demand>& demands, const std::vector<NodeKind>& kinds) {
  pressure_.assign(kinds.size(), 0);
  std::array<std::int64_t, most_classes> asked{}, offered{};
  std::int64_t asked_in_all = 0, offered_in_all = 0;
  for (const Demand& d : demands) {
    const std::int64_t gpu = d.count * d.ask.devices * d.ask.milli;
    asked[d.klass] += gpu;
    asked_in_all += gpu;
  }
  for (const NodeKind& kind : kinds) {
    offered_in_all += kind.gpu;
    for (std::uint64_t bits = kind.classes; bits != 0; bits &= bits - 1)
      offered[static_cast<std::size_t>(std::countr_zero(bits))] += kind.gpu;
  }
  if (asked_in_all == 0) return;
  for (std::uint32_t c = 0; c < most_classes; ++c) {
    if (asked[c] == 0 || offered[c] == 0 || offered[c] == offered_in_all) continue;
    const Wide part = static_cast<Wide>(asked[c]) * offered_in_all * 1000 / asked_in_all / offered[c];
    for (std::size_t kind = 0; kind < kinds.size(); ++kind)
      if ((kinds[kind].classes >> c & 1) != 0) pressure_[kind] += static_cast<std::int64_t>(part);
  }
}

const std::int64_t* Mix::served(std::uint32_t kind, std::int64_t cpu) const {
  const auto level = static_cast<std::size_t>(std::upper_bound(levels_.begin(), levels_.end(), cpu) - levels_.begin());
  return served_.data() + (kind * (levels_.size() + 1) + level) * parts_.size();
}

Mix::Sums Mix::sums(const Room& room) const {
  Sums out;
  for (const std::int32_t r : room.free) out.free += r;
  for (std::size_t t = 0; t < thresholds_.size(); ++t) {
    std::int32_t count = 0, large = 0;
    for (const std::int32_t r : room.free) {
      const bool enough = r >= thresholds_[t];
      count += enough ? 1 : 0;
      large += enough ? r : 0;
    }
    out.count[t] = count, out.large[t] = large;
  }
  return out;
}

// One device has `to` free instead of `from`.
void Mix::change(Sums& sums, std::int32_t from, std::int32_t to) const {
  sums.free += to - from;
  for (std::size_t t = 0; t < thresholds_.size(); ++t) {
    const bool was = from >= thresholds_[t], is = to >= thresholds_[t];
    sums.count[t] += (is ? 1 : 0) - (was ? 1 : 0);
    sums.large[t] += (is ? to : 0) - (was ? from : 0);
  }
}

// A pod that fits can take what lies in devices with enough; whom CPU, labels or the number of devices turn away, and
// who asks for no device, can take nothing.
std::int64_t Mix::total(const Sums& sums, const std::int64_t* served) const {
  std::int64_t usable = 0;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const std::size_t t = parts_[p].threshold;
    usable += sums.count[t] >= parts_[p].devices ? served[p] * sums.large[t] : 0;
  }
  return pods_ * sums.free - usable;
}

std::int64_t Mix::fragment(const Room& room) const { return total(sums(room), served(room.kind, room.cpu)); }

Mix::Taken Mix::take_one(const Room& room, const Ask& ask, std::uint64_t open) const {
  const Sums before = sums(room);
  const std::int64_t* serves = served(room.kind, room.cpu - ask.cpu);
  Taken best;
  std::uint64_t tried = 0;
  for (; open != 0; open &= open - 1) {
    const auto g = static_cast<std::size_t>(std::countr_zero(open));
    const std::int32_t r = room.free[g];
    if (r < ask.milli) continue;
    bool again = false;  // an equal device has been tried
    for (std::uint64_t bits = tried; bits != 0 && !again; bits &= bits - 1)
      again = room.free[static_cast<std::size_t>(std::countr_zero(bits))] == r;
    if (again) continue;
    Sums after = before;
    change(after, r, r - ask.milli);
    const std::int64_t fragment = total(after, serves);
    if (tried == 0 || fragment < best.fragment) best = {std::uint64_t{1} << g, fragment};
    tried |= std::uint64_t{1} << g;
  }
  return best;
}

Mix::Taken Mix::take(const Room& room, const Ask& ask, std::uint64_t open) const {
  if (ask.devices == 1 && ask.milli < 1000) return take_one(room, ask, open);
  // Whole ones are all alike; of several shares each goes to the fullest device that has room.
  Sums after = sums(room);
  Taken out;
  for (std::int32_t left = ask.devices; left > 0; --left) {
    std::size_t best = room.free.size();
    for (std::uint64_t bits = open & ~out.devices; bits != 0; bits &= bits - 1) {
      const auto g = static_cast<std::size_t>(std::countr_zero(bits));
      if (room.free[g] >= ask.milli && (best == room.free.size() || room.free[g] < room.free[best])) best = g;
    }
    if (best == room.free.size()) break;
    out.devices |= std::uint64_t{1} << best;
    change(after, room.free[best], room.free[best] - ask.milli);
  }
  out.fragment = total(after, served(room.kind, room.cpu - ask.cpu));
  return out;
}

}  // namespace muster::sched::rank
