// Every scenario file of the project, and the acceptance cases that lie beside the repository.

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "sim/run/run_scenario.h"
#include "sim/scenario/read.h"
#include "sim/test_paths.h"

namespace muster::sim {
namespace {

void run_all(const std::vector<std::string>& files) {
  const ManualClock clock(scenario_now);
  for (const std::string& file : files) {
    const Result<Scenario> scenario = read_scenario_file(file);
    REQUIRE_MESSAGE(scenario.has_value(), scenario.error().text);
    const Outcome outcome = run_scenario(*scenario, clock, false);
    std::string shown = file + ": " + outcome.error;
    for (const Difference& d : outcome.differences) {
      shown += "\n  " + d.path + " expected " + json::write(d.expected) + " actual " + json::write(d.actual);
    }
    CHECK_MESSAGE(outcome.result == Outcome::Result::Pass, shown);
  }
}

TEST_CASE("every scenario file of the project holds") {
  const std::vector<std::string> files = files_below(repository() + "/scenarios");
  run_all(files);
}

TEST_CASE("every scenario that the administrator's page names is there") {
  const Result<std::string> page = read_file(repository() + "/docs/scheduling.md");
  REQUIRE(page.has_value());
  std::size_t named = 0;
  for (std::size_t end = page->find(".json`"); end != std::string::npos; end = page->find(".json`", end + 1)) {
    const std::size_t begin = page->rfind('`', end) + 1;
    const std::string path = page->substr(begin, end + 5 - begin);
    if (path.find('/') == std::string::npos) continue;  // "... beside it"
    CHECK_MESSAGE(std::filesystem::exists(repository() + "/scenarios/" + path), path);
    ++named;
  }
  CHECK(named > 100);
}

TEST_CASE("the acceptance cases beside the repository hold") {
  const std::vector<std::string> files =
      shared_folder().empty() ? std::vector<std::string>() : files_below(shared_folder() + "/cases");
  if (files.empty()) {
    fmt::print(stderr, "!!!!! SKIPPED: no acceptance cases beside the repository (set MUSTER_SHARED)\n");
    return;
  }
  run_all(files);
}

}  // namespace
}  // namespace muster::sim
