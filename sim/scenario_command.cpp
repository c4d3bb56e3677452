// `muster sim scenario PATH...`: runs scenario files and compares.

#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>
#include <filesystem>

#include "base/clock.h"
#include "base/flags.h"
#include "base/text.h"
#include "sim/run/run_scenario.h"
#include "sim/scenario/read.h"
#include "sim/show/print.h"
#include "sim/sim.h"

namespace muster::sim {
namespace {

const std::vector<FlagSpec> specs = {
    {"--json", "", "one line of JSON per file, then the sums"},
    {"--no-times", "", "leave measured times out: the same input gives the same bytes"},
    {"--filter", "GLOB", "only files whose path, name or scenario name matches"}};

struct Sums {
  int passed = 0, failed = 0, errors = 0;
};

// Every *.json below a folder, in the order of their paths; a file as it is.
Result<std::vector<std::string>> files_of(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) return not_found("scenario " + path + ": no such file or folder");
    if (!fs::is_directory(status)) {
      out.push_back(path);
      continue;
    }
    std::vector<std::string> inside;
    fs::recursive_directory_iterator walk(path, fs::directory_options::follow_directory_symlink, error);
    for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
      if (walk->path().extension() == ".json" && walk->is_regular_file()) inside.push_back(walk->path().string());
    }
    if (error) return invalid("scenario " + path + ": " + to_lower(error.message()));
    std::sort(inside.begin(), inside.end());
    out.insert(out.end(), inside.begin(), inside.end());
  }
  return out;
}

bool matches(const std::string& glob, const std::string& file, const std::string& name) {
  const std::string base = std::filesystem::path(file).filename().string();
  for (const std::string& text : {file, base, name}) {
    if (fnmatch(glob.c_str(), text.c_str(), 0) == 0) return true;
  }
  return false;
}

json::Value difference_json(const Difference& difference) {
  return json::Object{{"path", difference.path}, {"expected", difference.expected}, {"actual", difference.actual}};
}

void print_json(const std::string& file, const Outcome& outcome, bool times) {
  static constexpr const char* words[] = {"pass", "fail", "error"};
  json::Array differences;
  for (const Difference& difference : outcome.differences) differences.push_back(difference_json(difference));
  json::Object line{{"file", file},
                    {"name", outcome.name},
                    {"result", words[static_cast<int>(outcome.result)]},
                    {"differences", std::move(differences)},
                    {"rounds", outcome.rounds}};
  if (times) line["micros"] = outcome.micros;
  if (!outcome.error.empty()) line["error"] = outcome.error;
  print_line(json::write(line));
}

void print_table(const std::string& file, const Outcome& outcome, bool times) {
  if (outcome.result == Outcome::Result::Error) {
    print_line("error " + file + "\n  " + outcome.error);
    return;
  }
  const std::string time = times ? fmt::format("  {} us", outcome.micros) : "";
  if (outcome.result == Outcome::Result::Pass) {
    print_line("pass  " + file + "  " + outcome.name + time);
    return;
  }
  print_line("FAIL  " + file + "  " + outcome.name + time);
  std::vector<std::vector<std::string>> rows = {{"expectation", "expected", "actual"}};
  for (const Difference& d : outcome.differences) {
    rows.push_back({d.path, json::write(d.expected), json::write(d.actual)});
  }
  print_line(table_of(rows, "    "));
  print_line(
      fmt::format("  before:\n{}  after {}:\n{}", outcome.before, count_of(outcome.rounds, "round"), outcome.after));
}

}  // namespace

int main_scenario(const std::vector<std::string>& arguments) {
  constexpr std::string_view usage = "muster sim scenario PATH... [--json] [--no-times] [--filter GLOB]";
  constexpr std::string_view summary =
      "Runs scenario files, or every *.json below a folder, and compares with what they expect.";
  Result<Flags> flags = Flags::parse(arguments, specs);
  if (!flags.has_value()) return refuse("sim scenario", flags.error());
  if (flags->wants_help()) return print_help(usage, summary, specs);
  if (flags->positional().empty())
    return refuse("sim scenario", invalid("names no file; usage: " + std::string(usage)));
  const Result<std::vector<std::string>> files = files_of(flags->positional());
  if (!files.has_value()) return refuse("sim scenario", files.error());
  const bool as_json = flags->has("--json"), times = !flags->has("--no-times");
  const std::string glob = flags->value_or("--filter", "*");
  Sums sums;
  for (const std::string& file : *files) {
    const Result<Scenario> scenario = read_scenario_file(file);
    Outcome outcome;
    if (!scenario.has_value()) {
      if (!matches(glob, file, "")) continue;
      outcome = {.result = Outcome::Result::Error, .error = scenario.error().text};
    } else {
      if (!matches(glob, file, scenario->name)) continue;
      outcome = run_scenario(*scenario, system_clock(), !as_json);
    }
    ++(outcome.result == Outcome::Result::Pass   ? sums.passed
       : outcome.result == Outcome::Result::Fail ? sums.failed
                                                 : sums.errors);
    as_json ? print_json(file, outcome, times) : print_table(file, outcome, times);
  }
  if (sums.passed + sums.failed + sums.errors == 0) {
    return refuse("sim scenario", not_found("no scenario file there" + (glob == "*" ? "" : " that matches " + glob)));
  }
  if (as_json) {
    print_line(json::write(json::Object{{"passed", sums.passed}, {"failed", sums.failed}, {"errors", sums.errors}}));
  } else {
    print_line(fmt::format("{} passed, {} failed, {} unusable", sums.passed, sums.failed, sums.errors));
  }
  return sums.errors > 0 ? 2 : sums.failed > 0 ? 1 : 0;
}

}  // namespace muster::sim
