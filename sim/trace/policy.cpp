#include "sim/trace/policy.h"

#include <algorithm>
#include <cmath>

namespace muster::sim::trace {

using sched::rank::Gradient;
using sched::rank::Mix;

namespace {

// The largest node of the trace: what amounts are divided by.
constexpr double most_cpu = 128'000;
constexpr double most_gpu = 8'000;

double free_gpu(const Room& room) {
  std::int32_t sum = 0;
  for (std::int32_t g = 0; g < room.gpus; ++g) sum += room.free[static_cast<std::size_t>(g)];
  return sum;
}

std::int64_t floored(double score) { return static_cast<std::int64_t>(std::floor(score)); }

// The first `gpus` devices with `milli` free.
Devices first_fitting(const Room& room, const Shape& shape) {
  Devices mask = 0;
  std::int32_t left = shape.gpus;
  for (std::uint32_t g = 0; left > 0; ++g) {
    if (room.free[g] < shape.milli) continue;
    mask |= 1U << g;
    --left;
  }
  return mask;
}

// A share goes to the fullest device that has room, whole devices to the first free ones.
Devices fullest_fitting(const Room& room, const Shape& shape) {
  if (shape.gpus != 1 || shape.milli == 1000) return first_fitting(room, shape);
  std::optional<std::uint32_t> best;
  for (std::uint32_t g = 0; g < static_cast<std::uint32_t>(room.gpus); ++g) {
    if (room.free[g] >= shape.milli && (!best || room.free[g] < room.free[*best])) best = g;
  }
  return 1U << *best;
}

class Packer : public Policy {
 public:
  Devices devices(const Seat& seat, const Shape& shape, Random&) const override {
    return fullest_fitting(seat.room, shape);
  }
};

class AnyNode final : public Policy {
 public:
  std::int64_t score(const Seat&, const Shape&) const override { return 0; }
  bool takes_any_node() const override { return true; }
  Devices devices(const Seat& seat, const Shape& shape, Random& random) const override {
    std::vector<std::uint32_t> fitting;
    for (std::uint32_t g = 0; g < static_cast<std::uint32_t>(seat.room.gpus); ++g) {
      if (seat.room.free[g] >= shape.milli) fitting.push_back(g);
    }
    shuffle(fitting, random);
    Devices mask = 0;
    for (std::int32_t n = 0; n < shape.gpus; ++n) mask |= 1U << fitting[static_cast<std::size_t>(n)];
    return mask;
  }
};

class DotProduct final : public Packer {
 public:
  std::int64_t score(const Seat& seat, const Shape& shape) const override {
    const double cpu = seat.room.cpu / most_cpu * (shape.cpu / most_cpu);
    const double gpu = free_gpu(seat.room) / most_gpu * (static_cast<double>(shape.demand()) / most_gpu);
    return floored(100 * (1 - (cpu + gpu) / 2));
  }
};

class Clustering final : public Packer {
 public:
  std::int64_t score(const Seat& seat, const Shape& shape) const override {
    if (shape.gpus == 0) return 0;
    const double full = 25 * (most_gpu - free_gpu(seat.room)) / most_gpu;
    const std::uint32_t kind = kind_of(shape);
    if (seat.kinds == kind) return floored(75 + full);
    if ((seat.kinds & kind) != 0) return floored(50 + full);
    if (seat.kinds == 0) return floored(25 + full);
    return floored(full);
  }
};

class Packing final : public Packer {
 public:
  std::int64_t score(const Seat& seat, const Shape& shape) const override {
    if (shape.gpus == 0) return 0;
    const Room& room = seat.room;
    if (free_gpu(room) == room.gpus * 1000) return std::max(33 - room.gpus, room.gpus);
    const Devices mask = fullest_fitting(room, shape);
    std::int32_t untouched = 0;
    double percent = 0;
    for (std::uint32_t g = 0; g < static_cast<std::uint32_t>(room.gpus); ++g) {
      if ((mask >> g & 1U) == 0) continue;
      untouched += room.free[g] == 1000 ? 1 : 0;
      percent += room.free[g] / 10.0;
    }
    if (untouched == 0) return std::max<std::int64_t>(50, floored(100 - percent / 10));
    return std::max(33, 50 - untouched);
  }
};

std::int64_t best_fit(const Seat& seat, const Shape& shape) {
  const double cpu = (seat.room.cpu - shape.cpu) / most_cpu;
  const double gpu = (free_gpu(seat.room) - static_cast<double>(shape.demand())) / most_gpu;
  return floored(100 * (1 - (0.5 * cpu + 0.5 * gpu)));
}

class BestFit final : public Packer {
 public:
  std::int64_t score(const Seat& seat, const Shape& shape) const override { return best_fit(seat, shape); }
};

// Every device of a node may be taken.
constexpr std::uint64_t any_device = (std::uint64_t{1} << most_devices) - 1;

std::uint64_t open_devices(const Room& room) { return any_device >> (most_devices - room.gpus); }

// Where the fragmentation of the node grows least.
class LeastFragment : public Policy {
 public:
  explicit LeastFragment(const Mix& mix) : mix_(mix) {}

