// The node part as the cluster sees it: pods bound through LocalApi, real processes, restarts of Muster in between.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/ids.h"
#include "base/text.h"
#include "kube/kinds.h"
#include "kube/local/store.h"
#include "kube/objects.h"
#include "model/names.h"
#include "node/node.h"
#include "node/run/folder.h"
#include "node/run/playground_test.h"

namespace muster::node {
namespace {

using testing::count_marked;
using testing::TemporaryFolder;
using testing::wait_until;

struct World {
  World() {
    api = kube::LocalApi::open({.path = ":memory:"}).value();
    REQUIRE(api->create(kube::kinds::ns, json::Object{{"metadata", json::Object{{"name", "runai-a"}}}}).has_value());
    up();
  }
  ~World() {
    if (agent != nullptr) ignore(agent->end_all(Deadline::in(seconds(5))), "the test is over");
  }
  void up(const std::string& gpus = "sim:2xA100-80G") {
    auto started = NodeAgent::start({.api = api.get(),
                                     .clock = &system_clock(),
                                     .folder = folder.path(),
                                     .gpus = gpus,
                                     .program = testing::this_program(),
                                     .host_name = "testhost",
                                     .root_mode = false});
    REQUIRE(started.has_value());
    agent = std::move(*started);
  }
  void down() { agent.reset(); }

  // A bound pod that runs `script`; changes come on top by merge patch. Its uid.
  std::string run(const std::string& name, const std::string& script, const json::Value& change = json::Object{}) {
    json::Value pod = json::Object{
        {"metadata",
         json::Object{{"name", name}, {"namespace", "runai-a"}, {"labels", json::Object{{"project", "a"}}}}},
        {"spec",
         json::Object{{"restartPolicy", "Never"},
                      {"terminationGracePeriodSeconds", 5},
                      {"containers", json::Array{json::Object{{"name", "main"},
                                                              {"image", "host"},
                                                              {"workingDir", "/"},
                                                              {"command", json::Array{"sh", "-c", script}}}}}}}};
    json::merge_patch(pod, change);
    const auto made = api->create(kube::kinds::pod, pod);
    REQUIRE(made.has_value());
    kube::Binding binding{.node = "sim-1"};
    binding.annotations = {
        {std::string(model::keys::devices_annotation), R"([{"uuid":"SIM-sim-1-1","milli":500,"memory":42949672960}])"}};
    REQUIRE(api->bind({"runai-a", name}, binding).has_value());
    return kube::uid_of(*made);
  }
  json::Value pod(const std::string& name) { return api->get(kube::kinds::pod, {"runai-a", name}).value_or(nullptr); }
  std::string phase(const std::string& name) { return json::text_or(pod(name), "/status/phase"); }
  bool reaches(const std::string& name, const std::string& wanted) {
    return wait_until([&] { return phase(name) == wanted; });
  }
  std::optional<std::int64_t> exit_code(const std::string& name) {
    return json::integer_at(pod(name), "/status/containerStatuses/0/state/terminated/exitCode");
  }
  std::string end_reason(const std::string& name) {
    return json::text_or(pod(name), "/status/containerStatuses/0/state/terminated/reason");
  }
  std::string log(const std::string& name, const kube::LogOptions& options = {.follow = true}) {
    const auto stream = agent->streams().logs({"runai-a", name}, options);
    if (!stream.has_value()) return "error: " + stream.error().text;
    std::string all;
    for (;;) {
      const auto bytes = (*stream)->read(Deadline::in(seconds(10)));
      if (!bytes.has_value()) return "error: " + bytes.error().text;
      if (bytes->empty()) return all;
      all += *bytes;
    }
  }
  bool is_gone(const std::string& name) {
    return wait_until([&] { return pod(name).is_null(); });
  }
  RunFolder run_folder(const std::string& uid, int attempt = 0) {
    return RunFolder(folder.path() + "/runs/" + uid + "/" + std::to_string(attempt));
  }
  void kill_shim(const std::string& uid) {
    REQUIRE(wait_until([&] { return run_folder(uid).start().has_value(); }));
    ::kill(run_folder(uid).shim()->shim.pid, SIGKILL);
  }

