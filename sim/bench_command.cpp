// `muster sim bench`: measures the engine on the cases of sim/bench, at one or several sizes.

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>

#include "base/file.h"
#include "base/flags.h"
#include "base/json.h"
#include "base/text.h"
#include "sim/bench/cases.h"
#include "sim/bench/growth.h"
#include "sim/show/print.h"
#include "sim/sim.h"

namespace muster::sim {
namespace {

const std::vector<FlagSpec> specs = {
    {"--case", "NAME,...", "which; all unless said"},
    {"--nodes", "N,...", "sizes; each case has its own unless said"},
    {"--pending", "N,...", "jobs that wait, for the cases that have a choice"},
    {"--pairs", "", "first of --nodes with first of --pending, and so on"},
    {"--repeat", "R", "runs of each; 1 unless said"},
    {"--fit", "", "exit 1 where a point lies more than 2x off its line"},
    {"--log", "FILE", "write the decision log of the first run"},
    {"--out", "DIR", "write the curves there: growth.csv, and growth.svg where three sizes were run"},
    {"--json", "", "a line of JSON per case and size"}};

struct Plan {
  std::vector<const bench::Case*> cases;
  std::vector<std::int64_t> nodes;
  std::vector<std::optional<std::int64_t>> pending = {std::nullopt};
  std::int64_t repeat = 1;
  bool pairs = false;
  // What waits beside the nodes of this place in the list.
  std::vector<std::optional<std::int64_t>> pending_at(std::size_t place) const {
    return pairs ? std::vector<std::optional<std::int64_t>>{pending[place]} : pending;
  }
};

Result<std::vector<std::int64_t>> read_numbers(const std::string& flag, const std::string& text) {
  std::vector<std::int64_t> out;
  for (const std::string_view word : split(text, ',')) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size() || number < 1 || number > 10'000'000) {
      return invalid(flag + " " + text + ": expected numbers from 1");
    }
    out.push_back(number);
  }
  return out;
}

Result<Plan> read_plan(const Flags& flags) {
  Plan plan;
  if (!flags.positional().empty()) return invalid("takes no argument besides its flags");
  const std::string names = flags.value_or("--case", "");
  for (const std::string_view name : split(names, ',')) {
    std::vector<std::string> known;
    for (const bench::Case& one : bench::cases()) {
      known.push_back(one.name);
      if (names.empty() || one.name == name) plan.cases.push_back(&one);
    }
    if (!names.empty() && std::find(known.begin(), known.end(), name) == known.end()) {
      return invalid("unknown case \"" + std::string(name) + "\"" + did_you_mean(name, known) + "; known are " +
                     join(known, ", "));
    }
  }
  if (flags.has("--nodes")) plan.nodes = TRY(read_numbers("--nodes", flags.value_or("--nodes", "")));
  if (flags.has("--pending")) {
    plan.pending.clear();
    const std::vector<std::int64_t> numbers = TRY(read_numbers("--pending", flags.value_or("--pending", "")));
    for (const std::int64_t number : numbers) plan.pending.emplace_back(number);
  }
  if (flags.has("--repeat")) {
    const std::vector<std::int64_t> numbers = TRY(read_numbers("--repeat", flags.value_or("--repeat", "")));
    plan.repeat = numbers.front();
  }
  plan.pairs = flags.has("--pairs");
  if (plan.pairs && plan.nodes.size() != plan.pending.size())
    return invalid("--pairs wants as many numbers in --nodes as in --pending");
  return plan;
}

bench::Line measure(const bench::Case& one, const bench::Size& size, std::int64_t repeat,
                    const sched::replay::Recorder::Append& log) {
  bench::Line line{.name = one.name, .nodes = size.nodes, .repeat = repeat, .asked_pending = size.pending};
  std::vector<double> ms;
  for (std::int64_t run = 0; run < repeat; ++run) {
    line.measured = one.run(size, run == 0 ? log : nullptr);
    ms.insert(ms.end(), line.measured.ms.begin(), line.measured.ms.end());
  }
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double part) {
    return ms[std::min(ms.size() - 1, static_cast<std::size_t>(part * static_cast<double>(ms.size())))];
  };
  line.median_ms = at(0.5);
  line.p99_ms = at(0.99);
  line.max_ms = ms.back();
  return line;
}

double rounded(double ms) { return std::round(ms * 1000) / 1000; }

