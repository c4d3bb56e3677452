#pragma once
// Scenery: what the benchmark cases share: their clock, names in numbers, nodes, and who runs at the start.

#include <string>

#include "sim/bench/cases.h"
#include "sim/bench/stage.h"

namespace muster::sim::bench {

using Log = sched::replay::Recorder::Append;

inline constexpr Time begin{1'767'225'600'000};
inline constexpr std::int32_t per_node = 8;

// Long before `begin`, later ones for larger numbers.
Time before(std::int64_t n);
std::string numbered(const char* what, std::int64_t n);
void add_nodes(Stage& stage, std::int64_t nodes);
// The first devices of every node taken by one-GPU jobs of `queue`.
void fill_with_singles(Stage& stage, std::int64_t nodes, const std::string& queue, std::int32_t devices = per_node);
// A cluster full of quarters of devices, and jobs that wait.
void crowd(Stage& stage, std::int64_t nodes, std::int64_t pods, std::int64_t pending);
// Rounds until one decides nothing.
void run_out(Stage& stage);
// Rounds before `begin` until one decides nothing, twenty at most: what can be placed is placed before anything is
// measured.
void come_to_rest(Stage& stage);
// All that was measured on the stage, as one time.
Measured finish(const Stage& stage, const Size& size, std::int64_t pods, std::int64_t pending);

}  // namespace muster::sim::bench
