#pragma once
// Gradient: the score of placement `fragmentation`. A pod goes where it leaves least behind that nobody can use; to
// nodes that others must have only when they are the better place by as much as they are in demand; and among equals
// where CPU and devices are used up, and used up together. All of it in whole steps: finer ones do worse (the tie goes
// to the first node, and so nodes fill up one after the other).

#include <algorithm>

#include "sched/rank/mix.h"

namespace muster::sched::rank {

// A node as it is, and what it has in all.
struct Host {
  Room room;
  std::int64_t cpu = 0;
  std::int64_t gpu = 0;  // thousandths of devices
};

class Gradient {
 public:
  Gradient() = default;
  // `most_cpu`, `most_gpu`: of one node.
  Gradient(Mix mix, std::int64_t most_cpu, std::int64_t most_gpu)
      : mix_(std::move(mix)),
        most_cpu_(std::max<std::int64_t>(most_cpu, 1)),
        most_gpu_(std::max<std::int64_t>(most_gpu, 1)) {}

  const Mix& mix() const { return mix_; }
  // Higher is better. Requires: the pod fits on devices of `open`.
  std::int32_t score(const Host& host, const Ask& ask, std::uint64_t open) const;

 private:
  std::int64_t tightness(const Host& host, const Ask& ask) const;

  Mix mix_;
  std::int64_t most_cpu_ = 1, most_gpu_ = 1;
};

}  // namespace muster::sched::rank
