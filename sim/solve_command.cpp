// `muster sim solve FILE`: runs a scenario to rest, or for a number of rounds, and shows what came out.

#include <fmt/core.h>

#include <charconv>

#include "base/flags.h"
#include "base/text.h"
#include "sim/run/solve.h"
#include "sim/scenario/read.h"
#include "sim/show/picture.h"
#include "sim/show/print.h"
#include "sim/sim.h"

namespace muster::sim {
namespace {

const std::vector<FlagSpec> specs = {{"--json", "", "one JSON document"},
                                     {"--rounds", "N", "run N rounds instead of to rest"}};

std::string devices_text(const model::Decision& decision) {
  std::string out;
  for (const model::DeviceShare& share : decision.devices)
    out += (out.empty() ? "" : ",") + std::to_string(share.index);
  return out;
}

std::string amount_text(std::int64_t milli) { return fmt::format("{:g}", static_cast<double>(milli) / 1000); }

void print_people(const Solved& solved) {
  std::vector<std::vector<std::string>> rows = {{"round", "action", "decision", "pod", "node", "devices", "for"}};
  for (const auto& [round, d] : solved.decisions) {
    rows.push_back({std::to_string(round), std::string(to_text(d.action)), std::string(to_text(d.kind)),
                    key_of(d.ns, d.pod), d.node, devices_text(d), d.for_gang});
  }
  if (rows.size() > 1) print_line(table_of(rows, "  "));
  print_line(fmt::format("{} {}:", solved.at_rest ? "at rest after" : "after", count_of(solved.rounds, "round")));
  print_line(picture_of(solved.world));
  rows = {{"queue", "GPU fair share", "allocated", "requested"}};
  for (const auto& [name, queue] : solved.world.queues()) {
    const sched::QueueUse use = solved.world.engine().queue_use(name).value_or(sched::QueueUse{});
    rows.push_back(
        {name, amount_text(use.fair_share.gpu), amount_text(use.allocated.gpu), amount_text(use.requested.gpu)});
  }
  print_line(table_of(rows, "  "));
}

}  // namespace

int main_solve(const std::vector<std::string>& arguments) {
  constexpr std::string_view usage = "muster sim solve FILE [--json] [--rounds N]";
  constexpr std::string_view summary = "Runs a scenario to rest, or for N rounds, and shows what came out.";
  const Result<Flags> flags = Flags::parse(arguments, specs);
  if (!flags.has_value()) return refuse("sim solve", flags.error());
  if (flags->wants_help()) return print_help(usage, summary, specs);
  if (flags->positional().size() != 1)
    return refuse("sim solve", invalid("takes one file; usage: " + std::string(usage)));
  std::int32_t rounds = 0;
  if (flags->has("--rounds")) {
    const std::string text = flags->value_or("--rounds", "");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rounds);
    if (error != std::errc() || end != text.data() + text.size() || rounds < 1) {
      return refuse("sim solve", invalid("--rounds " + text + ": expected a number of rounds from 1"));
    }
  }
  const Result<Scenario> scenario = read_scenario_file(flags->positional().front());
  if (!scenario.has_value()) return refuse("sim solve", scenario.error());
  const Result<Solved> solved = solve(*scenario, rounds);
  if (!solved.has_value()) return refuse("sim solve", solved.error().at(flags->positional().front()));
  if (flags->has("--json")) {
    print_line(json::write(to_json(*solved)));
  } else {
    print_people(*solved);
  }
  if (rounds == 0 && !solved->at_rest) {
    fmt::print(stderr, "muster sim solve: not at rest after {} rounds\n", solved->rounds);
    return 1;
  }
  return 0;
}

}  // namespace muster::sim
