#pragma once
// Resources: what queues share out and nodes hold. Fixed units, integers.

#include <compare>
#include <cstdint>

namespace muster::model {

struct Resources {
  std::int64_t gpu = 0;     // thousandths of a device
  std::int64_t cpu = 0;     // milli-cores
  std::int64_t memory = 0;  // bytes

  friend constexpr auto operator<=>(const Resources&, const Resources&) = default;
  constexpr Resources& operator+=(const Resources& o) {
    gpu += o.gpu, cpu += o.cpu, memory += o.memory;
    return *this;
  }
  constexpr Resources& operator-=(const Resources& o) {
    gpu -= o.gpu, cpu -= o.cpu, memory -= o.memory;
    return *this;
  }
  friend constexpr Resources operator+(Resources a, const Resources& b) { return a += b; }
  friend constexpr Resources operator-(Resources a, const Resources& b) { return a -= b; }
};

}  // namespace muster::model
