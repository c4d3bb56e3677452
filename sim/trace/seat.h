#pragma once
// Seat: one node of the experiment and what is still free on it.

#include <array>
#include <bit>
#include <cstdint>

#include "sched/rank/gradient.h"
#include "sim/trace/lists.h"

namespace muster::sim::trace {

// What is free on one node. Unused entries of `free` are 0.
struct Room {
  std::int32_t cpu = 0;
  std::int32_t memory = 0;
  std::int32_t gpus = 0;
  std::uint32_t model = 0;
  std::array<std::int32_t, most_devices> free{};  // thousandths of each device

  sched::rank::Room view() const {
    return {cpu, static_cast<std::uint32_t>(std::countr_zero(model)), {free.data(), static_cast<std::size_t>(gpus)}};
  }
};

// A node with what kinds of pods stand on it: bit 0 shares, bit k pods with k devices.
struct Seat {
  Room room;
  std::int32_t all_cpu = 0;
  std::uint32_t kinds = 0;
};

inline sched::rank::Ask ask_of(const Shape& shape) { return {shape.cpu, shape.gpus, shape.gpus > 0 ? shape.milli : 0}; }

// The score of the engine's placement `fragmentation`, with the pods of the list as its mix. Invalid when they name
// models in more than 64 ways.
Result<sched::rank::Gradient> gradient_of(const Lists& lists);

}  // namespace muster::sim::trace
