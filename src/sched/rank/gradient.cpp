#include "sched/rank/gradient.h"

#include <cstdlib>
#include <numeric>

namespace muster::sched::rank {
namespace {

constexpr std::int64_t step = 40;        // thousandths of a device
constexpr std::int64_t most_steps = 75;  // beyond three devices more makes no difference
constexpr std::int64_t price = 6;  // steps, for a node of which all is asked for by pods that may not go elsewhere
constexpr std::int64_t most_price = 100;  // steps
constexpr std::int64_t levels = 5;        // of tightness; fewer than a step is worth
constexpr std::int64_t step_worth = 8;

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && a < 0 ? 1 : 0); }

}  // namespace

// How far the node is used up once the pod is there, and CPU and devices alike; 0 to `levels`.
std::int64_t Gradient::tightness(const Host& host, const Ask& ask) const {
  const std::int64_t cpu = host.room.cpu - ask.cpu;
  const std::int64_t gpu = std::accumulate(host.room.free.begin(), host.room.free.end(), std::int64_t{0}) -
                           static_cast<std::int64_t>(ask.devices) * ask.milli;
  const std::int64_t left = (cpu * 1000 / most_cpu_ + gpu * 1000 / most_gpu_) / 2;
  const std::int64_t cpu_part = host.cpu > 0 ? cpu * 1000 / host.cpu : 0;
  const std::int64_t gpu_part = host.gpu > 0 ? gpu * 1000 / host.gpu : 0;
  return std::clamp<std::int64_t>(levels * (10'000 - 7 * left - 3 * std::abs(cpu_part - gpu_part)) / 10'000, 0, levels);
}

std::int32_t Gradient::score(const Host& host, const Ask& ask, std::uint64_t open) const {
  const std::int64_t pods = std::max<std::int64_t>(mix_.pods(), 1);
  const std::int64_t gain = mix_.fragment(host.room) - mix_.take(host.room, ask, open).fragment;
  std::int64_t steps = std::clamp(floor_div(gain, step * pods), -most_steps, most_steps);
  if (ask.devices > 0) steps -= std::min((price * mix_.pressure(host.room.kind) + 500) / 1000, most_price);
  return static_cast<std::int32_t>(steps * step_worth + tightness(host, ask));
}

}  // namespace muster::sched::rank
