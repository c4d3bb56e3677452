// Stories of the whole room on a cluster in memory, as issue and product tell them.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <stop_token>

#include "base/file.h"
#include "cluster/test_machine.h"
#include "sched/replay/log.h"

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
  // Two of each project wait with a reason; one of each that runs is above its quota.
  REQUIRE(eventually([&] {
    std::map<std::string, int> waiting, over;
    for (const json::Value& fact : machine.control.facts("workload")) {
      const std::string project = json::text_or(fact, "/project");
      const json::Value* verdict = json::find(fact, "/verdict");
      waiting[project] += json::text_or(fact, "/phase") == "Pending" && verdict != nullptr && verdict->is_object();
      over[project] += json::bool_at(fact, "/overQuota").value_or(false);
    }
    return waiting["a"] == 2 && waiting["b"] == 2 && over["a"] == 1 && over["b"] == 1;
  }));
  for (const json::Value& fact : machine.control.facts("workload")) {
    if (json::text_or(fact, "/phase") != "Pending") continue;
    if (json::text_or(fact, "/project") == "a") CHECK(json::text_or(fact, "/phaseReason") == "Preempted");
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

TEST_CASE("a thousand short jobs on 64 GPUs all complete and start soon after a GPU is free" * doctest::skip()) {
  TestMachine machine(8, 8);
  machine.start();
  machine.project("vision", 64);
  const int jobs = 1000;
  std::map<std::string, std::int64_t> submitted;
  const std::int64_t began = system_clock().monotonic_ms();
  for (int i = 0; i < jobs; ++i) {
    const std::string name = "job-" + std::to_string(i);
    submitted[name] = system_clock().monotonic_ms();
    machine.training("vision", name, one_gpu(1000));
  }
  MESSAGE("sent after " << system_clock().monotonic_ms() - began << " ms");
  std::size_t completed = 0;
  for (int i = 0; i < 120 && completed < jobs; ++i) {
    sleep_until(std::stop_token(), Deadline::in(milliseconds(500)));
    completed = 0;
    for (const json::Value& fact : machine.control.facts("workload"))
      completed += json::text_or(fact, "/phase") == "Completed";
    if (i % 4 == 0)
      MESSAGE("after " << system_clock().monotonic_ms() - began << " ms: " << completed << " completed, "
                       << machine.agent->started().size() << " started");
  }
  CHECK(completed == jobs);
  MESSAGE("all after " << system_clock().monotonic_ms() - began << " ms");
  MESSAGE(machine.cluster->metrics());
}

TEST_CASE("shares of one GPU add up to it, and memory requests are turned into shares") {
  TestMachine machine(1);
  machine.start();
  machine.project("vision", 1);
  machine.training("vision", "half", one_gpu(0, 0.5));
  machine.training("vision", "quarter", one_gpu(0, 0.25));
  json::Object by_memory = one_gpu();
  by_memory["compute"] =
      json::Object{{"gpuDevicesRequest", 1}, {"gpuRequestType", "memory"}, {"gpuMemoryRequest", "20Gi"}};
  machine.training("vision", "memory", std::move(by_memory));
  REQUIRE(eventually([&] {
    return machine.phase("half") == "Running" && machine.phase("quarter") == "Running" &&
           machine.phase("memory") == "Running";
  }));
  CHECK(is_sound(machine));
  machine.training("vision", "too-much", one_gpu(0, 0.1));
  CHECK(json::text_or(machine.workload("memory"), "/pods/0/gpus") == "sim-1/0:0.25");
  CHECK(json::number_at(machine.workload("half"), "/allocated/gpu") == 0.5);
  CHECK(json::integer_at(machine.workload("half"), "/allocated/gpuMemory") == (40960LL << 20));
  REQUIRE(eventually([&] { return json::find(machine.workload("too-much"), "/verdict/reason") != nullptr; }));
  const json::Value node = machine.control.fact("node", "sim-1");
  CHECK(json::find(node, "/devices/0/holders")->get_array().size() == 3);
  CHECK(json::text_or(node, "/devices/0/model") == "A100-80G");
}

TEST_CASE("a gang starts whole or not at all") {
  TestMachine machine(4);
  machine.start();
  machine.project("vision", 4);
  machine.training("vision", "one", one_gpu());
  REQUIRE(eventually([&] { return machine.phase("one") == "Running"; }));
  json::Object spec = one_gpu();
  spec["parallelism"] = 4;
  spec["completions"] = 4;
  spec["annotations"].get_array().push_back(json::Object{{"name", "kai.scheduler/batch-min-member"}, {"value", "4"}});
  machine.training("vision", "gang", std::move(spec));
  REQUIRE(eventually([&] { return json::find(machine.workload("gang"), "/verdict/reason") != nullptr; }));
  CHECK(running_in(machine, "runai-vision") == 1);
  machine.remove_training("vision", "one");
  REQUIRE(eventually([&] { return json::integer_at(machine.workload("gang"), "/runningPods") == 4; }));
  CHECK(machine.workload("one").is_null());
}

TEST_CASE("a job that fails is tried again with growing pauses until its limit, and its exit code is known") {
  TestMachine machine(1);
  machine.start();
  machine.project("vision", 1);
  json::Object spec = one_gpu(20, 1, 3);
  spec["backoffLimit"] = 1;
  machine.training("vision", "bad", std::move(spec));
  REQUIRE(eventually([&] { return json::text_or(machine.workload("bad"), "/phaseReason") == "BackOff"; }));
  MESSAGE(json::text_or(machine.workload("bad"), "/phaseMessage"));
  REQUIRE(eventually([&] { return machine.phase("bad") == "Failed"; }));
  const json::Value fact = machine.workload("bad");
  CHECK(json::integer_at(fact, "/exitCode") == 3);
  CHECK(json::integer_at(fact, "/restarts") == 1);
  CHECK(json::text_or(fact, "/phaseReason") == "BackoffLimitExceeded");
  CHECK(json::text_or(fact, "/pods/1/name") == "bad-0-r1");
  MESSAGE(json::text_or(fact, "/phaseMessage"));
  CHECK(machine.agent->started().size() == 2);
}

TEST_CASE("completions run as many at a time as parallelism allows") {
  TestMachine machine(4);
  machine.start();
  machine.project("vision", 4);
  json::Object spec = one_gpu(100);
  spec["parallelism"] = 2;
  spec["completions"] = 5;
  machine.training("vision", "batch", std::move(spec));
  std::size_t most = 0;
  REQUIRE(eventually([&] {
    most = std::max(most, running_in(machine, "runai-vision"));
    return machine.phase("batch") == "Completed";
  }));
  CHECK(most <= 2);
  CHECK(machine.agent->started().size() == 5);
}

TEST_CASE("a stopped workload frees its GPU and resumes on a new pod; a deleted one goes with its pods") {
  TestMachine machine(1);
  machine.start();
  machine.project("vision", 1);
  json::Object spec = one_gpu();
  machine.training("vision", "train", spec);
  REQUIRE(eventually([&] { return machine.phase("train") == "Running"; }));
  spec["suspend"] = true;
  machine.training("vision", "train", spec);
  REQUIRE(eventually([&] { return machine.phase("train") == "Stopped"; }));
  CHECK(machine.pods().empty());
  spec["suspend"] = false;
  machine.training("vision", "train", spec);
  REQUIRE(eventually([&] { return machine.phase("train") == "Running"; }));
  CHECK(machine.agent->started().size() == 2);
  machine.remove_training("vision", "train");
  REQUIRE(eventually([&] { return machine.workload("train").is_null(); }));
  CHECK(machine.pods().empty());
  CHECK(eventually([&] { return machine.api->list(kube::kinds::pod_group, {})->items.empty(); }));
}

TEST_CASE("a workload that runs longer than its timeout is ended") {
  TestMachine machine(1);
  machine.start();
  machine.project("vision", 1);
  model::Desired change{.kind = "Training", .ns = "runai-vision", .name = "slow"};
  json::Object spec = one_gpu();
  spec["image"] = "host";
  spec["command"] = "sleep 9";
  change.object = json::Object{
      {"apiVersion", "muster.dev/v1alpha1"},
      {"kind", "Training"},
      {"metadata", json::Object{{"name", "slow"},
                                {"namespace", "runai-vision"},
                                {"labels", json::Object{{"muster.dev/workload-id", "slow"}, {"project", "vision"}}},
                                {"annotations", json::Object{{"muster.dev/timeout", "300ms"}}}}},
      {"spec", std::move(spec)}};
  machine.send(std::move(change));
  REQUIRE(eventually([&] { return machine.phase("slow") == "Failed"; }));
  CHECK(json::text_or(machine.workload("slow"), "/phaseReason") == "TimedOut");
  CHECK(eventually([&] { return running_in(machine, "runai-vision") == 0; }));
}

TEST_CASE("a cluster that is started anew at any moment goes on where it was, and nothing runs twice") {
  TestMachine machine(4);
  machine.start();
  machine.project("vision", 4);
  for (int i = 0; i < 24; ++i) {
    machine.training("vision", "job-" + std::to_string(i), one_gpu(60));
    if (i % 4 == 3) {
      sleep_until(std::stop_token(), Deadline::in(milliseconds(7 * (i % 5))));
      machine.restart();
    }
    CHECK(is_sound(machine));
  }
  REQUIRE(eventually([&] {
    std::size_t completed = 0;
    for (const json::Value& fact : machine.control.facts("workload"))
      completed += json::text_or(fact, "/phase") == "Completed";
    return completed == 24;
  }));
  CHECK(machine.agent->started().size() == 24);
  CHECK(machine.control.applied_up_to() == machine.sequence);
}

TEST_CASE("conflicts and lost watches change nothing of the outcome") {
  TestMachine machine(2);
  machine.start();
  machine.api->set_faults({.conflict_every = 7, .lose_watch_every = 11});
  machine.project("a", 1);
  machine.project("b", 1);
  for (int i = 0; i < 6; ++i) machine.training(i % 2 == 0 ? "a" : "b", "job-" + std::to_string(i), one_gpu(50));
  CHECK(eventually(
      [&] {
        std::size_t completed = 0;
        for (const json::Value& fact : machine.control.facts("workload"))
          completed += json::text_or(fact, "/phase") == "Completed";
        return completed == 6;
      },
      seconds(30)));
  for (const json::Value& fact : machine.control.facts("workload")) {
    if (json::text_or(fact, "/phase") != "Completed") MESSAGE(json::write(fact));
  }
  machine.api->set_faults({});
}

TEST_CASE("pods made by hand are grouped and bound by their queue label, and pods of other schedulers count as use") {
  TestMachine machine(2);
  machine.start();
  machine.project("vision", 2);
  const auto pod = [&](const std::string& name, const std::string& scheduler, json::Object labels) {
    return json::Value(json::Object{
        {"apiVersion", "v1"},
        {"kind", "Pod"},
        {"metadata", json::Object{{"name", name}, {"namespace", "default"}, {"labels", std::move(labels)}}},
        {"spec",
         json::Object{
             {"schedulerName", scheduler},
             {"containers", json::Array{json::Object{
                                {"name", "main"},
                                {"image", "host"},
                                {"resources", json::Object{{"limits", json::Object{{"nvidia.com/gpu", "1"}}}}}}}}}}});
  };
  json::Value foreign = pod("theirs", "default-scheduler", {});
  json::set_at(foreign, "/spec/nodeName", "sim-1");
  REQUIRE(machine.api->create(kube::kinds::pod, foreign).has_value());
  REQUIRE(eventually([&] { return machine.control.fact("queue", "vision").is_object(); }));
  REQUIRE(
      machine.api->create(kube::kinds::pod, pod("ours", "muster", {{"kai.scheduler/queue", "vision"}})).has_value());
  REQUIRE(eventually([&] { return machine.agent->started().size() == 2; }));
  const json::Value ours = *machine.api->get(kube::kinds::pod, {"default", "ours"});
  CHECK(kube::annotation_of(ours, "pod-group-name").starts_with("pg-ours-"));
  CHECK(kube::annotation_of(ours, "muster.dev/devices").find("SIM-sim-1-0") != std::string::npos);
  REQUIRE(
      machine.api->create(kube::kinds::pod, pod("waits", "muster", {{"kai.scheduler/queue", "vision"}})).has_value());
  REQUIRE(
      machine.api->create(kube::kinds::pod, pod("nowhere", "muster", {{"kai.scheduler/queue", "nobody"}})).has_value());
  REQUIRE(eventually([&] { return machine.events("Unschedulable").size() >= 4; }));
  const json::Value waits = *machine.api->get(kube::kinds::pod, {"default", "waits"});
  CHECK(json::text_or(waits, "/status/conditions/0/reason") == "Unschedulable");
  MESSAGE(json::text_or(waits, "/status/conditions/0/message"));
}

TEST_CASE("why and plan are answered from memory by the solver") {
  TestMachine machine(1);
  machine.start();
  machine.project("vision", 1);
  machine.training("vision", "first", one_gpu());
  machine.training("vision", "second", one_gpu());
  REQUIRE(eventually([&] {
    return json::find(machine.workload("second"), "/verdict/reason") != nullptr ||
           json::find(machine.workload("first"), "/verdict/reason") != nullptr;
  }));
  const bool second_waits = json::find(machine.workload("second"), "/verdict/reason") != nullptr;
  const Result<json::Value> why = machine.cluster->line().ask(
      json::Object{{"ask", "why"}, {"id", second_waits ? "second" : "first"}}, Deadline::in(seconds(2)));
  REQUIRE(why.has_value());
  MESSAGE(json::write(*why));
  CHECK(json::text_or(*why, "/reason") != "");
  const Result<json::Value> runs = machine.cluster->line().ask(
      json::Object{{"ask", "why"}, {"id", second_waits ? "first" : "second"}}, Deadline::in(seconds(2)));
  REQUIRE(runs.has_value());
  CHECK(runs->is_null());
  const Result<json::Value> plan = machine.cluster->line().ask(
      json::Object{{"ask", "plan"}, {"project", "vision"}, {"name", "x"}, {"spec", json::Object(one_gpu())}},
      Deadline::in(seconds(2)));
  REQUIRE_MESSAGE(plan.has_value(), (plan ? "" : plan.error().text));
  MESSAGE(json::write(*plan));
  CHECK(json::bool_at(*plan, "/startsNow") == false);
  CHECK_FALSE(machine.cluster->line().ask(json::Object{{"ask", "weather"}}, Deadline::in(seconds(1))).has_value());
}

TEST_CASE("a pod group that somebody deletes is made again for the pods that live") {
  TestMachine machine(1);
  machine.start();
  machine.project("vision", 1);
  machine.training("vision", "runs", one_gpu());
  REQUIRE(eventually([&] { return machine.phase("runs") == "Running"; }));
  const std::string group = kube::name_of(machine.api->list(kube::kinds::pod_group, {})->items.front());
  REQUIRE(machine.api->remove(kube::kinds::pod_group, {"runai-vision", group}, {}).has_value());
  CHECK(eventually([&] { return machine.api->get(kube::kinds::pod_group, {"runai-vision", group}).has_value(); }));
  CHECK(machine.phase("runs") == "Running");
  machine.remove_training("vision", "runs");
  REQUIRE(eventually([&] { return machine.workload("runs").is_null(); }));
  sleep_until(std::stop_token(), Deadline::in(milliseconds(300)));
  CHECK(machine.api->list(kube::kinds::pod_group, {})->items.empty());
}

TEST_CASE("a priority class of the cluster decides who goes first in a project") {
  TestMachine machine(1);
  REQUIRE(machine.api
              ->create(kube::kinds::priority_class,
                       json::Object{{"metadata", json::Object{{"name", "urgent"}}}, {"value", 95}})
              .has_value());
  machine.start();
  machine.project("vision", 1);
  machine.training("vision", "usual", one_gpu());
  REQUIRE(eventually([&] { return machine.phase("usual") == "Running"; }));
  json::Object spec = one_gpu();
  spec["priorityClass"] = "urgent";
  machine.training("vision", "urgent", std::move(spec));
  CHECK(eventually([&] { return machine.phase("urgent") == "Running"; }));
  CHECK(eventually([&] { return json::text_or(machine.workload("usual"), "/phaseReason") == "Preempted"; }));
  MESSAGE(json::text_or(machine.workload("usual"), "/phaseMessage"));
}

TEST_CASE("what the scheduler decided can be replayed from its log, bit for bit") {
  char folder[] = "/tmp/muster-decisions-XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  {
    TestMachine machine(2);
    machine.start({.state_folder = folder});
    machine.project("a", 1);
    machine.project("b", 1);
    for (int i = 0; i < 6; ++i) machine.training(i < 3 ? "a" : "b", "job-" + std::to_string(i), one_gpu(40));
    REQUIRE(eventually([&] {
      std::size_t completed = 0;
      for (const json::Value& fact : machine.control.facts("workload"))
        completed += json::text_or(fact, "/phase") == "Completed";
      return completed == 6;
    }));
  }
  const Result<std::string> bytes = read_file(std::string(folder) + "/decisions/000001.log");
  REQUIRE(bytes.has_value());
  const Result<sched::replay::Replay> replay = sched::replay::replay(*bytes);
  REQUIRE_MESSAGE(replay.has_value(), (replay ? "" : replay.error().text));
  CHECK(replay->identical());
  CHECK(replay->decisions >= 6);
  std::filesystem::remove_all(folder);
}

}  // namespace muster::cluster
