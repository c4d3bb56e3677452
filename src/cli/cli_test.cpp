#include <doctest/doctest.h>

#include "base/file.h"
#include "base/text.h"
#include "base/yaml.h"
#include "cli/fake_muster_test.h"

namespace muster::cli {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

json::Value js(std::string_view text) {
  const Result<json::Value> value = json::parse(text);
  REQUIRE_MESSAGE(value.has_value(), std::string(text));
  return *value;
}

const std::string id_1 = "b7e9a9c4-6a3d-4d6d-8a3e-0f2f1f0a9b11", id_2 = "b7e9a9c4-6a3d-4d6d-8a3e-0f2f1f0a9b12",
                  id_3 = "b7e9a9c4-6a3d-4d6d-8a3e-0f2f1f0a9b13";

TEST_CASE("a job's phases go to the error stream, its output to the output, and its exit status is the command's") {
  FakeMuster muster;
  std::jthread job;
  muster.on_submit = [&](const std::string& id) {
    job = std::jthread([&muster, id] {
      muster.set(id, {{"phase", "Pending"},
                      {"waiting",
                       json::Object{{"reason", "OverLimit"}, {"message", "project default holds 2 GPUs, its limit"}}}});
      muster.set(id, {{"phase", "Running"}, {"waiting", nullptr}});
      muster.print("hello\n");
      muster.print("world\n");
      muster.set(id, {{"phase", "Failed"}, {"exitCode", 3}});
      muster.print("last words\n");
      muster.end_log();
    });
  };
  const Ran ran = muster.run({"submit", "--gpu", "0.5", "--", "sh", "-c", "echo hello; exit 3"});
  CHECK(ran.status == 3);
  CHECK(ran.out == "hello\nworld\nlast words\n");
  CHECK(has(ran.err, "train-1: Failed: exit status 3"));
}

TEST_CASE("a submission carries command, folder, environment, GPUs and no restart") {
  FakeMuster muster;
  muster.variables = {{"USER", "ann"}, {"MINE", "1 2"}, {"SECRET", "no"}};
  const Ran ran = muster.run({"submit",      "--name",    "t",    "-g",         "2x0.5", "--cpu",
                              "500m",        "--memory",  "1Gi",  "--priority", "high",  "--preemptibility",
                              "preemptible", "-e",        "MINE", "-e",         "A=b=c", "-e",
                              "HOME=/tmp",   "--workdir", "sub",  "--restart",  "2",     "--timeout",
                              "90m",         "--detach",  "--",   "sh",         "-c",    "echo $A --help"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "t\n");
  CHECK(has(ran.err, "muster logs -f t"));
  CHECK(muster.body_of_last("POST") == js(R"({"name":"t","projectId":"4500001","spec":{"image":"host","command":"sh",
    "args":"-c 'echo $A --help'","workingDir":"/srv/ann/sub","environmentVariables":[{"name":"PATH","value":"/usr/bin"},
    {"name":"HOME","value":"/tmp"},{"name":"USER","value":"ann"},{"name":"MINE","value":"1 2"},{"name":"A","value":"b=c"}],
    "compute":{"gpuDevicesRequest":2,"gpuRequestType":"portion","gpuPortionRequest":0.5,"cpuCoreRequest":0.5,"cpuCoreLimit":0.5,
    "cpuMemoryRequest":"1Gi","cpuMemoryLimit":"1Gi"},"backoffLimit":2,"priorityClass":"high","preemptibility":"preemptible",
    "annotations":[{"name":"muster.dev/timeout","value":"1h30m0s"}]}})"));
}

TEST_CASE("GPUs are asked for as devices, shares, memory or MIG instances") {
  FakeMuster muster;
  const auto compute = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), "submit");
    for (const char* word : {"-p", "vision", "-d", "--", "true"}) flags.emplace_back(word);
    const Ran ran = muster.run(flags);
    CHECK_MESSAGE(ran.status == 0, ran.err);
    const json::Value body = muster.body_of_last("POST");
    CHECK(json::text_or(body, "/projectId") == "4500002");
    const json::Value* found = json::find(body, "/spec/compute");
    return found != nullptr ? *found : json::Value(nullptr);
  };
  CHECK(compute({}).is_null());
  CHECK(compute({"--gpu", "2"}) == js(R"({"gpuDevicesRequest":2,"gpuRequestType":"portion","gpuPortionRequest":1})"));
  CHECK(compute({"--gpu=10Gi"}) ==
        js(R"({"gpuDevicesRequest":1,"gpuRequestType":"memory","gpuMemoryRequest":"10Gi"})"));
  CHECK(compute({"--gpu", "2", "--gpu-memory", "4Gi"}) ==
        js(R"({"gpuDevicesRequest":2,"gpuRequestType":"memory","gpuMemoryRequest":"4Gi"})"));
  CHECK(compute({"-g", "2xmig-1g.10gb"}) ==
        js(R"({"extendedResources":[{"resource":"nvidia.com/mig-1g.10gb","quantity":"2"}]})"));
}