  std::int64_t score(const Seat& seat, const Shape& shape) const override {
    const sched::rank::Room room = seat.room.view();
    const std::int64_t gain = mix_.fragment(room) - mix_.take(room, ask_of(shape), open_devices(seat.room)).fragment;
    const double devices =
        static_cast<double>(gain) / (1000 * static_cast<double>(std::max<std::int64_t>(mix_.pods(), 1)));
    return floored(100 / (1 + std::exp(-devices)));
  }

  Devices devices(const Seat& seat, const Shape& shape, Random&) const override {
    return static_cast<Devices>(mix_.take(seat.room.view(), ask_of(shape), open_devices(seat.room)).devices);
  }

 private:
  const Mix& mix_;
};

// Our own: the engine's placement `fragmentation`.
class Muster final : public LeastFragment {
 public:
  explicit Muster(const Gradient& gradient) : LeastFragment(gradient.mix()), gradient_(gradient) {}

  std::int64_t score(const Seat& seat, const Shape& shape) const override {
    return gradient_.score({seat.room.view(), seat.all_cpu, seat.room.gpus * 1000}, ask_of(shape),
                           open_devices(seat.room));
  }

 private:
  const Gradient& gradient_;
};

struct Row {
  const char* name;
  std::unique_ptr<Policy> (*make)(const Gradient&);
};

template <class P>
std::unique_ptr<Policy> plain(const Gradient&) {
  return std::make_unique<P>();
}

constexpr Row rows[] = {
    {"random", plain<AnyNode>},
    {"dotprod", plain<DotProduct>},
    {"gpuclustering", plain<Clustering>},
    {"gpupacking", plain<Packing>},
    {"bestfit", plain<BestFit>},
    {"fgd", [](const Gradient& g) -> std::unique_ptr<Policy> { return std::make_unique<LeastFragment>(g.mix()); }},
    {"muster", [](const Gradient& g) -> std::unique_ptr<Policy> { return std::make_unique<Muster>(g); }},
};

}  // namespace

bool fits(const Room& room, const Shape& shape) {
  if (room.cpu < shape.cpu || room.memory < shape.memory || (room.model & shape.models) == 0) return false;
  std::int32_t devices = 0;
  for (std::int32_t g = 0; g < room.gpus; ++g) devices += room.free[static_cast<std::size_t>(g)] >= shape.milli ? 1 : 0;
  return devices >= shape.gpus;
}

std::uint32_t kind_of(const Shape& shape) {
  if (shape.gpus == 0) return 0;
  return shape.milli < 1000 ? 1U : 1U << shape.gpus;
}

std::unique_ptr<Policy> make_policy(std::string_view name, const Gradient& gradient) {
  for (const Row& row : rows) {
    if (row.name == name) return row.make(gradient);
  }
  return nullptr;
}

const std::vector<std::string>& policy_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const Row& row : rows) out.emplace_back(row.name);
    return out;
  }();
  return names;
}

}  // namespace muster::sim::trace
