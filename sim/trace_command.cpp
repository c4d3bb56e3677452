// `muster sim trace`: fills a real cluster until it is full, under several policies, and draws how much of it is in
// use.

#include <fmt/core.h>

#include <charconv>
#include <cmath>

#include "base/clock.h"
#include "base/file.h"
#include "base/flags.h"
#include "base/json.h"
#include "base/text.h"
#include "sim/show/print.h"
#include "sim/sim.h"
#include "sim/trace/experiment.h"
#include "sim/trace/policy.h"

namespace muster::sim {
namespace {

const std::vector<FlagSpec> specs = {
    {"--nodes", "CSV", "node list: sn, cpu_milli, memory_mib, gpu, model"},
    {"--pods", "CSV", "pod list: name, cpu_milli, memory_mib, num_gpu, gpu_milli, gpu_spec"},
    {"--policy", "NAME[,NAME]", "random dotprod gpuclustering gpupacking bestfit fgd muster"},
    {"--seeds", "A..B", "one run per seed; 42..51 unless said"},
    {"--demand", "X", "what is asked for in all, in parts of the cluster's devices; 1.3 unless said"},
    {"--json", "", "a line per run, then one per policy"},
    {"--no-times", "", "leave measured times out"}};

constexpr std::array<std::int32_t, 6> marks = {80, 90, 100, 110, 120, 130};

struct Plan {
  trace::Lists lists;
  std::vector<std::string> policies;
  std::uint64_t first = 42, last = 51;
  double demand = 1.3;
};

template <class T>
bool read_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

Result<void> read_seeds(const std::string& text, Plan& plan) {
  const std::size_t dots = text.find("..");
  const std::string_view first = std::string_view(text).substr(0, dots);
  const std::string_view last = dots == std::string::npos ? first : std::string_view(text).substr(dots + 2);
  if (!read_number(first, plan.first) || !read_number(last, plan.last) || plan.last < plan.first ||
      plan.last - plan.first >= 100'000) {
    return invalid("--seeds " + text + ": expected a seed or a range such as 42..51");
  }
  return {};
}

Result<Plan> read_plan(const Flags& flags) {
  Plan plan;
  if (!flags.positional().empty()) return invalid("takes no argument besides its flags");
  for (const char* needed : {"--nodes", "--pods", "--policy"}) {
    if (!flags.has(needed)) return invalid(std::string(needed) + " is missing");
  }
  const std::string nodes = TRY(read_file(flags.value_or("--nodes", "")));
  const std::string pods = TRY(read_file(flags.value_or("--pods", "")));
  plan.lists = TRY(trace::read_lists(nodes, pods));
  const std::string policies = flags.value_or("--policy", "");
  for (const std::string_view name : split(policies, ',')) {
    const std::vector<std::string>& known = trace::policy_names();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return invalid("unknown policy \"" + std::string(name) + "\"" + did_you_mean(name, known) + "; known are " +
                     join(known, ", "));
    }
    plan.policies.emplace_back(name);
  }
  if (flags.has("--seeds")) TRY(read_seeds(flags.value_or("--seeds", ""), plan));
  const std::string demand = flags.value_or("--demand", "1.3");
  if (!read_number(demand, plan.demand) || !(plan.demand > 0) || plan.demand > 10) {
    return invalid("--demand " + demand + ": expected a number above 0, at most 10");
  }
  return plan;
}

// Two decimals: more says nothing.
double rounded(double x) { return std::round(x * 100) / 100; }

void print_run(const std::string& policy, std::uint64_t seed, const trace::Curve& curve, double seconds, bool times) {
  json::Array points;
  for (const trace::Point& point : curve.points) {
    points.push_back(json::Object{
        {"arrived", point.arrived}, {"allocated", rounded(point.allocated)}, {"fragment", rounded(point.fragment)}});
  }
  json::Object line{{"policy", policy}, {"seed", seed}, {"pods", curve.pods}};
  if (times) line["seconds"] = seconds;
  line["curve"] = std::move(points);
  print_line(json::write(line));
}

struct Spread {
  double mean = 0, deviation = 0;
  bool known = false;
};

Spread spread_at(const std::vector<trace::Curve>& curves, std::int32_t arrived) {
  std::vector<double> values;
  for (const trace::Curve& curve : curves) {
    if (const trace::Point* point = curve.at(arrived)) values.push_back(point->allocated);
  }
  if (values.empty()) return {};
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double n = static_cast<double>(values.size()), mean = sum / n;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / n), true};
}