TEST_CASE("what cannot be meant is refused before anything is sent, exit status 2, with the nearest word") {
  FakeMuster muster;
  const auto refused = [&](std::vector<std::string> words, std::string_view part) {
    const Ran ran = muster.run(words);
    CAPTURE(ran.err);
    CHECK(ran.status == 2);
    CHECK(ran.out.empty());
    CHECK(has(ran.err, part));
    CHECK(muster.requests().empty());
  };
  refused({"submit", "--gpus", "1", "--", "x"}, "unknown flag \"--gpus\" (did you mean \"--gpu\"?)");
  refused({"submit", "--gpu", "1.5", "--", "x"}, "--gpu: gpu request \"1.5\"");
  refused({"submit", "--gpu", "0.5", "--gpu-memory", "1Gi", "--", "x"}, "--gpu-memory");
  refused({"submit", "--gpu", "1"}, "the command to run is missing");
  refused({"submit", "python3", "train.py"}, "muster submit [flags] -- python3 train.py");
  refused({"submit", "--memory", "1GB", "--", "x"}, "--memory: \"1GB\" is no quantity");
  refused({"submit", "--priority", "hihg", "--", "x"}, "did you mean \"high\"");
  refused({"submit", "--preemptibility", "maybe", "--", "x"}, "expected one of preemptible, non-preemptible");
  refused({"submit", "--restart", "many", "--", "x"}, "--restart");
  refused({"submit", "--timeout", "0s", "--", "x"}, "--timeout");
  refused({"submit", "-e", "NOWHERE", "--", "x"}, "NOWHERE: the variable is not set here");
  refused({"submit", "-e", "1A=x", "--", "x"}, "expected NAME or NAME=VALUE");
  refused({"submit", "--gpu"}, "value");
  refused({"list", "-o", "jsn"}, "did you mean \"json\"");
  refused({"describe"}, "the name of a workload is missing");
  refused({"describe", "a", "b"}, "\"b\" is not expected here");
  refused({"wait", "a", "--for", "Compelted"}, "did you mean \"Completed\"");
  refused({"logs", "a", "--tail", "x"}, "--tail \"x\": expected a number of lines");
}

TEST_CASE("an unknown project names the known ones") {
  FakeMuster muster;
  const Ran ran = muster.run({"submit", "-p", "visoin", "--", "x"});
  CHECK(ran.status == 3);
  CHECK(has(ran.err, "no project \"visoin\" (did you mean \"vision\"?); known are default, vision"));
}

TEST_CASE("Ctrl-C while following leaves the job and says how to go on") {
  FakeMuster muster;
  muster.interrupt_after = milliseconds(0);
  const Ran ran = muster.run({"submit", "-p", "vision", "--", "sleep", "100"});
  CHECK(ran.status == 130);
  CHECK(has(ran.err, "muster logs -f -p vision train-1"));
  CHECK(has(ran.err, "muster delete -p vision train-1"));
}

