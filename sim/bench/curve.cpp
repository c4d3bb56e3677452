// The fitted line of a curve, and its plot in letters.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/bench/growth.h"

namespace muster::sim::bench {
namespace {

constexpr double least_ms = 0.02;

// Least squares of log time over log size.
void fit(Curve& curve) {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (const Curve::Point& p : curve.points) {
    const double lx = std::log(p.size), ly = std::log(p.ms);
    n += 1, x += lx, y += ly, xx += lx * lx, xy += lx * ly;
  }
  curve.exponent = (n * xy - x * y) / (n * xx - x * x);
  const double level = (y - curve.exponent * x) / n;
  for (const Curve::Point& p : curve.points) {
    const double away = std::abs(std::log(p.ms) - level - curve.exponent * std::log(p.size));
    curve.off = std::max(curve.off, std::exp(away));
  }
}

double size_of(const Line& line, bool by_nodes) {
  return static_cast<double>(by_nodes ? line.nodes : line.measured.pending);
}

// Lines of one case as a curve; more than one where both sizes vary freely.
void add_curves(const std::string& name, const std::vector<const Line*>& lines, std::vector<Curve>& out) {
  std::map<std::int64_t, std::vector<const Line*>> by_nodes, by_pending;
  for (const Line* line : lines) {
    by_nodes[line->nodes].push_back(line);
    by_pending[line->asked_pending.value_or(-1)].push_back(line);
  }
  const bool pairs = by_nodes.size() == lines.size();
  auto add = [&](const std::string& title, std::vector<const Line*> points, bool nodes) {
    if (points.size() < 3) return;
    std::sort(points.begin(), points.end(),
              [&](const Line* a, const Line* b) { return size_of(*a, nodes) < size_of(*b, nodes); });
    Curve curve{.name = title, .axis = nodes ? "nodes" : "waiting"};
    for (const Line* p : points) curve.points.push_back({size_of(*p, nodes), std::max(least_ms, p->median_ms)});
    fit(curve);
    out.push_back(std::move(curve));
  };
  if (pairs) {
    add(name, lines, true);
    return;
  }
  for (const auto& [pending, points] : by_pending)
    add(pending < 0 ? name : fmt::format("{} ({} waiting)", name, pending), points, true);
  for (const auto& [nodes, points] : by_nodes) add(fmt::format("{} ({} nodes)", name, nodes), points, false);
}

}  // namespace

std::vector<Curve> curves_of(const std::vector<Line>& lines) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const Line*>> cases;
  for (const Line& line : lines) {
    if (!cases.contains(line.name)) order.push_back(line.name);
    cases[line.name].push_back(&line);
  }
  std::vector<Curve> out;
  for (const std::string& name : order) add_curves(name, cases[name], out);
  return out;
}

std::string plot_of(const std::vector<Curve>& curves) {
  constexpr int width = 64, height = 16;
  double low_x = 1e300, high_x = 0, low_y = 1e300, high_y = 0;
  for (const Curve& curve : curves)
    for (const Curve::Point& p : curve.points) {
      low_x = std::min(low_x, p.size), high_x = std::max(high_x, p.size);
      low_y = std::min(low_y, p.ms), high_y = std::max(high_y, p.ms);
    }
  const auto at = [](double value, double low, double high, int cells) {
    return high <= low ? 0 : static_cast<int>(std::lround(std::log(value / low) / std::log(high / low) * (cells - 1)));
  };
  std::vector<std::string> grid(height, std::string(width, ' '));
  std::string legend;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const char letter = static_cast<char>('a' + i % 26);
    for (const Curve::Point& p : curves[i].points) {
      const int row = height - 1 - at(p.ms, low_y, high_y, height), column = at(p.size, low_x, high_x, width);
      grid[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] = letter;
    }
    legend += fmt::format("\n{} {}: ms ~ {}^{:.2f}, farthest point {:.2f}x off", letter, curves[i].name, curves[i].axis,
                          curves[i].exponent, curves[i].off);
    if (curves[i].off > most_off) legend += fmt::format(" (more than {:g}x)", most_off);
  }
  std::string out;
  for (int row = 0; row < height; ++row) {
    const std::string label = row == 0            ? fmt::format("{:.3g} ms", high_y)
                              : row == height - 1 ? fmt::format("{:.3g} ms", low_y)
                                                  : "";
    out += fmt::format("{:>12} |{}\n", label, grid[static_cast<std::size_t>(row)]);
  }
  out += fmt::format("{:>12} +{}\n", "", std::string(width, '-'));
  const std::string low = fmt::format("{:g}", low_x);
  out += fmt::format("{:>12}  {}{:>{}}", "", low, fmt::format("{:g}", high_x), width - static_cast<int>(low.size()));
  return out + legend;
}

}  // namespace muster::sim::bench
