#include "sim/bench/growth.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/file.h"

namespace muster::sim::bench {
namespace {

constexpr double width = 860, height = 520, left = 70, top = 20, right = 190, bottom = 50;

struct Scale {
  double low = 0, high = 1;  // decades
  double place(double value) const { return (std::log10(value) - low) / (high - low); }
};

Scale scale_of(const std::vector<double>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  Scale out{.low = std::floor(std::log10(*least)), .high = std::ceil(std::log10(*most))};
  if (out.high <= out.low) out.high = out.low + 1;
  return out;
}

double x_of(const Scale& scale, double size) { return left + scale.place(size) * (width - left - right); }
double y_of(const Scale& scale, double ms) { return height - bottom - scale.place(ms) * (height - top - bottom); }

std::string grid(const Scale& x, const Scale& y, const char* axis) {
  std::string out;
  for (double decade = x.low; decade <= x.high; ++decade) {
    const double at = x_of(x, std::pow(10, decade));
    out += fmt::format("<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" class=\"grid\"/>\n", at, top,
                       height - bottom);
    out += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:g}</text>\n", at, height - bottom + 18,
                       std::pow(10, decade));
  }
  for (double decade = y.low; decade <= y.high; ++decade) {
    const double at = y_of(y, std::pow(10, decade));
    out += fmt::format("<line x1=\"{1}\" y1=\"{0:.1f}\" x2=\"{2}\" y2=\"{0:.1f}\" class=\"grid\"/>\n", at, left,
                       width - right);
    out += fmt::format("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:g} ms</text>\n", left - 8, at + 4,
                       std::pow(10, decade));
  }
  out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", (left + width - right) / 2,
                     height - 12, axis);
  return out;
}

std::string drawing(const std::vector<Curve>& curves) {
  std::vector<double> sizes, ms;
  for (const Curve& curve : curves) {
    for (const Curve::Point& p : curve.points) sizes.push_back(p.size), ms.push_back(p.ms);
  }
  const Scale x = scale_of(sizes), y = scale_of(ms);
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<style>.grid{{stroke:#ddd}}text{{fill:#333}}polyline{{fill:none;stroke-width:2}}</style>\n",
      width, height);
  const bool by_nodes = std::any_of(curves.begin(), curves.end(), [](const Curve& c) { return c.axis == "nodes"; });
  const bool by_waiting = std::any_of(curves.begin(), curves.end(), [](const Curve& c) { return c.axis != "nodes"; });
  out += grid(x, y, by_nodes && by_waiting ? "nodes, or jobs that wait" : by_nodes ? "nodes" : "jobs that wait");
  static const std::vector<std::string> colours = {"#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#0891b2",
                                                   "#be185d", "#4d7c0f", "#9a3412", "#475569", "#a16207"};
  std::size_t number = 0;
  for (const Curve& curve : curves) {
    const std::string& colour = colours[number % colours.size()];
    std::string points;
    for (const Curve::Point& p : curve.points) {
      const double px = x_of(x, p.size), py = y_of(y, p.ms);
      points += fmt::format("{:.1f},{:.1f} ", px, py);
      out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", px, py, colour);
    }
    out += fmt::format("<polyline points=\"{}\" stroke=\"{}\"/>\n", points, colour);
    out += fmt::format("<text x=\"{}\" y=\"{}\" style=\"fill:{}\">{}, {:.2f}</text>\n", width - right + 16,
                       top + 16 * static_cast<double>(++number), colour, curve.name, curve.exponent);
  }
  return out + "</svg>\n";
}

}  // namespace

void set_exponent(const std::vector<Line>& before, Line& line) {
  const auto nearest = [&](auto&& size, auto&& comparable) {
    const Line* smaller = nullptr;
    for (const Line& other : before) {
      if (other.name != line.name || !comparable(other) || size(other) >= size(line)) continue;
      if (smaller == nullptr || size(other) > size(*smaller)) smaller = &other;
    }
    if (smaller == nullptr || smaller->median_ms <= 0 || line.median_ms <= 0) return false;
    line.exponent = std::log(line.median_ms / smaller->median_ms) /
                    std::log(static_cast<double>(size(line)) / static_cast<double>(size(*smaller)));
    return true;
  };
  const auto nodes = [](const Line& l) { return l.nodes; };
  const auto waiting = [](const Line& l) { return l.measured.pending; };
  if (nearest(nodes, [&](const Line& other) { return other.asked_pending == line.asked_pending; })) return;
  if (nearest(waiting, [&](const Line& other) { return other.nodes == line.nodes; })) return;
  nearest(nodes, [&](const Line&) { return true; });
}

Result<void> write_growth(const std::vector<Line>& lines, const std::string& folder) {
  TRY(make_folders(folder, 0755));
  std::string csv = "case,nodes,gpus,pods,pending,median_ms,p99_ms,max_ms,rss_mib,decisions,evictions,exponent\n";
  for (const Line& line : lines) {
    const Measured& m = line.measured;
    csv += fmt::format("{},{},{},{},{},{:.3f},{:.3f},{:.3f},{},{},{},{}\n", line.name, line.nodes, m.gpus, m.pods,
                       m.pending, line.median_ms, line.p99_ms, line.max_ms, m.rss_mib, m.decisions, m.evictions,
                       line.exponent ? fmt::format("{:.2f}", *line.exponent) : "");
  }
  TRY(write_file_atomic(folder + "/growth.csv", csv, 0644));
  const std::vector<Curve> curves = curves_of(lines);
  if (curves.empty()) return {};
  return write_file_atomic(folder + "/growth.svg", drawing(curves), 0644);
}

}  // namespace muster::sim::bench
