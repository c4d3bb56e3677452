#pragma once
// Resources: what queues share out and nodes hold. Fixed units, integers.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

namespace muster::model {

// How many resources beside the three may have quotas of their own.
inline constexpr std::size_t named_resources = 3;

struct Resources {
  std::int64_t gpu = 0;                               // thousandths of a device
  std::int64_t cpu = 0;                               // milli-cores
  std::int64_t memory = 0;                            // bytes
  std::array<std::int64_t, named_resources> named{};  // units of named resource classes, in the engine's order

  friend constexpr auto operator<=>(const Resources&, const Resources&) = default;
  constexpr Resources& operator+=(const Resources& o) {
    gpu += o.gpu, cpu += o.cpu, memory += o.memory;
    for (std::size_t i = 0; i < named_resources; ++i) named[i] += o.named[i];
    return *this;
  }
  constexpr Resources& operator-=(const Resources& o) {
    gpu -= o.gpu, cpu -= o.cpu, memory -= o.memory;
    for (std::size_t i = 0; i < named_resources; ++i) named[i] -= o.named[i];
    return *this;
  }
  friend constexpr Resources operator+(Resources a, const Resources& b) { return a += b; }
  friend constexpr Resources operator-(Resources a, const Resources& b) { return a -= b; }
};

}  // namespace muster::model