void print_means(const std::string& policy, const std::vector<trace::Curve>& curves) {
  json::Object mean, deviation;
  for (const std::int32_t mark : marks) {
    const Spread spread = spread_at(curves, mark);
    if (!spread.known) continue;
    mean[std::to_string(mark)] = rounded(spread.mean);
    deviation[std::to_string(mark)] = rounded(spread.deviation);
  }
  print_line(json::write(json::Object{
      {"policy", policy}, {"seeds", curves.size()}, {"mean", std::move(mean)}, {"std", std::move(deviation)}}));
}

void print_people(const std::vector<std::string>& policies, const std::vector<std::vector<trace::Curve>>& curves) {
  std::vector<std::vector<std::string>> rows = {{"allocated %"}};
  for (const std::int32_t mark : marks) rows[0].push_back("at " + std::to_string(mark));
  for (std::size_t p = 0; p < policies.size(); ++p) {
    rows.push_back({policies[p]});
    for (const std::int32_t mark : marks) {
      const Spread spread = spread_at(curves[p], mark);
      rows.back().push_back(spread.known ? fmt::format("{:.2f} +-{:.2f}", spread.mean, spread.deviation) : "-");
    }
  }
  print_line(table_of(rows, ""));
  print_line("");
  for (std::size_t p = 0; p < policies.size(); ++p) {
    const Spread full = spread_at(curves[p], 100);
    const std::size_t width = full.known ? static_cast<std::size_t>(std::max(0.0, (full.mean - 75) * 2)) : 0;
    print_line(fmt::format("{:<14} 75 |{}| {:.2f}", policies[p], std::string(width, '#'), full.mean));
  }
}

}  // namespace

int main_trace(const std::vector<std::string>& arguments) {
  constexpr std::string_view usage =
      "muster sim trace --nodes CSV --pods CSV --policy NAME[,NAME] [--seeds 42..51] [--demand 1.3] [--json] "
      "[--no-times]";
  constexpr std::string_view summary =
      "Fills a cluster with pods in random order until more is asked for than there is.";
  const Result<Flags> flags = Flags::parse(arguments, specs);
  if (!flags.has_value()) return refuse("sim trace", flags.error());
  if (flags->wants_help()) return print_help(usage, summary, specs);
  const Result<Plan> plan = read_plan(*flags);
  if (!plan.has_value()) return refuse("sim trace", plan.error());
  const Result<sched::rank::Gradient> gradient = trace::gradient_of(plan->lists);
  if (!gradient.has_value()) return refuse("sim trace", gradient.error());
  const bool as_json = flags->has("--json"), times = !flags->has("--no-times");
  const std::size_t runs = plan->policies.size() * (plan->last - plan->first + 1);
  std::size_t done = 0;
  std::vector<std::vector<trace::Curve>> curves(plan->policies.size());
  for (std::size_t p = 0; p < plan->policies.size(); ++p) {
    for (std::uint64_t seed = plan->first; seed <= plan->last; ++seed) {
      const std::int64_t begin = system_clock().monotonic_us();
      curves[p].push_back(trace::run_experiment(plan->lists, *gradient, plan->policies[p], seed, plan->demand));
      const double seconds = static_cast<double>(system_clock().monotonic_us() - begin) / 1e6;
      if (as_json) print_run(plan->policies[p], seed, curves[p].back(), seconds, times);
      show_progress("runs", ++done, runs);
    }
  }
  if (!as_json) {
    print_people(plan->policies, curves);
    return 0;
  }
  for (std::size_t p = 0; p < plan->policies.size(); ++p) print_means(plan->policies[p], curves[p]);
  return 0;
}

}  // namespace muster::sim
