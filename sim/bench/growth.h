#pragma once
// Growth: how the time of a case grows with its size: exponents between neighbours, the fitted line, a table and a
// drawing of it.

#include <string>
#include <vector>

#include "base/result.h"
#include "sim/bench/cases.h"

namespace muster::sim::bench {

struct Line {
  std::string name;
  std::int64_t nodes = 0, repeat = 1;
  std::optional<std::int64_t> asked_pending;
  Measured measured;
  double median_ms = 0, p99_ms = 0, max_ms = 0;
  std::optional<double> exponent;  // against the next smaller size
};

// Against the largest smaller size of the same case among `before`.
void set_exponent(const std::vector<Line>& before, Line& line);
// growth.csv and growth.svg (both axes logarithmic) in a folder that is made where it is missing.
Result<void> write_growth(const std::vector<Line>& lines, const std::string& folder);

}  // namespace muster::sim::bench
