#pragma once
// Random: a seeded generator whose numbers are the same on every machine (xoshiro256** seeded by splitmix64).

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace muster::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t next();
  // Uniform in 0..bound-1, without bias. Requires: bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // True with the chance of `of` in a thousand.
  bool chance(std::uint64_t of) { return below(1000) < of; }

 private:
  std::array<std::uint64_t, 4> state_;
};

template <class T>
void shuffle(std::vector<T>& list, Random& random) {
  for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[random.below(i)]);
}

}  // namespace muster::sim
