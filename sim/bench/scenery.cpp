#include "sim/bench/scenery.h"

namespace muster::sim::bench {

Time before(std::int64_t n) { return begin - seconds(1'000'000) + milliseconds(n); }

std::string numbered(const char* what, std::int64_t n) { return what + std::to_string(n); }

void add_nodes(Stage& stage, std::int64_t nodes) {
  for (std::int64_t n = 0; n < nodes; ++n) stage.add(node_of(numbered("n", n), per_node));
}

void fill_with_singles(Stage& stage, std::int64_t nodes, const std::string& queue, std::int32_t devices) {
  for (std::int64_t n = 0; n < nodes; ++n) {
    for (std::int32_t g = 0; g < devices; ++g) {
      const std::int64_t number = n * devices + g;
      stage.add_running({.name = numbered("old-", number), .queue = queue}, before(number), numbered("n", n), g);
    }
  }
}

Measured finish(const Stage& stage, const Size& size, std::int64_t pods, std::int64_t pending) {
  return {.ms = {stage.milliseconds()},
          .gpus = size.nodes * per_node,
          .pods = pods,
          .pending = pending,
          .decisions = stage.counts().all(),
          .evictions = stage.counts().evictions,
          .rss_mib = resident_mib()};
}

void run_out(Stage& stage) {
  for (int round = 1; round <= 1000; ++round) {
    if (stage.cycle(begin + seconds(round)).decisions.empty()) return;
  }
}

void crowd(Stage& stage, std::int64_t nodes, std::int64_t pods, std::int64_t pending) {
  add_nodes(stage, nodes);
  constexpr std::int64_t queues = 100;
  for (std::int64_t q = 0; q < queues; ++q) stage.add(queue_of(numbered("q-", q), "", nodes * per_node / queues));
  for (std::int64_t p = 0; p < pods; ++p) {
    const std::int64_t slot = p % (nodes * per_node);
    stage.add_running({.name = numbered("old-", p), .queue = numbered("q-", p % queues), .milli = 250}, before(p),
                      numbered("n", slot / per_node), static_cast<std::int32_t>(slot % per_node));
  }
  for (std::int64_t j = 0; j < pending; ++j) {
    // One job in ten could be placed some day; the others ask for more than any node has left.
    const bool small = j % 10 == 0;
    stage.add({.name = numbered("wait-", j),
               .queue = numbered("q-", j % queues),
               .pods = small ? 1 : 2,
               .gpus = small ? 1 : per_node},
              before(pods + j));
  }
}

void come_to_rest(Stage& stage) {
  constexpr int rounds = 20;
  for (int round = 0; round < rounds; ++round) {
    if (stage.cycle(begin - seconds(rounds - round)).decisions.empty()) return;
  }
}

}  // namespace muster::sim::bench
