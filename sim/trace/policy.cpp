#include "sim/trace/policy.h"

#include <algorithm>
#include <cmath>

namespace muster::sim::trace {
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

// Places where the fragmentation of the node grows least.
class Gradient : public Policy {
 public:
  explicit Gradient(const Mix& mix) : mix_(mix) {}

  std::int64_t score(const Seat& seat, const Shape& shape) const override {
    return floored(100 * bounded(least(seat.room, shape).second));
  }

  Devices devices(const Seat& seat, const Shape& shape, Random&) const override {
    return least(seat.room, shape).first;
  }

 protected:
  static double bounded(double gain) { return 1 / (1 + std::exp(-gain)); }

  // The devices with which fragmentation falls most, and by how much, in devices.
  std::pair<Devices, double> least(const Room& room, const Shape& shape) const {
    const double before = mix_.fragment(room);
    if (shape.gpus == 1 && shape.milli < 1000) {
      std::array<double, most_devices> after{};
      mix_.fragment_after_share(room, shape.cpu, shape.milli, after);
      std::optional<std::uint32_t> best;
      for (std::uint32_t g = 0; g < static_cast<std::uint32_t>(room.gpus); ++g) {
        if (room.free[g] >= shape.milli && (!best || after[g] < after[*best])) best = g;
      }
      return {1U << *best, (before - after[*best]) / 1000};
    }
    const Devices mask = first_fitting(room, shape);
    Room after = room;
    after.cpu -= shape.cpu;
    for (std::uint32_t g = 0; g < static_cast<std::uint32_t>(room.gpus); ++g) {
      if ((mask >> g & 1U) != 0) after.free[g] -= shape.milli;
    }
    return {mask, (before - mix_.fragment(after)) / 1000};
  }

 private:
  const Mix& mix_;
};

// Our own: the gradient; among nodes of one score those that end nearest to full and with CPU and devices used up
// together, in five coarse steps, so that the run's fixed order still spreads the rest. Where many pods name the models
// they accept, packing by fullness burns the rare models first: there the fixed order alone decides.
class Muster final : public Gradient {
 public:
  explicit Muster(const Mix& mix) : Gradient(mix), by_order_(mix.picky() > 0.2) {}

  std::int64_t score(const Seat& seat, const Shape& shape) const override {
    const std::int64_t score = Gradient::score(seat, shape) * 10;
    if (by_order_) return score;
    const double cpu = seat.room.cpu - shape.cpu;
    const double gpu = free_gpu(seat.room) - static_cast<double>(shape.demand());
    const double left = (cpu / most_cpu + gpu / most_gpu) / 2;
    const double imbalance = std::abs(cpu / seat.all_cpu - gpu / (seat.room.gpus * 1000.0));
    return score + floored(5 * (1 - (left + imbalance) / 2));
  }

 private:
  bool by_order_ = false;
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

std::unique_ptr<Policy> make_policy(std::string_view name, const Mix& mix) {
  if (name == "random") return std::make_unique<AnyNode>();
  if (name == "dotprod") return std::make_unique<DotProduct>();
  if (name == "gpuclustering") return std::make_unique<Clustering>();
  if (name == "gpupacking") return std::make_unique<Packing>();
  if (name == "bestfit") return std::make_unique<BestFit>();
  if (name == "fgd") return std::make_unique<Gradient>(mix);
  if (name == "muster") return std::make_unique<Muster>(mix);
  return nullptr;
}

const std::vector<std::string>& policy_names() {
  static const std::vector<std::string> names = {"random",  "dotprod", "gpuclustering", "gpupacking",
                                                 "bestfit", "fgd",     "muster"};
  return names;
}

}  // namespace muster::sim::trace