TEST_CASE("a broken connection loses no output and prints none twice") {
  FakeMuster muster;
  std::jthread job;
  muster.on_submit = [&](const std::string& id) {
    job = std::jthread([&muster, id] {
      muster.set(id, {{"phase", "Running"}});
      muster.print("one\n");
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      muster.print("two\n");
      muster.set(id, {{"phase", "Completed"}, {"exitCode", 0}});
      muster.end_log();
    });
  };
  const Ran ran = muster.run({"submit", "--", "x"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "one\ntwo\n");
}

TEST_CASE("events that were missed while the server was away are made up for") {
  FakeMuster muster;
  std::jthread job;
  muster.on_submit = [&](const std::string& id) {
    job = std::jthread([&muster, id] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      muster.cut_streams();
      muster.print("done\n");
      muster.set(id, {{"phase", "Completed"}, {"exitCode", 0}});
      muster.end_log();
    });
  };
  const Ran ran = muster.run({"submit", "--", "x"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "done\n");
}

TEST_CASE("with -o json the output is the workload alone") {
  FakeMuster muster;
  std::jthread job;
  muster.on_submit = [&](const std::string& id) {
    job = std::jthread([&muster, id] {
      muster.set(id, {{"phase", "Running"}});
      muster.print("hello\n");
      muster.set(id, {{"phase", "Completed"}, {"exitCode", 0}});
      muster.end_log();
    });
  };
  const Ran ran = muster.run({"submit", "--json", "--", "x"});
  CHECK(ran.status == 0);
  CHECK(json::integer_at(js(ran.out), "/exitCode") == 0);
  CHECK(has(ran.err, "hello\n"));
}

TEST_CASE("--plan only says what would happen") {
  FakeMuster muster;
  muster.answer(
      "POST /api/muster/v1/plan",
      js(R"({"startsNow":true,"node":"sim-1","displaced":[{"workload":"train-3","project":"vision","gpus":1}],"verdict":null})"));
  const Ran ran = muster.run({"submit", "--gpu", "1", "--plan", "--", "x"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "would start now on sim-1\nwould displace vision/train-3, which holds 1 GPUs\n");
  CHECK(muster.requests() == std::vector<std::string>{"POST /api/muster/v1/plan"});
}

TEST_CASE("list shows a table, wide, JSON of all pages, YAML or names") {
  FakeMuster muster;
  muster.add_workload(id_1, "default", "train-1", {{"phase", "Running"}, {"runningPods", 1}, {"overQuota", true}});
  muster.add_workload(
      id_2, "default", "train-2",
      {{"createdAt", "2026-11-24T11:50:30Z"}, {"waiting", json::Object{{"message", "waits for 1 GPU"}}}});
  muster.add_workload(id_3, "default", "train-3", {{"phase", "Completed"}, {"exitCode", 0}, {"gpuRequestText", "0"}});
  CHECK(muster.run({"list"}).out ==
        "NAME     PHASE      GPUS  PODS         AGE  REASON\n"
        "train-2  Pending     0.5   0/1        30 s  waits for 1 GPU\n"
        "train-3  Completed     -   0/1  3 h 51 min  exit status 0\n"
        "train-1  Running    0.5+   1/1  3 h 51 min\n");
  CHECK(has(muster.run({"list", "-A", "-o", "wide"}).out, "PROJECT"));
  CHECK(js(muster.run({"list", "-o", "json"}).out).at("workloads").get_array().size() == 3);
  CHECK_FALSE(js(muster.run({"list", "--json"}).out).get_object().contains("next"));
  CHECK(yaml::parse(muster.run({"list", "-o", "yaml"}).out)->at("workloads").get_array().size() == 3);
  CHECK(muster.run({"list", "-o", "name"}).out == "train-1\ntrain-2\ntrain-3\n");
  CHECK(has(muster.run({"list", "-A", "-o", "name"}).out, "default/train-2\n"));
  const Ran empty = muster.run({"list", "-p", "vision"});
  CHECK(empty.status == 0);
  CHECK(has(empty.err, "no workloads in project vision"));
  CHECK(muster.run({"list", "-p", "vison"}).status == 3);
}

TEST_CASE("a watched list tells each change, in columns, and ends with Ctrl-C") {
  FakeMuster muster;
  muster.add_workload(id_1, "default", "train-1", {{"phase", "Pending"}});
  muster.interrupt_after = milliseconds(700);
  const auto play = [&] {
    return std::jthread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      muster.set(id_1, {{"phase", "Running"}});
      muster.add_workload(id_2, "vision", "elsewhere");
      muster.remove_workload(id_1);
    });
  };
  std::jthread job = play();
  const Ran ran = muster.run({"list", "-w"});
  CHECK(ran.status == 130);
  CHECK(ran.out ==
        "NAME     PHASE    GPUS  PODS         AGE  REASON\n"
        "train-1  Pending   0.5   0/1  3 h 51 min\n"
        "train-1  Running   0.5   0/1  3 h 51 min\n"
        "train-1  Deleted   0.5   0/1  3 h 51 min\n");
  job.join();
  muster.add_workload(id_1, "default", "train-1", {{"phase", "Pending"}});
  job = play();
  const Ran lines = muster.run({"list", "-w", "-o", "json"});
  const std::vector<std::string_view> each = split(trim(lines.out), '\n');
  REQUIRE(each.size() == 3);
  CHECK(json::text_or(js(each[1]), "/phase") == "Running");
  job.join();
  muster.terminal = true;
  muster.add_workload(id_1, "default", "train-1", {{"phase", "Pending"}});
  job = play();
  const std::string drawn = muster.run({"list", "-w"}).out;
  CHECK(has(drawn, "\x1b[2J"));
  CHECK(has(drawn, "train-1"));
}

