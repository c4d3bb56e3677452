#pragma once
// Mix: the shapes that a list of pods is made of, and how much of a node's free devices is of no use to them. The
// fragmentation of a node is the expected part of its free GPU that a pod drawn from the mix cannot take (Weng et al.,
// USENIX ATC 2023).

#include <array>
#include <cstdint>
#include <vector>

#include "sim/trace/lists.h"

namespace muster::sim::trace {

// What is free on one node. Unused entries of `free` are 0.
struct Room {
  std::int32_t cpu = 0;
  std::int32_t memory = 0;
  std::int32_t gpus = 0;
  std::uint32_t model = 0;
  std::array<std::int32_t, most_devices> free{};  // thousandths of each device
};

class Mix {
 public:
  // The most frequent shapes (memory left aside) that together cover 95 % of the pods, CPU-only ones included. Invalid
  // when they ask for more than 64 different shares of a device.
  static Result<Mix> create(const std::vector<PodLine>& pods, const std::vector<std::string>& models);

  // The part of all pods that name the models they accept.
  double picky() const { return picky_; }
  std::size_t shapes() const { return shapes_; }
  // Thousandths of devices.
  double fragment(const Room& room) const;
  // What `fragment` would be with `cpu` less, and with each device of `free` in turn taken down by `milli` (one
  // device); worked out together because most of it is shared. out[g] is set where device g has that much.
  void fragment_after_share(const Room& room, std::int32_t cpu, std::int32_t milli,
                            std::array<double, most_devices>& out) const;

 private:
  static constexpr std::size_t most_thresholds = 64;
  Mix() = default;
  Result<void> fill(const std::vector<PodLine>& pods, const std::vector<std::string>& models);
  struct Kind {  // shapes that ask for the same devices
    std::int32_t gpus = 0, milli = 0;
    std::int32_t threshold = 0;  // index into thresholds_
    double weight = 0;           // of all its shapes
  };
  struct Sums {                                         // of one node, per threshold
    std::array<std::int32_t, most_thresholds> count{};  // devices with at least so much free
    std::array<std::int32_t, most_thresholds> small{};  // free in devices with less
    std::int32_t free = 0;
  };
  Sums sums(const Room& room) const;
  std::size_t level(std::int32_t cpu) const;
  double total(const Sums& sums, const double* fits) const;
  const double* fits(std::uint32_t model, std::size_t level) const;

  std::size_t shapes_ = 0;
  double picky_ = 0;
  double cpu_only_ = 0;                   // weight of shapes without a device
  std::vector<std::int32_t> thresholds_;  // distinct milli, rising
  std::vector<Kind> kinds_;
  std::vector<std::int32_t> levels_;  // distinct CPU requests, rising
  std::vector<double> fits_;  // [model][level][kind]: weight of the kind's shapes that the node's CPU and model serve
};

}  // namespace muster::sim::trace
