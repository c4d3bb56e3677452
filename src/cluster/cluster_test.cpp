// Stories of the whole room on a cluster in memory, as issue and product tell them.
#include <doctest/doctest.h>

#include <stop_token>

#include "cluster/test_machine.h"

namespace muster::cluster {
namespace {

std::size_t running_in(const TestMachine& machine, const std::string& ns) {
  std::size_t n = 0;
  for (const json::Value& pod : machine.pods(ns)) {
    if (json::text_or(pod, "/status/phase") == "Running" && !kube::is_being_deleted(pod)) ++n;
  }
  return n;
}

// No device may be promised twice.
bool is_sound(const TestMachine& machine) {
  std::map<std::string, std::int64_t> held;
  for (const json::Value& pod : machine.pods()) {
    const std::string phase = json::text_or(pod, "/status/phase");
    if (phase == "Succeeded" || phase == "Failed") continue;
    const std::string text = kube::annotation_of(pod, "muster.dev/devices");
    const Result<json::Value> devices = json::parse(text.empty() ? "[]" : text);
    if (!devices) return false;
    for (const json::Value& device : devices->get_array()) {
      held[json::text_or(device, "/uuid")] += json::integer_at(device, "/milli").value_or(0);
    }
  }
  return std::all_of(held.begin(), held.end(), [](const auto& one) { return one.second <= 1000; });
}

}  // namespace

TEST_CASE("two projects of quota 1 share four GPUs two and two, evicted jobs say who took what, and then it is quiet") {
  TestMachine machine(4);
  machine.start();
  machine.project("a", 1);
  machine.project("b", 1);
  for (int i = 0; i < 4; ++i) machine.training("a", "a-" + std::to_string(i), one_gpu());
  REQUIRE(eventually([&] { return running_in(machine, "runai-a") == 4; }));
  const std::int64_t began = system_clock().monotonic_ms();
  for (int i = 0; i < 4; ++i) machine.training("b", "b-" + std::to_string(i), one_gpu());
  REQUIRE(eventually([&] { return running_in(machine, "runai-a") == 2 && running_in(machine, "runai-b") == 2; }));
  MESSAGE("balanced after " << system_clock().monotonic_ms() - began << " ms");
  CHECK(is_sound(machine));
  // The evicted ones wait again and say why.
  REQUIRE(eventually([&] { return machine.events("Evict").size() >= 2; }));
  const std::string message = json::text_or(machine.events("Evict").front(), "/message");
  MESSAGE(message);
  CHECK(message.find("b") != std::string::npos);
  REQUIRE(eventually([&] {
    std::size_t waiting = 0;
    for (const json::Value& fact : machine.control.facts("workload")) {
      const json::Value* verdict = json::find(fact, "/verdict");
      if (json::text_or(fact, "/phase") == "Pending" && verdict != nullptr && verdict->is_object()) ++waiting;
    }
    return waiting == 4;
  }));
  for (const json::Value& fact : machine.control.facts("workload")) {
    if (json::text_or(fact, "/phase") != "Pending") continue;
    MESSAGE(json::text_or(fact, "/id") << ": " << json::text_or(fact, "/phaseReason") << "; "
                                       << json::text_or(fact, "/phaseMessage") << "; "
                                       << json::write(*json::find(fact, "/verdict")));
  }
  // Quiet: nothing starts or stops any more.
  sleep_until(std::stop_token(), Deadline::in(milliseconds(1500)));
  const std::size_t starts = machine.agent->started().size();
  const std::size_t reports = machine.control.reports();
  sleep_until(std::stop_token(), Deadline::in(seconds(2)));
  CHECK(machine.agent->started().size() == starts);
  CHECK(starts == 6);
  CHECK(machine.control.reports() == reports);
}

}  // namespace muster::cluster
