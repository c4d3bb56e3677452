#include "sim/sim.h"

namespace muster::sim {

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"sim scenario", "run scenario files and compare with what they expect", main_scenario},
      {"sim solve", "run a scenario to rest and show what came out", main_solve},
      {"sim trace", "fill a real cluster until it is full, under several policies", main_trace},
      {"sim bench", "measure the engine", main_bench},
      {"sim replay", "replay a decision log", main_replay},
      {"sim fuzz", "random worlds, every rule checked", main_fuzz}};
  return all;
}

}  // namespace muster::sim
