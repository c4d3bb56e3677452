// `muster sim replay LOG`: feeds a decision log to a fresh engine and compares every decision.

#include <fmt/core.h>

#include "base/file.h"
#include "base/flags.h"
#include "base/json.h"
#include "base/text.h"
#include "sched/replay/log.h"
#include "sim/show/print.h"
#include "sim/sim.h"

namespace muster::sim {
namespace {

constexpr std::size_t most_bytes = std::size_t{4} << 30;
const std::vector<FlagSpec> specs = {{"--json", "", "one JSON document"}};

// Records before the first that was changed.
std::uint64_t sound_records(std::string_view bytes) {
  sched::replay::LogReader reader(bytes);
  std::uint64_t count = 0;
  for (;;) {
    const Result<std::optional<sched::replay::Record>> record = reader.next();
    if (!record.has_value() || !record->has_value()) return count;
    ++count;
  }
}

}  // namespace

int main_replay(const std::vector<std::string>& arguments) {
  constexpr std::string_view usage = "muster sim replay LOG [--json]";
  constexpr std::string_view summary = "Feeds a decision log to a fresh engine and compares every decision.";
  const Result<Flags> flags = Flags::parse(arguments, specs);
  if (!flags.has_value()) return refuse("sim replay", flags.error());
  if (flags->wants_help()) return print_help(usage, summary, specs);
  if (flags->positional().size() != 1) {
    return refuse("sim replay", invalid("takes one log; usage: " + std::string(usage)));
  }
  const std::string& path = flags->positional().front();
  const Result<std::string> bytes = read_file(path, most_bytes);
  if (!bytes.has_value()) return refuse("sim replay", bytes.error());
  if (!bytes->starts_with(sched::replay::header())) return refuse("sim replay", invalid(path + ": is no decision log"));
  const Result<sched::replay::Replay> replay = sched::replay::replay(*bytes);
  const std::uint64_t broken = replay.has_value() ? 0 : sound_records(*bytes) + 1;
  const std::uint64_t first = replay.has_value() ? replay->first_difference.value_or(0) : broken;
  if (flags->has("--json")) {
    json::Object out{{"records", replay.has_value() ? replay->records : broken - 1},
                     {"decisions", replay.has_value() ? replay->decisions : 0},
                     {"identical", first == 0}};
    if (first != 0) out["firstDifference"] = first;
    if (!replay.has_value()) out["error"] = replay.error().text;
    print_line(json::write(out));
  } else if (!replay.has_value()) {
    print_line(path + ": " + replay.error().text);
  } else if (first == 0) {
    print_line(fmt::format("{}, {}: identical", count_of(static_cast<std::int64_t>(replay->records), "record"),
                           count_of(static_cast<std::int64_t>(replay->decisions), "decision")));
  } else {
    print_line(fmt::format("record {} decides otherwise when it is replayed", first));
  }
  return first == 0 ? 0 : 1;
}

}  // namespace muster::sim
