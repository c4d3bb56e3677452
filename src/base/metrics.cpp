#include "base/metrics.h"

#include <charconv>
#include <cmath>

#include "base/check.h"

namespace muster::metrics {
namespace {

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[64];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') out += "\\\\";
    else if (c == '\n') out += "\\n";
    else if (c == '"' && quotes) out += "\\\"";
    else out += c;
  }
  return out;
}

// a="b",c="d"
std::string written(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out += ',';
    out += name + "=\"" + escaped(value, true) + "\"";
  }
  return out;
}

std::string braced(const std::string& labels, const std::string& more = "") {
  const std::string all = labels + (labels.empty() || more.empty() ? "" : ",") + more;
  return all.empty() ? "" : "{" + all + "}";
}

void write_histogram(const std::string& name, const std::string& labels, const Histogram& histogram, std::string& out) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
    count += histogram.in_bucket(i);
    const double bound = i < histogram.bounds().size() ? histogram.bounds()[i] : INFINITY;
    out += name + "_bucket" + braced(labels, "le=\"" + number(bound) + "\"") + " " + std::to_string(count) + "\n";
  }
  out += name + "_sum" + braced(labels) + " " + number(histogram.sum()) + "\n";
  out += name + "_count" + braced(labels) + " " + std::to_string(count) + "\n";
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), buckets_(bounds_.size() + 1) {
  CHECK(std::is_sorted(bounds_.begin(), bounds_.end()), "bounds stand in the code");
}

void Histogram::observe(double value) {
  const std::size_t i =
      static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin());
  buckets_[i].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

Registry::Family& Registry::family(std::string_view name, std::string_view help) {
  Family& family = families_[std::string(name)];
  if (family.help.empty()) family.help = help;
  return family;
}

Counter& Registry::counter(std::string_view name, std::string_view help, const Labels& labels) {
  Lock lock(mutex_);
  Family& of_name = family(name, help);
  CHECK(of_name.gauges.empty() && of_name.histograms.empty(), "one name has one kind");
  std::unique_ptr<Counter>& made = of_name.counters[written(labels)];
  if (!made) made = std::make_unique<Counter>();
  return *made;
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  Lock lock(mutex_);
  Family& of_name = family(name, help);
  CHECK(of_name.counters.empty() && of_name.histograms.empty(), "one name has one kind");
  std::unique_ptr<Gauge>& made = of_name.gauges[written(labels)];
  if (!made) made = std::make_unique<Gauge>();
  return *made;
}

Histogram& Registry::histogram(std::string_view name, std::string_view help, const std::vector<double>& bounds,
                               const Labels& labels) {
  Lock lock(mutex_);
  Family& of_name = family(name, help);
  CHECK(of_name.counters.empty() && of_name.gauges.empty(), "one name has one kind");
  std::unique_ptr<Histogram>& made = of_name.histograms[written(labels)];
  if (!made) made = std::make_unique<Histogram>(bounds);
  return *made;
}

std::string Registry::text() const {
  Lock lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    const char* kind = !family.histograms.empty() ? "histogram" : !family.gauges.empty() ? "gauge" : "counter";
    out += "# HELP " + name + " " + escaped(family.help, false) + "\n# TYPE " + name + " " + kind + "\n";
    for (const auto& [labels, counter] : family.counters)
      out += name + braced(labels) + " " + number(counter->value()) + "\n";
    for (const auto& [labels, gauge] : family.gauges)
      out += name + braced(labels) + " " + number(gauge->value()) + "\n";
    for (const auto& [labels, histogram] : family.histograms) write_histogram(name, labels, *histogram, out);
  }
  return out;
}

Registry& registry() {
  static Registry instance;
  return instance;
}

std::vector<double> second_bounds() {
  std::vector<double> bounds;
  for (int i = 0; i < 15; ++i) bounds.push_back(0.001 * (1 << i));
  return bounds;
}

}  // namespace muster::metrics