TEST_CASE("colour is for terminals, and never with NO_COLOR") {
  FakeMuster muster;
  muster.add_workload(id_1, "default", "train-1", {{"phase", "Running"}});
  CHECK_FALSE(has(muster.run({"list"}).out, "\x1b["));
  muster.terminal = true;
  CHECK(has(muster.run({"list"}).out, "\x1b[32mRunning\x1b[0m"));
  muster.variables["NO_COLOR"] = "1";
  CHECK_FALSE(has(muster.run({"list"}).out, "\x1b["));
}

TEST_CASE("a workload that is not there is named with the nearest that is") {
  FakeMuster muster;
  muster.add_workload(id_1, "default", "train-1");
  const Ran ran = muster.run({"describe", "trian-1"});
  CHECK(ran.status == 3);
  CHECK(has(ran.err, "no workload \"trian-1\" in project \"default\" (did you mean \"train-1\"?)"));
  CHECK(muster.run({"describe", "default/train-1"}).status == 0);
  CHECK(muster.run({"describe", id_1}).status == 0);
  CHECK(has(muster.last_query("/api/v1/workloads"), "filterBy=projectName==default"));
}

TEST_CASE("describe says what is enforced and what is not") {
  FakeMuster muster;
  muster.add_workload(
      id_1, "default", "train-1",
      {{"phase", "Running"},
       {"gpuEnforcement", "none"},
       {"limits", json::Object{{"cpu", "not enforced"}, {"memory", "enforced"}}},
       {"pods", json::Array{json::Object{
                    {"name", "train-1-0"}, {"phase", "Running"}, {"node", "sim-1"}, {"gpus", "sim-1/0:0.50"}}}},
       {"events",
        json::Array{json::Object{{"at", "2026-11-24T08:00:01Z"}, {"reason", "Bound"}, {"message", "to sim-1"}}}}});
  const Ran ran = muster.run({"describe", "train-1"});
  CHECK(ran.status == 0);
  CHECK(has(ran.out, "GPU share not enforced, cpu not enforced, memory enforced"));
  CHECK(has(ran.out, "train-1-0  Running  sim-1  sim-1/0:0.50"));
  CHECK(has(ran.out, "Bound  to sim-1"));
  CHECK(json::text_or(js(muster.run({"describe", "train-1", "-o", "json"}).out), "/gpuEnforcement") == "none");
}

TEST_CASE("logs ask the gateway for what was asked of them") {
  FakeMuster muster;
  muster.add_workload(id_1, "vision", "train-1");
  muster.print("a\nb\n");
  muster.end_log();
  CHECK(muster.run({"logs", "-p", "vision", "train-1", "--tail", "10", "--previous", "-f"}).out == "a\nb\n");
  CHECK(muster.last_query("/gate/v1/projects/vision/workloads/train-1/logs") == "follow=true&previous=true&tail=10");
}

