// `muster sim fuzz`: random worlds and changes, every rule checked after each step. A finding is made small and written
// as a scenario file.

#include <fmt/core.h>

#include <charconv>

#include "base/file.h"
#include "base/flags.h"
#include "base/json.h"
#include "base/text.h"
#include "sim/fuzz/hunt.h"
#include "sim/fuzz/make_world.h"
#include "sim/show/print.h"
#include "sim/sim.h"

namespace muster::sim {
namespace {

const std::vector<FlagSpec> specs = {{"--seed", "S", "of the first world; 1 unless said"},
                                     {"--steps", "N", "changes and rounds; 100000 unless said"},
                                     {"--findings", "N", "stop after so many; 10 unless said"},
                                     {"--out", "DIR", "where findings are written; the current folder unless said"},
                                     {"--json", "", "one line of JSON at the end"}};

bool read_number(const std::string& text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// A scenario file that shows the finding: `muster sim scenario` fails on it, or `muster sim solve` does not end.
Result<std::string> write_finding(const std::string& folder, std::uint64_t seed, document::Scenario world,
                                  const fuzz::Hunt& found) {
  TRY(make_folders(folder, 0755));
  world.name = fmt::format("fuzz seed {}", seed);
  world.about = fmt::format("round {}: {}", found.round, found.finding);
  world.run.rounds = std::max(world.run.rounds, found.round);
  const std::string path = fmt::format("{}/fuzz-{}.json", folder, seed);
  TRY(write_file_atomic(path, json::write_pretty(json::encode(world)) + "\n", 0644));
  return path;
}

}  // namespace

int main_fuzz(const std::vector<std::string>& arguments) {
  constexpr std::string_view usage = "muster sim fuzz --seed S --steps N [--findings N] [--out DIR] [--json]";
  constexpr std::string_view summary =
      "Random small worlds that change, and the rules of the engine checked on what it makes of them. A step is one\n"
      "change that the engine is told, or one round. Every round: capacity of nodes and devices, limits, quotas, "
      "gangs,\n"
      "victims and nominations are judged from the world's own truth, and all counters are recounted, before the "
      "world\n"
      "moves on and after. Every 8th: the engine's view of each pod. Every 16th: questions change nothing. In the end "
      "the\n"
      "world must come to rest. A finding is made small and written as a scenario file.";
  const Result<Flags> flags = Flags::parse(arguments, specs);
  if (!flags.has_value()) return refuse("sim fuzz", flags.error());
  if (flags->wants_help()) return print_help(usage, summary, specs);
  std::uint64_t seed = 1, wanted = 0, most_findings = 0;
  if (!flags->positional().empty() || !read_number(flags->value_or("--seed", "1"), seed)) {
    return refuse("sim fuzz", invalid("--seed takes a number; usage: " + std::string(usage)));
  }
  if (!read_number(flags->value_or("--steps", "100000"), wanted) || wanted == 0) {
    return refuse("sim fuzz", invalid("--steps takes a number from 1; usage: " + std::string(usage)));
  }
  if (!read_number(flags->value_or("--findings", "10"), most_findings) || most_findings == 0) {
    return refuse("sim fuzz", invalid("--findings takes a number from 1; usage: " + std::string(usage)));
  }
  std::uint64_t steps = 0, worlds = 0, findings = 0, restless = 0;
  for (; steps < wanted && findings < most_findings; ++worlds) {
    const std::uint64_t world_seed = seed * 1'000'003 + worlds;
    const document::Scenario world = fuzz::make_world(world_seed);
    const fuzz::Hunt found = fuzz::hunt(world);
    steps += std::max<std::uint64_t>(found.steps, 1);
    restless += found.is_restless ? 1 : 0;
    if (worlds % 64 == 0) show_progress("steps", static_cast<std::size_t>(steps), static_cast<std::size_t>(wanted));
    if (found.finding.empty()) continue;
    ++findings;
    const document::Scenario small = fuzz::minimise(world, found);
    const fuzz::Hunt shown = fuzz::hunt(small);
    const Result<std::string> path = write_finding(flags->value_or("--out", "."), world_seed, small, shown);
    if (!path.has_value()) return refuse("sim fuzz", path.error());
    fmt::print(stderr, "{}: round {}: {}\n", *path, shown.round, shown.finding);
  }
  show_progress("steps", 1, 1);
  if (flags->has("--json")) {
    print_line(json::write(json::Object{
        {"seed", seed}, {"steps", steps}, {"worlds", worlds}, {"restless", restless}, {"findings", findings}}));
  } else {
    print_line(fmt::format("{} steps in {} worlds, {} of them without rest, {}", steps, worlds, restless,
                           count_of(static_cast<std::int64_t>(findings), "finding")));
  }
  return findings == 0 ? 0 : 1;
}

}  // namespace muster::sim