  TemporaryFolder folder;
  std::unique_ptr<kube::LocalApi> api;
  std::unique_ptr<NodeAgent> agent;
};

TEST_CASE("simulated nodes are offered as the spec says, and the machine itself is not offered beside them") {
  World world;
  CHECK(world.agent->simulated() == "2xA100-80G");
  const auto nodes = world.api->list(kube::kinds::node, {});
  REQUIRE(nodes->items.size() == 1);
  const json::Value& node = nodes->items[0];
  CHECK(kube::name_of(node) == "sim-1");
  CHECK(kube::label_of(node, "muster.dev/simulated") == "true");
  CHECK(kube::label_of(node, "muster.dev/runtime") == "process");
  CHECK(json::text_or(node, "/status/capacity/cpu") == "64");
  CHECK(json::text_or(node, "/status/capacity/memory") == "512Gi");
  CHECK(json::text_or(node, "/status/capacity/pods") == "110");
  CHECK(json::text_or(node, "/status/allocatable/nvidia.com~1gpu") == "2");
  CHECK(json::text_or(node, "/status/conditions/0/status") == "True");
  const auto devices = json::parse(kube::annotation_of(node, "muster.dev/node-devices"));
  REQUIRE(devices.has_value());
  CHECK(json::text_or(*devices, "/1/uuid") == "SIM-sim-1-1");
  CHECK(json::integer_at(*devices, "/1/memoryMib") == 81920);
  CHECK(json::bool_at(*devices, "/1/simulated") == true);
}

TEST_CASE("without GPUs the machine is a node of its own name with what it has") {
  World world;
  world.down();
  world.up("none");
  REQUIRE(wait_until([&] { return world.api->list(kube::kinds::node, {})->items.size() == 1; }));
  const json::Value node = world.api->list(kube::kinds::node, {})->items[0];
  CHECK(kube::name_of(node) == "testhost");
  CHECK(json::text_or(node, "/status/capacity/nvidia.com~1gpu") == "0");
  CHECK(json::text_or(node, "/status/capacity/cpu") != "0");
  CHECK(world.agent->simulated().empty());
}

TEST_CASE("a wrong word for gpus, and real ones that are missing, are said before anything is registered") {
  auto api = kube::LocalApi::open({.path = ":memory:"}).value();
  TemporaryFolder folder;
  Options options{.api = api.get(), .folder = folder.path(), .gpus = "some", .program = "/bin/false"};
  auto started = NodeAgent::start(options);
  REQUIRE(!started.has_value());
  CHECK(started.error().kind == ErrorKind::Invalid);
  options.gpus = "sim:2x";
  CHECK(NodeAgent::start(options).error().kind == ErrorKind::Invalid);
  ::setenv("MUSTER_NVML_LIBRARY", "/no/such/library.so", 1);
  options.gpus = "real";
  CHECK(NodeAgent::start(options).error().kind == ErrorKind::Unavailable);
  ::unsetenv("MUSTER_NVML_LIBRARY");
  CHECK(api->list(kube::kinds::node, {})->items.empty());
}

TEST_CASE("a bound pod runs with its devices and names in its environment, and its end is its own") {
  World world;
  world.run("train-1-0", "env | grep -E 'MUSTER|CUDA|NVIDIA|RUNAI|NODE_NAME|PORT|HOME' | sort; exit 7");
  REQUIRE(world.reaches("train-1-0", "Failed"));
  CHECK(world.exit_code("train-1-0") == 7);
  const std::string log = world.log("train-1-0");
  CAPTURE(log);
  for (const char* line : {"MUSTER_WORKLOAD=train-1-0\n", "MUSTER_PROJECT=a\n", "MUSTER_POD=train-1-0\n",
                           "MUSTER_GPUS=sim-1/1:0.50\n", "CUDA_VISIBLE_DEVICES=\n", "NVIDIA_VISIBLE_DEVICES=\n",
                           "NODE_NAME=sim-1\n", "RUNAI_NUM_OF_GPUS=0.5\n", "RUNAI_PROJECT=a\n", "HOME=/"}) {
    CHECK(log.find(line) != std::string::npos);
  }
  CHECK(log.find("PORT=0\n") == std::string::npos);
  const json::Value pod = world.pod("train-1-0");
  CHECK(kube::annotation_of(pod, "muster.dev/gpu-enforcement") == "none");
  CHECK(kube::annotation_of(pod, "muster.dev/device-enforcement") == "advisory");
  CHECK(kube::annotation_of(pod, "muster.dev/limits").find("enforced") != std::string::npos);
  CHECK(json::text_or(pod, "/status/conditions/0/type") == "PodScheduled");
}

TEST_CASE("a running pod says so with its start, then succeeds") {
  World world;
  world.run("p", "sleep 0.3");
  REQUIRE(world.reaches("p", "Running"));
  CHECK(json::text_or(world.pod("p"), "/status/containerStatuses/0/state/running/startedAt") != "");
  CHECK(json::bool_at(world.pod("p"), "/status/containerStatuses/0/ready") == true);
  REQUIRE(world.reaches("p", "Succeeded"));
  CHECK(world.exit_code("p") == 0);
  CHECK(world.end_reason("p") == "Completed");
}

TEST_CASE("a pod without a command fails with the reason, never silently") {
  World world;
  world.run("p", "", json::parse(R"({"spec":{"containers":[{"name":"main","image":"host"}]}})").value());
  REQUIRE(world.reaches("p", "Failed"));
  CHECK(json::text_or(world.pod("p"), "/status/reason") == "CreateContainerConfigError");
  CHECK(json::text_or(world.pod("p"), "/status/message").find("nothing to run") != std::string::npos);
}

TEST_CASE("deleting a pod stops it in order and removes it when it has ended") {
  World world;
  const std::string uid = world.run("p", "trap 'sleep 0.2; exit 0' TERM; while :; do sleep 0.05; done");
  REQUIRE(world.reaches("p", "Running"));
  // Running means that the shell has begun, not that it has set its trap.
  ::usleep(700'000);
  REQUIRE(world.api->remove(kube::kinds::pod, {"runai-a", "p"}, {}).has_value());
  ::usleep(100'000);
  CHECK(!world.pod("p").is_null());
  CHECK(world.is_gone("p"));
  CHECK(count_marked(uid) == 0);
}

TEST_CASE("a pod that ignores TERM is gone after its grace, and at once when removed by force") {
  World world;
  const std::string uid = world.run("p", "trap '' TERM; while :; do sleep 0.05; done");
  REQUIRE(world.reaches("p", "Running"));
  REQUIRE(world.api->remove(kube::kinds::pod, {"runai-a", "p"}, {.grace_seconds = 1}).has_value());
  CHECK(world.is_gone("p"));
  CHECK(count_marked(uid) == 0);

  const std::string forced = world.run("q", "sleep 1000");
  REQUIRE(world.reaches("q", "Running"));
  REQUIRE(world.api->remove(kube::kinds::pod, {"runai-a", "q"}, {.grace_seconds = 0}).has_value());
  CHECK(wait_until([&] { return count_marked(forced) == 0; }));
  CHECK(wait_until([&] { return ::access((world.folder.path() + "/runs/" + forced).c_str(), F_OK) != 0; }));
}

TEST_CASE("what runs survives the end of Muster and is found again; what ended meanwhile keeps its code and output") {
  World world;
  const std::string lives = world.run("lives", "echo begin; sleep 1000");
  world.run("ends", "echo first; sleep 0.3; echo last; exit 5");
  REQUIRE(world.reaches("lives", "Running"));
  REQUIRE(world.reaches("ends", "Running"));
  const ProcessIdentity before = world.run_folder(lives).start()->job;
  world.down();
  ::usleep(500'000);
  world.up();
  REQUIRE(world.reaches("ends", "Failed"));
  CHECK(world.exit_code("ends") == 5);
  CHECK(world.log("ends") == "first\nlast\n");
  CHECK(world.phase("lives") == "Running");
  CHECK(open_process(before).is_open());
  REQUIRE(world.api->remove(kube::kinds::pod, {"runai-a", "lives"}, {}).has_value());
  CHECK(world.is_gone("lives"));
  CHECK(count_marked(lives) == 0);
}

TEST_CASE("a pod that is deleted while Muster is down is stopped by the next start") {
  World world;
  const std::string uid = world.run("p", "sleep 1000");
  const std::string other = world.run("q", "sleep 1000");
  REQUIRE(world.reaches("p", "Running"));
  REQUIRE(world.reaches("q", "Running"));
  world.down();
  REQUIRE(world.api->remove(kube::kinds::pod, {"runai-a", "p"}, {}).has_value());
  REQUIRE(world.api->remove(kube::kinds::pod, {"runai-a", "q"}, {.grace_seconds = 0}).has_value());
  CHECK(count_marked(uid) > 0);
  world.up();
  CHECK(world.is_gone("p"));
  CHECK(wait_until([&] { return count_marked(uid) == 0 && count_marked(other) == 0; }));
}

TEST_CASE("a run whose shim is killed is Lost: what is left of it is ended and the pod says so") {
  World world;
  const std::string uid = world.run("p", "setsid sleep 1000 & sleep 1000");
  REQUIRE(world.reaches("p", "Running"));
  world.kill_shim(uid);
  REQUIRE(world.reaches("p", "Failed"));
  CHECK(json::text_or(world.pod("p"), "/status/reason") == "Lost");
  CHECK(world.end_reason("p") == "Lost");
  CHECK(count_marked(uid) == 0);

  // The same while Muster is down.
  const std::string down = world.run("q", "setsid sleep 1000 & sleep 1000");
  REQUIRE(world.reaches("q", "Running"));
  world.down();
  world.kill_shim(down);
  world.up();
  REQUIRE(world.reaches("q", "Failed"));
  CHECK(json::text_or(world.pod("q"), "/status/reason") == "Lost");
  CHECK(count_marked(down) == 0);
}

TEST_CASE("a process number in shim.json that belongs to another process now is never touched") {
  World world;
  world.down();
  const pid_t bystander = ::fork();
  if (bystander == 0) {
    ::execlp("sleep", "sleep", "1000", nullptr);
    ::_exit(1);
  }
  const std::string uid = world.run("p", "true");
  const RunFolder folder = world.run_folder(uid);
  REQUIRE(make_folders(folder.path(), 0700).has_value());
  REQUIRE(folder.write(testing::order_of(uid, "true")).has_value());
  ProcessIdentity old = identity_of(bystander);
  old.start_ticks -= 100;
  REQUIRE(folder.write(ShimRecord{.shim = old}).has_value());
  world.up();
  REQUIRE(world.reaches("p", "Failed"));
  CHECK(json::text_or(world.pod("p"), "/status/reason") == "Lost");
  CHECK(::kill(bystander, 0) == 0);
  CHECK(read_stat(bystander)->state != 'Z');
  ::kill(bystander, SIGKILL);
}

TEST_CASE("a plain pod with restartPolicy OnFailure starts again with growing delay until it succeeds") {
  World world;
  const std::string uid =
      world.run("p",
                "echo try >> " + world.folder.path() + "/tries; echo out $(wc -l < " + world.folder.path() +
                    "/tries); test $(wc -l < " + world.folder.path() + "/tries) = 2",
                json::parse(R"({"spec":{"restartPolicy":"OnFailure"}})").value());
  REQUIRE(world.reaches("p", "Succeeded"));
  CHECK(json::integer_at(world.pod("p"), "/status/containerStatuses/0/restartCount") == 1);
  CHECK(world.log("p") == "out 2\n");
  CHECK(world.log("p", {.previous = true}) == "out 1\n");
}

TEST_CASE("a pod over its active deadline is stopped and says so") {
  World world;
  world.run("p", "sleep 1000", json::parse(R"({"spec":{"activeDeadlineSeconds":1}})").value());
  REQUIRE(world.reaches("p", "Failed"));
  CHECK(json::text_or(world.pod("p"), "/status/reason") == "DeadlineExceeded");
}

TEST_CASE("ending everything stops all runs and records their ends") {
  World world;
  const std::string a = world.run("a", "sleep 1000");
  const std::string b = world.run("b", "trap '' TERM; while :; do sleep 0.05; done");
  REQUIRE(world.reaches("a", "Running"));
  REQUIRE(world.reaches("b", "Running"));
  REQUIRE(world.agent->end_all(Deadline::in(seconds(2))).has_value());
  CHECK(count_marked(a) + count_marked(b) == 0);
  CHECK(world.phase("a") == "Failed");
  CHECK(json::text_or(world.pod("b"), "/status/reason") == "NodeShutdown");
}

TEST_CASE("logs of a gone pod stay while its workload exists, and go with it") {
  World world;
  const auto training = world.api->create(
      kube::kinds::training, json::Object{{"metadata", json::Object{{"name", "train-1"}, {"namespace", "runai-a"}}},
                                          {"spec", json::Object{}}});
  REQUIRE(training.has_value());
  const std::string uid = world.run(
      "p", "echo kept",
      json::Object{{"metadata", json::Object{{"ownerReferences", json::Array{kube::owner_reference(*training)}}}}});
  REQUIRE(world.reaches("p", "Succeeded"));
  REQUIRE(world.api->remove(kube::kinds::pod, {"runai-a", "p"}, {}).has_value());
  CHECK(world.is_gone("p"));
  CHECK(wait_until([&] { return world.log("p", {}) == "kept\n"; }));
  world.down();
  world.up();
  CHECK(wait_until([&] { return world.log("p", {}) == "kept\n"; }));
  world.down();
  REQUIRE(world.api->remove(kube::kinds::training, {"runai-a", "train-1"}, {}).has_value());
  world.up();
  CHECK(wait_until([&] { return ::access((world.folder.path() + "/runs/" + uid).c_str(), F_OK) != 0; }));
}

TEST_CASE("a node that is not offered any more stays closed while something runs on it, and opens with its return") {
  World world;
  world.run("p", "sleep 1000");
  REQUIRE(world.reaches("p", "Running"));
  world.down();
  world.up("sim:other=1xT4");
  const auto is_closed = [&] {
    const auto node = world.api->get(kube::kinds::node, {"", "sim-1"});
    return node.has_value() && json::bool_at(*node, "/spec/unschedulable").value_or(false);
  };
  CHECK(wait_until(is_closed));
  CHECK(world.phase("p") == "Running");
  world.down();
  world.up();
  CHECK(wait_until([&] { return !is_closed(); }));
  CHECK(wait_until([&] { return !world.api->get(kube::kinds::node, {"", "other"}).has_value(); }));
}

}  // namespace
}  // namespace muster::node
