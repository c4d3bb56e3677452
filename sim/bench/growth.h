#pragma once
// Growth: how the time of a case grows with its size: exponents between neighbours, the fitted line and how far points
// lie from it, a drawing for files and one for terminals.

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

// Against the largest smaller size of the same case among `before`: by nodes while what waits is the same or grows with
// them, else by what waits.
void set_exponent(const std::vector<Line>& before, Line& line);

// One case along one size.
struct Curve {
  std::string name;
  std::string axis;  // "nodes" or "waiting"
  struct Point {
    double size = 0, ms = 0;
  };
  std::vector<Point> points;  // by size
  double exponent = 0;        // of the fitted line
  double off = 1;             // the farthest point lies so many times above or below it
};
// Curves of three points and more. Times below 20 us count as 20: there the clock and the machine are measured.
std::vector<Curve> curves_of(const std::vector<Line>& lines);
// How far from its line a point may lie.
inline constexpr double most_off = 2;

// Both axes logarithmic, a letter a curve.
std::string plot_of(const std::vector<Curve>& curves);
// growth.csv and growth.svg (both axes logarithmic) in a folder that is made where it is missing.
Result<void> write_growth(const std::vector<Line>& lines, const std::string& folder);

}  // namespace muster::sim::bench