TEST_CASE("a gang within one rack is a matter of three flags") {
  FakeMuster muster;
  const Ran ran = muster.run({"submit", "-d", "--gpu", "1", "--parallelism", "4", "--gang", "--topology", "dc",
                              "--topology-required", "rack", "--", "x"});
  CHECK(ran.status == 0);
  const json::Value body = muster.body_of_last("POST");
  CHECK(json::integer_at(body, "/spec/parallelism") == 4);
  CHECK(json::integer_at(body, "/spec/completions") == 4);
  CHECK(json::write(*json::find(body, "/spec/annotations")) ==
        R"([{"name":"kai.scheduler/batch-min-member","value":"4"},{"name":"kai.scheduler/topology","value":"dc"},)"
        R"({"name":"kai.scheduler/topology-required-placement","value":"rack"}])");
  CHECK(has(muster.run({"submit", "--gang", "--", "x"}).err, "--parallelism"));
  CHECK(has(muster.run({"submit", "--topology-required", "rack", "--", "x"}).err, "--topology"));
  CHECK(has(muster.run({"submit", "--parallelism", "4", "--completions", "2", "--", "x"}).err, "--completions 2"));
}

TEST_CASE("topologies are made, listed and deleted by name") {
  FakeMuster muster;
  const std::string path = "/api/v1/network-topologies";
  muster.answer("POST " + path, js(R"({"id":"i","name":"dc","levels":["zone","rack"],"phase":"Creating"})"));
  muster.answer("GET " + path, js(R"({"networkTopologies":[{"id":"i","name":"dc","levels":["zone","rack"]}]})"));
  muster.answer("DELETE " + path + "/i", js("{}"));
  CHECK(muster.run({"topology", "create", "dc", "zone", "rack"}).out == "topology dc created: zone > rack\n");
  CHECK(json::write(muster.body_of_last("POST")) == R"({"name":"dc","levels":["zone","rack"]})");
  CHECK(has(muster.run({"topology", "list"}).out, "zone > rack"));
  CHECK(muster.run({"topology", "delete", "dc"}).status == 0);
  CHECK(has(muster.run({"topology", "delete", "cd"}).err, "no topology \"cd\""));
}

TEST_CASE("why prints the verdict and the commands that would help") {
  FakeMuster muster;
  muster.add_workload(id_1, "vision", "train-7");
  muster.answer("GET /api/muster/v1/workloads/" + id_1 + "/why",
                js(R"({"workloadId":"x","phase":"Pending","reason":"OverLimit",
    "queue":"vision","numbers":{"limit":2,"allocated":2,"need":1},"message":"project vision holds 2 GPUs, its limit",
    "remedy":[{"set":"queue/vision","field":"gpu.limit","to":3},{"set":"queue/dept--research","field":"gpu.quota","to":null},
              {"set":"workload","field":"gpu","to":0.5},{"set":"workload","field":"preemptibility","to":"preemptible"}],
    "since":"2026-11-24T11:50:12Z"})"));
  const Ran ran = muster.run({"why", "-p", "vision", "train-7"});
  CHECK(ran.status == 0);
  CHECK(ran.out ==
        "OverLimit: project vision holds 2 GPUs, its limit\n"
        "Queue:    vision\n"
        "Numbers:  limit 2, allocated 2, need 1\n"
        "For:      48 s\n"
        "Any of these would start it:\n"
        "  muster project set vision --limit 3\n"
        "  raise the GPU quota of department research to unlimited\n"
        "  submit train-7 again with --gpu 0.5\n"
        "  submit train-7 again with --preemptibility preemptible\n");
  CHECK(js(muster.run({"why", "-p", "vision", "train-7", "-o", "json"}).out).at("reason") == "OverLimit");
}

