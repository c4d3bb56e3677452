#include "sim/trace/experiment.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "base/check.h"
#include "sim/random/random.h"
#include "sim/trace/best_node.h"
#include "sim/trace/policy.h"

namespace muster::sim::trace {
namespace {

std::int64_t capacity_of(const std::vector<NodeLine>& nodes) {
  std::int64_t sum = 0;
  for (const NodeLine& node : nodes) sum += node.gpus * 1000;
  return sum;
}

// Pods in the order in which they arrive: shuffled, then padded with copies or thinned until they ask for `wanted`.
std::vector<Shape> arrivals(const std::vector<PodLine>& pods, std::int64_t wanted, Random& random) {
  std::vector<PodLine> sorted = pods;
  std::stable_sort(sorted.begin(), sorted.end(), [](const PodLine& a, const PodLine& b) { return a.name < b.name; });
  std::vector<Shape> out;
  for (const PodLine& pod : sorted) out.push_back(pod.shape);
  const std::vector<Shape> original = out;
  shuffle(out, random);
  std::int64_t total = 0;
  for (const Shape& shape : out) total += shape.demand();
  while (total > wanted) {
    const std::size_t gone = random.below(out.size());
    total -= out[gone].demand();
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(gone));
  }
  // A list that asks for no device at all would never reach the demand.
  const bool asks = total > 0;
  while (asks) {
    const Shape& drawn = original[random.below(original.size())];
    // As published: what one device of the pod adds decides, not all of them.
    if (total + drawn.milli > wanted) break;
    total += drawn.demand();
    out.push_back(drawn);
  }
  return out;
}

std::vector<Seat> seats_of(const std::vector<NodeLine>& nodes, Random& random) {
  std::vector<NodeLine> order = nodes;
  shuffle(order, random);
  std::vector<Seat> out;
  for (const NodeLine& node : order) {
    Seat seat{.room = {.cpu = node.cpu, .memory = node.memory, .gpus = node.gpus, .model = node.model},
              .all_cpu = node.cpu};
    for (std::int32_t g = 0; g < node.gpus; ++g) seat.room.free[static_cast<std::size_t>(g)] = 1000;
    out.push_back(seat);
  }
  return out;
}

void take(Seat& seat, const Shape& shape, Devices devices) {
  seat.room.cpu -= shape.cpu;
  seat.room.memory -= shape.memory;
  for (std::uint32_t g = 0; g < most_devices; ++g) {
    if ((devices >> g & 1U) != 0) seat.room.free[g] -= shape.milli;
  }
  seat.kinds |= kind_of(shape);
}

std::optional<std::size_t> any_node(const std::vector<Seat>& seats, const Shape& shape, Random& random) {
  std::vector<std::size_t> feasible;
  for (std::size_t n = 0; n < seats.size(); ++n) {
    if (fits(seats[n].room, shape)) feasible.push_back(n);
  }
  if (feasible.empty()) return std::nullopt;
  return feasible[random.below(feasible.size())];
}

// Fragmentation of all nodes.
class Fragments {
 public:
  Fragments(const sched::rank::Mix& mix, const std::vector<Seat>& seats) : mix_(mix), seats_(seats) {
    for (const Seat& seat : seats) of_node_.push_back(mix.fragment(seat.room.view()));
    sum_ = std::accumulate(of_node_.begin(), of_node_.end(), std::int64_t{0});
  }
  void changed(std::size_t node) {
    sum_ -= of_node_[node];
    of_node_[node] = mix_.fragment(seats_[node].room.view());
    sum_ += of_node_[node];
  }
  double milli() const {
    return static_cast<double>(sum_) / static_cast<double>(std::max<std::int64_t>(mix_.pods(), 1));
  }

 private:
  const sched::rank::Mix& mix_;
  const std::vector<Seat>& seats_;
  std::vector<std::int64_t> of_node_;
  std::int64_t sum_ = 0;
};

class Means {
 public:
  explicit Means(double fragment) : first_{0, 0, fragment} {}
  void add(std::int32_t arrived, double allocated, double fragment) {
    Sum& sum = sums_[arrived];
    sum.allocated += allocated, sum.fragment += fragment, ++sum.events;
  }
  // At each whole percent; where no event fell on one, what held then.
  std::vector<Point> points() const {
    std::vector<Point> out;
    Point last = first_;
    for (const auto& [arrived, sum] : sums_) {
      for (; last.arrived < arrived; ++last.arrived) out.push_back(last);
      const double n = static_cast<double>(sum.events);
      out.push_back({arrived, sum.allocated / n, sum.fragment / n});
      last = out.back();
      ++last.arrived;
    }
    return out;
  }

 private:
  struct Sum {
    double allocated = 0, fragment = 0;
    std::int64_t events = 0;
  };
  Point first_;
  std::map<std::int32_t, Sum> sums_;
};

}  // namespace

const Point* Curve::at(std::int32_t arrived) const {
  for (const Point& point : points) {
    if (point.arrived == arrived) return &point;
  }
  return nullptr;
}

Curve run_experiment(const Lists& lists, const sched::rank::Gradient& gradient, std::string_view name,
                     std::uint64_t seed, double demand) {
  const std::unique_ptr<Policy> policy = make_policy(name, gradient);
  CHECK(policy != nullptr, "the caller knows the policy");
  const std::int64_t capacity = capacity_of(lists.nodes);
  // Streams of their own: arrivals and order of nodes are the same for every policy of one seed.
  Random arriving(3 * seed), ordering(3 * seed + 1), random(3 * seed + 2);
  const std::vector<Shape> pods = arrivals(lists.pods, std::llround(static_cast<double>(capacity) * demand), arriving);
  std::vector<Seat> seats = seats_of(lists.nodes, ordering);
  Fragments fragments(gradient.mix(), seats);
  BestNode best(*policy, seats);
  std::int64_t arrived = 0, allocated = 0;
  const double percent = 100.0 / static_cast<double>(capacity);
  Means means(fragments.milli() * percent);
  for (const Shape& shape : pods) {
    arrived += shape.demand();
    const std::optional<std::size_t> node =
        policy->takes_any_node() ? any_node(seats, shape, random) : best.find(shape);
    if (node) {
      Seat& seat = seats[*node];
      take(seat, shape, policy->devices(seat, shape, random));
      best.changed(*node);
      allocated += shape.demand();
      fragments.changed(*node);
    }
    means.add(static_cast<std::int32_t>(std::lround(static_cast<double>(arrived) * percent)),
              static_cast<double>(allocated) * percent, fragments.milli() * percent);
  }
  return {.pods = pods.size(), .points = means.points()};
}

}  // namespace muster::sim::trace
