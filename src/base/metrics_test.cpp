#include "base/metrics.h"

#include <doctest/doctest.h>

namespace muster::metrics {
namespace {

TEST_CASE("metrics are written as Prometheus reads them") {
  Registry registry;
  registry.counter("muster_requests_total", "Requests answered.", {{"path", "/a\"b\\c\nd"}, {"code", "200"}}).add(3);
  registry.gauge("muster_queue_length", "Tasks that wait.").set(2.5);
  Histogram& seconds =
      registry.histogram("muster_round_seconds", "Length of a round.", {0.1, 1}, {{"pool", "default"}});
  seconds.observe(0.1);
  seconds.observe(0.5);
  seconds.observe(9);
  CHECK(registry.text() ==
        "# HELP muster_queue_length Tasks that wait.\n"
        "# TYPE muster_queue_length gauge\n"
        "muster_queue_length 2.5\n"
        "# HELP muster_requests_total Requests answered.\n"
        "# TYPE muster_requests_total counter\n"
        "muster_requests_total{path=\"/a\\\"b\\\\c\\nd\",code=\"200\"} 3\n"
        "# HELP muster_round_seconds Length of a round.\n"
        "# TYPE muster_round_seconds histogram\n"
        "muster_round_seconds_bucket{pool=\"default\",le=\"0.1\"} 1\n"
        "muster_round_seconds_bucket{pool=\"default\",le=\"1\"} 2\n"
        "muster_round_seconds_bucket{pool=\"default\",le=\"+Inf\"} 3\n"
        "muster_round_seconds_sum{pool=\"default\"} 9.6\n"
        "muster_round_seconds_count{pool=\"default\"} 3\n");
}

TEST_CASE("asking again for a metric gives the same one") {
  Registry registry;
  Counter& first = registry.counter("a_total", "A.");
  first.add();
  CHECK(&registry.counter("a_total", "A.") == &first);
  CHECK(&registry.counter("a_total", "A.", {{"x", "1"}}) != &first);
  CHECK(second_bounds().size() == 15);
}

TEST_CASE("counting from many threads loses nothing") {
  Registry registry;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) {
          registry.counter("n_total", "N.").add();
          registry.histogram("h", "H.", {10}).observe(1);
        }
      });
    }
  }
  CHECK(registry.counter("n_total", "N.").value() == 4000);
  CHECK(registry.histogram("h", "H.", {10}).sum() == 4000);
}

}  // namespace
}  // namespace muster::metrics