void print_json(const bench::Line& line) {
  const bench::Measured& m = line.measured;
  const std::optional<bench::Peer> peer = line.asked_pending ? std::nullopt : bench::peer_of(line.name, line.nodes);
  json::Object out{{"case", line.name},
                   {"nodes", line.nodes},
                   {"gpus", m.gpus},
                   {"pods", m.pods},
                   {"pending", m.pending},
                   {"repeat", line.repeat},
                   {"median_ms", rounded(line.median_ms)},
                   {"p99_ms", rounded(line.p99_ms)},
                   {"max_ms", rounded(line.max_ms)},
                   {"rss_mib", m.rss_mib},
                   {"decisions", m.decisions},
                   {"evictions", m.evictions}};
  out["evictions_bound"] =
      m.evictions_bound && m.evictions > 0 ? json::Value(*m.evictions_bound) : json::Value(nullptr);
  out["exponent"] = line.exponent ? json::Value(rounded(*line.exponent)) : json::Value(nullptr);
  out["peer"] = peer ? json::Value(json::Object{{"ms", peer->ms}, {"source", peer->source}}) : json::Value(nullptr);
  print_line(json::write(out));
}

void print_people(const std::vector<bench::Line>& lines) {
  std::vector<std::vector<std::string>> rows = {{"case", "nodes", "pods", "waiting", "median ms", "p99 ms", "decisions",
                                                 "evictions", "bound", "MiB", "exponent", "peer"}};
  for (const bench::Line& line : lines) {
    const bench::Measured& m = line.measured;
    const std::optional<bench::Peer> peer = line.asked_pending ? std::nullopt : bench::peer_of(line.name, line.nodes);
    rows.push_back({line.name, std::to_string(line.nodes), std::to_string(m.pods), std::to_string(m.pending),
                    fmt::format("{:.3f}", line.median_ms), fmt::format("{:.3f}", line.p99_ms),
                    std::to_string(m.decisions), std::to_string(m.evictions),
                    m.evictions_bound ? std::to_string(*m.evictions_bound) : "", std::to_string(m.rss_mib),
                    line.exponent ? fmt::format("{:.2f}", *line.exponent) : "",
                    peer ? fmt::format("{:g} ms ({})", peer->ms, peer->source) : ""});
  }
  print_line(table_of(rows, ""));
}

// Every case at every size; the first one's decisions go to the log.
std::vector<bench::Line> run(const Plan& plan, const sched::replay::Recorder::Append& log, bool as_json) {
  std::vector<bench::Line> lines;
  for (const bench::Case* one : plan.cases) {
    const std::vector<std::int64_t>& sizes = plan.nodes.empty() ? one->nodes : plan.nodes;
    for (std::size_t place = 0; place < sizes.size(); ++place) {
      for (const std::optional<std::int64_t>& pending : plan.pending_at(place)) {
        const bench::Size size{.nodes = sizes[place], .pending = pending};
        bench::Line line = measure(*one, size, plan.repeat, lines.empty() ? log : nullptr);
        bench::set_exponent(lines, line);
        lines.push_back(line);
        if (as_json) print_json(line);
      }
    }
  }
  return lines;
}

}  // namespace

int main_bench(const std::vector<std::string>& arguments) {
  constexpr std::string_view usage =
      "muster sim bench [--case NAME,...] [--nodes N,...] [--pending N,...] [--pairs] [--repeat R] [--fit] "
      "[--log FILE] [--out DIR] [--json]";
  constexpr std::string_view summary =
      "Measures the engine: fill gang hopeless reclaim-half reclaim-one reclaim-many consolidate steady restart mixed "
      "shares; for growth also racks unfit pass event gang-64 reclaim-64 why. Times are processor time of the engine's "
      "thread. Where three sizes are run, curves are fitted and drawn.";
  const Result<Flags> flags = Flags::parse(arguments, specs);
  if (!flags.has_value()) return refuse("sim bench", flags.error());
  if (flags->wants_help()) return print_help(usage, summary, specs);
  const Result<Plan> plan = read_plan(*flags);
  if (!plan.has_value()) return refuse("sim bench", plan.error());
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(nullptr, std::fclose);
  bool logged = true;
  if (flags->has("--log")) {
    const std::string path = flags->value_or("--log", "");
    file.reset(std::fopen(path.c_str(), "wb"));
    if (!file) return refuse("sim bench", system_error(errno, "writing the decision log " + path));
  }
  const auto append = [&](std::string_view bytes) {
    logged = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size() && logged;
  };
  const std::vector<bench::Line> lines =
      run(*plan, file ? sched::replay::Recorder::Append(append) : nullptr, flags->has("--json"));
  if (!logged) return refuse("sim bench", internal("writing the decision log: no space left on device"));
  const std::vector<bench::Curve> curves = bench::curves_of(lines);
  if (!flags->has("--json")) print_people(lines);
  if (!flags->has("--json") && !curves.empty()) print_line("\n" + bench::plot_of(curves));
  if (flags->has("--out")) {
    const Result<void> written = bench::write_growth(lines, flags->value_or("--out", ""));
    if (!written.has_value()) return refuse("sim bench", written.error());
  }
  const bool straight =
      std::all_of(curves.begin(), curves.end(), [](const bench::Curve& c) { return c.off <= bench::most_off; });
  return flags->has("--fit") && !straight ? 1 : 0;
}

}  // namespace muster::sim