TEST_CASE("suspend, resume and delete do what they can and report the first failure") {
  FakeMuster muster;
  muster.add_workload(id_1, "default", "a");
  muster.add_workload(id_2, "default", "b");
  const Ran ran = muster.run({"suspend", "a", "nope", "b"});
  CHECK(ran.status == 3);
  CHECK(ran.out == "a is being suspended\nb is being suspended\n");
  CHECK(muster.run({"resume", "a"}).status == 0);
  CHECK(muster.run({"delete", "a"}).status == 0);
  CHECK(muster.requests() == std::vector<std::string>{"POST /api/v1/workloads/trainings/" + id_1 + "/suspend",
                                                      "POST /api/v1/workloads/trainings/" + id_2 + "/suspend",
                                                      "POST /api/v1/workloads/trainings/" + id_1 + "/resume",
                                                      "DELETE /api/v1/workloads/trainings/" + id_1});
}

TEST_CASE("delete asks on a terminal only") {
  FakeMuster muster;
  muster.add_workload(id_1, "default", "a");
  muster.terminal = true;
  muster.answer_to_question = "n";
  CHECK(muster.run({"delete", "a"}).status == 1);
  CHECK(muster.requests().empty());
  muster.answer_to_question = "y";
  CHECK(muster.run({"delete", "a"}).status == 0);
  CHECK(muster.run({"delete", "--yes", "a"}).status == 0);
  CHECK(muster.requests().size() == 2);
}

TEST_CASE("wait ends with the phase, with 7 when time is up, with 1 when it cannot come") {
  FakeMuster muster;
  muster.add_workload(id_1, "default", "a");
  const Ran late = muster.run({"wait", "a", "--for=Completed", "--timeout", "300ms"});
  CHECK(late.status == 7);
  CHECK(has(late.err, "a is not Completed yet; it is Pending"));
  {
    const std::jthread job([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      muster.set(id_1, {{"phase", "Completed"}, {"exitCode", 0}});
    });
    CHECK(muster.run({"wait", "a", "--for=completed"}).status == 0);
  }
  CHECK(muster.run({"wait", "a", "--for", "Running"}).status == 0);
  muster.set(id_1, {{"phase", "Failed"}, {"exitCode", 9}});
  const Ran never = muster.run({"wait", "a"});
  CHECK(never.status == 1);
  CHECK(has(never.err, "a is Failed, it will not be Completed (exit status 9)"));
  const std::jthread job([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    muster.remove_workload(id_1);
  });
  CHECK(muster.run({"wait", "a", "--for", "Deleted"}).status == 0);
}

TEST_CASE("projects are made, set, listed and removed") {
  FakeMuster muster;
  muster.answer("POST /api/v1/org-unit/projects", json::Object{{"id", "1"}}, 201);
  muster.answer("PATCH /api/muster/v1/projects/vision",
                js(R"({"name":"vision","gpu":{"quota":4,"limit":null,"weight":2},
    "warning":"quotas sum to 5 GPUs, there are 2"})"));
  Ran ran = muster.run({"project", "create", "vision", "--quota", "1", "--limit", "2"});
  CHECK(ran.status == 0);
  CHECK(has(ran.out, "project vision created: quota 1, limit unlimited, weight 2.5"));
  CHECK(muster.body_of_last("POST") ==
        js(R"({"name":"vision","resources":[{"nodePool":{"name":"default"},"gpu":{"deserved":1,"limit":2}}]})"));
  ran = muster.run({"project", "set", "vision", "--quota", "4", "--limit", "unlimited", "--member", "bob",
                    "--remove-member", "ann"});
  CHECK(ran.status == 0);
  CHECK(has(ran.err, "warning: quotas sum to 5 GPUs, there are 2"));
  CHECK(muster.body_of_last("PATCH") == js(R"({"gpu":{"quota":4,"limit":null},"members":["bob"]})"));
  CHECK(has(muster.run({"project", "list"}).out,
            "vision   default         1  unlimited     2.5           1        0.5          4"));
  CHECK(muster.run({"project", "list", "-o", "name"}).out == "default\nvision\n");
  muster.answer("DELETE /api/v1/org-unit/projects/4500002", json::Object{}, 204);
  CHECK(muster.run({"project", "delete", "vision"}).status == 0);
  CHECK(muster.run({"project", "set", "vision"}).status == 2);
  CHECK(has(muster.run({"project", "set", "nope", "--quota", "1"}).err, "known are default, vision"));
  CHECK(has(muster.run({"project", "set", "vision", "--quota", "-1"}).err, "quota"));
}

TEST_CASE("nodes and top show who holds what") {
  FakeMuster muster;
  muster.answer("GET /api/muster/v1/nodes",
                js(R"({"nodes":[{"name":"sim-1","ready":true,"pool":"default","simulated":true,"runtime":"process",
    "cpu":{"capacity":64,"allocated":1},"memory":{"capacity":549755813888,"allocated":0},"createdAt":"2026-11-24T11:50:00Z",
    "devices":[{"index":0,"uuid":"SIM-sim-1-0","model":"A100-80G","memoryMib":81920,"healthy":true,
      "holders":[{"workload":"train-1","project":"vision","milli":500,"overQuota":true}],"next":null},
     {"index":1,"uuid":"SIM-sim-1-1","model":"A100-80G","memoryMib":81920,"healthy":true,"holders":[],
      "next":{"workload":"train-2","project":"default"}}]}]})"));
  CHECK(muster.run({"node", "list"}).out ==
        "NODE   STATE  POOL        GPUS  MODEL                        CPU         MEMORY    AGE\n"
        "sim-1  Ready  default  0.5 / 2  2 x A100-80G (simulated)  1 / 64  0 B / 512 GiB  1 min\n");
  const std::string top = muster.run({"top"}).out;
  CHECK(has(top, "Simulated GPUs"));
  CHECK(has(top, "sim-1/0  A100-80G  ████░░░░    0.5     -  80 GiB  vision/train-1 0.5+"));
  CHECK(has(top, "next default/train-2"));
  CHECK(has(top, "vision"));
  CHECK(js(muster.run({"top", "--json"}).out).at("nodes").get_array().size() == 1);
}

TEST_CASE("without a server every command says how to start one, exit status 8") {
  FakeMuster muster;
  muster.variables["MUSTER_DATA"] = "/nowhere";
  Ran ran = muster.run({"list"});
  CHECK(ran.status == 8);
  CHECK(has(ran.err, "muster up"));
  muster.variables.clear();
  muster.stop_serving();
  ran = muster.run({"list"});
  CHECK(ran.status == 8);
  CHECK(has(ran.err, "start it with \"muster up\""));
  CHECK(muster.run({"doctor"}).status == 8);
}

TEST_CASE("a flag wins over a variable, that over the file; the owner's token stays on this machine") {
  FakeMuster muster;
  REQUIRE(write_file_atomic(muster.data() + "/config.yaml", "project: vision\n", 0600).has_value());
  muster.variables["MUSTER_CONFIG"] = muster.data() + "/config.yaml";
  muster.variables["MUSTER_TOKEN"] = "secret-token";
  const auto origin = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"config", "view", "--origin", "-o", "json"});
    const Ran ran = muster.run(words);
    REQUIRE(ran.status == 0);
    CHECK_FALSE(has(ran.out, "secret-token"));
    return json::text_or(js(ran.out), "/project/value") + " " + json::text_or(js(ran.out), "/project/origin");
  };
  CHECK(origin({}) == "vision file");
  muster.variables["MUSTER_PROJECT"] = "default";
  CHECK(origin({}) == "default environment");
  CHECK(origin({"-p", "mine"}) == "mine flag");
  CHECK(has(muster.run({"config", "view", "--origin"}).out, "environment (MUSTER_PROJECT)"));
  // The wrong token.
  CHECK(muster.run({"list"}).status == 4);
  muster.variables.erase("MUSTER_TOKEN");
  CHECK(muster.run({"list"}).status == 0);
  muster.variables["MUSTER_URL"] = muster.url();
  CHECK(muster.run({"list"}).status == 0);
  muster.variables["MUSTER_CONFIG"] = "/nowhere/config.yaml";
  CHECK(muster.run({"list"}).status == 3);
}

TEST_CASE("help comes on the output with a usage line, for everything in the table") {
  FakeMuster muster;
  const Ran all = muster.run({"--help"});
  CHECK(all.status == 0);
  CHECK(all.out.starts_with("Usage: muster"));
  for (const char* name : {"up", "sim trace", "submit", "project create", "config view", "version"})
    CHECK(has(all.out, name));
  CHECK(muster.run({"help"}).out == all.out);
  for (const char* name :
       {"submit", "list", "logs", "why", "wait", "top", "doctor", "login", "completion", "version"}) {
    const Ran ran = muster.run({name, "--help"});
    CHECK(ran.status == 0);
    CHECK(ran.out.starts_with(std::string("Usage: muster ") + name));
    CHECK(muster.run({"help", name}).out == ran.out);
  }
  CHECK(muster.run({"project", "create", "-h"}).out.starts_with("Usage: muster project create"));
  CHECK(has(muster.run({"project", "--help"}).out, "project delete"));
  CHECK(muster.run({"project"}).status == 2);
  CHECK(muster.run({}).status == 2);
  CHECK(has(muster.run({"help", "--markdown"}).out, "## muster submit"));
}

TEST_CASE("the main's rows run, and mistyped commands name the nearest") {
  FakeMuster muster;
  CHECK(muster.run({"up"}).status == 42);
  CHECK(muster.run({"sim", "trace", "a", "--b"}).status == 2);
  Ran ran = muster.run({"sumbit"});
  CHECK(ran.status == 2);
  CHECK(has(ran.err, "unknown command \"sumbit\" (did you mean \"submit\"?)"));
  ran = muster.run({"project", "crate", "x"});
  CHECK(has(ran.err, "unknown command \"project crate\" (did you mean \"project create\"?); muster project --help"));
}

TEST_CASE("completions know every command and flag") {
  FakeMuster muster;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Ran ran = muster.run({"completion", shell});
    CHECK(ran.status == 0);
    for (const char* word : {"submit", "gpu-memory", "project", "muster list -o name", "sim"}) {
      CAPTURE(shell);
      CAPTURE(word);
      CHECK(has(ran.out, word));
    }
  }
  CHECK(muster.run({"completion", "csh"}).status == 2);
  CHECK(has(muster.run({"version"}).out, "muster "));
}

TEST_CASE("errors of the server keep their kind, text and exit status") {
  FakeMuster muster;
  const auto status = [&](int http) {
    muster.answer("GET /api/v1/workloads", json::Object{{"code", http}, {"message", "no such luck"}}, http);
    const Ran ran = muster.run({"list"});
    CHECK(has(ran.err, "muster: no such luck"));
    return ran.status;
  };
  CHECK(status(400) == 2);
  CHECK(status(401) == 4);
  CHECK(status(403) == 5);
  CHECK(status(404) == 3);
  CHECK(status(409) == 6);
  CHECK(status(429) == 8);
  CHECK(status(500) == 1);
  CHECK(status(503) == 8);
  CHECK(status(504) == 7);
}

TEST_CASE("login prints a link, doctor what it found") {
  FakeMuster muster;
  muster.answer("POST /api/muster/v1/login-links", json::Object{{"signInUrl", "http://h/signin#code=x"}});
  CHECK(muster.run({"login", "--link"}).out == "http://h/signin#code=x\n");
  muster.answer("GET /api/muster/v1/server", json::Object{{"version", "0.1.0"}, {"mode", "user"}});
  muster.answer("GET /api/muster/v1/me", json::Object{{"name", "ann"}, {"admin", true}});
  muster.answer("GET /api/muster/v1/nodes",
                js(R"({"nodes":[{"name":"n","ready":true,"devices":[{"healthy":true}]}]})"));
  const Ran ran = muster.run({"doctor"});
  CAPTURE(ran.out);
  CHECK(ran.status == 0);
  CHECK(has(ran.out, "1 GPU"));
  muster.answer("GET /api/muster/v1/nodes",
                js(R"({"nodes":[{"name":"n","ready":false,"devices":[{"healthy":false}]}]})"));
  CHECK(muster.run({"doctor"}).status == 1);
  CHECK(has(muster.run({"doctor", "--json"}).out, "\"result\": \"fail\""));
}

}  // namespace
}  // namespace muster::cli
