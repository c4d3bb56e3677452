#include "control/test_world.h"

using namespace muster;
using namespace muster::control;

namespace {

std::string names(const Reply& reply) {
  REQUIRE_MESSAGE(reply.status == 200, reply.response.body);
  std::string out;
  for (const json::Value& one : reply.body.at("workloads").get_array()) out += json::text_or(one, "/name") + " ";
  return out;
}

}  // namespace

TEST_CASE("workloads are filtered, sorted, searched, paged and counted") {
  TestWorld world;
  REQUIRE(world.call("POST", "/api/v1/org-unit/projects", R"({"name":"vision","resources":[]})").status == 201);
  std::vector<std::string> ids;
  for (const auto& [project, name] :
       {std::pair{"default", "one"}, {"vision", "two"}, {"vision", "three"}, {"default", "four"}}) {
    world.clock.advance(seconds(10));
    ids.push_back(world.submit(project, name));
  }
  world.report_phase(ids[1], "Running", {{"allocated", json::Object{{"gpu", 2}}}});
  world.report_phase(ids[2], "Pending");
  const auto list = [&](const std::string& query) { return names(world.call("GET", "/api/v1/workloads?" + query)); };
  CHECK(list("") == "one two three four ");
  CHECK(list("sortOrder=desc") == "four three two one ");
  CHECK(list("sortBy=name") == "four one three two ");
  CHECK(list("sortBy=createdAt&sortOrder=desc&limit=2") == "four three ");
  CHECK(list("sortBy=createdAt&sortOrder=desc&limit=2&offset=2") == "two one ");
  CHECK(list("sortBy=allocatedGPU&sortOrder=desc&limit=1") == "two ");
  CHECK(list("filterBy=projectName==vision") == "two three ");
  CHECK(list("filterBy=phase==Running,projectName==vision") == "two ");
  CHECK(list("filterBy=phase!=Creating") == "two three ");
  CHECK(list("filterBy=name=@O") == "one two four ");
  CHECK(list("filterBy=name!@o") == "three ");
  CHECK(list("filterBy=name=^t&filterBy=name=$e") == "three ");
  CHECK(list("filterBy=allocatedGPU>=1") == "two ");
  CHECK(list("filterBy=createdAt>=2026-11-24T08:00:25Z") == "three four ");
  CHECK(list("filterBy=priority==40&limit=1") == "one ");
  CHECK(list("filterBy=distributedFramework==MPI") == "");
  CHECK(list("search=VIS") == "two three ");
  CHECK(list("search=running") == "two ");
  const Reply page = world.call("GET", "/api/v1/workloads?limit=3");
  CHECK(page.number("/next") == 3);
  CHECK(json::find(world.call("GET", "/api/v1/workloads?limit=3&offset=3").body, "/next") == nullptr);
  CHECK(world.call("GET", "/api/v1/workloads/count?filterBy=projectName==vision&limit=1").number("/count") == 2);
}

TEST_CASE("list queries that make no sense are refused with what would") {
  TestWorld world;
  const auto refusal = [&](const std::string& query) {
    const Reply reply = world.call("GET", "/api/v1/workloads?" + query);
    CHECK_MESSAGE(reply.status == 400, query);
    return reply.text("/message");
  };
  CHECK(refusal("filterBy=phse==Running").find("did you mean \"phase\"") != std::string::npos);
  CHECK(refusal("filterBy=phase~Running").find("operator") != std::string::npos);
  CHECK(refusal("filterBy=createdAt==yesterday").find("time") != std::string::npos);
  CHECK(refusal("filterBy=createdAt=@2026").find("operators") != std::string::npos);
  CHECK(refusal("filterBy=priority==high").find("number") != std::string::npos);
  CHECK(refusal("sortBy=size").find("fields are") != std::string::npos);
  CHECK(refusal("sortOrder=up").find("asc or desc") != std::string::npos);
  CHECK(refusal("limit=501").find("1 to 500") != std::string::npos);
  CHECK(refusal("limit=0").find("1 to 500") != std::string::npos);
  CHECK(refusal("offset=-1").find("offset") != std::string::npos);
  CHECK(refusal("deleted=perhaps").find("true or false") != std::string::npos);
}

TEST_CASE("stopping, running again and deleting go down the line, and twice is as good as once") {
  TestWorld world;
  const std::string id = world.submit("default", "exp"), path = "/api/v1/workloads/trainings/" + id;
  world.report_phase(id, "Running");
  CHECK(world.call("POST", path + "/suspend").status == 202);
  CHECK(world.call("GET", "/api/v1/workloads/" + id).text("/phase") == "Stopping");
  CHECK(world.call("POST", path + "/suspend").status == 202);
  world.report_phase(id, "Stopped");
  CHECK(world.call("POST", path + "/resume").status == 202);
  CHECK(world.call("POST", path + "/resume").status == 202);
  CHECK(world.call("DELETE", path).status == 202);
  CHECK(world.call("DELETE", path).status == 202);
  CHECK(world.call("POST", path + "/suspend").status == 409);
  const auto sent = world.cluster.wait_for(7);
  REQUIRE(sent.size() == 7);
  CHECK(json::bool_at(sent[4].object, "/spec/suspend") == true);
  CHECK(json::bool_at(sent[5].object, "/spec/suspend") == false);
  CHECK(sent[6].remove);
  CHECK(world.call("GET", "/api/v1/workloads/" + id).text("/phase") == "Deleting");
  world.report_gone(id);
  CHECK(world.call("POST", path + "/suspend").status == 404);
  CHECK(world.call("DELETE", "/api/v1/workloads/trainings/" + id).status == 404);
}

TEST_CASE("a batch says of each workload whether it was done") {
  TestWorld world;
  const std::string a = world.submit("default", "a"), b = world.submit("default", "b");
  const std::string unknown = "00000000-0000-4000-8000-000000000000";
  const Reply reply = world.call("POST", "/api/v1/workloads/batch",
                                 R"({"action":"suspend","ids":[")" + a + "\",\"" + unknown + "\",\"" + b + "\"]}");
  REQUIRE(reply.status == 200);
  CHECK(reply.text("/succeeded/0") == a);
  CHECK(reply.text("/succeeded/1") == b);
  CHECK(reply.text("/failed/0/id") == unknown);
  CHECK(reply.number("/failed/0/code") == 404);
  CHECK(world.call("POST", "/api/v1/workloads/batch", R"({"action":"stop","ids":[]})").status == 400);
  CHECK(world.call("POST", "/api/v1/workloads/batch", R"({"action":"delete","ids":[]})").status == 400);
}

TEST_CASE("a deleted workload is listed as deleted for fourteen days, then forgotten") {
  TestWorld world;
  const std::string id = world.submit("default", "exp");
  world.report_phase(id, "Completed", {{"exitCode", 0}, {"completedAt", to_rfc3339(world.clock.now())}});
  REQUIRE(world.call("DELETE", "/api/v1/workloads/trainings/" + id).status == 202);
  world.report_gone(id);
  CHECK(names(world.call("GET", "/api/v1/workloads")) == "");
  const Reply deleted = world.call("GET", "/api/v1/workloads?deleted=true");
  CHECK(names(deleted) == "exp ");
  CHECK(deleted.text("/workloads/0/deletedAt") == "2026-11-24T08:00:00.000Z");
  CHECK(deleted.number("/workloads/0/exitCode") == 0);
  world.settle();
  world.stop();
  world.start();
  CHECK(names(world.call("GET", "/api/v1/workloads?deleted=true")) == "exp ");
  world.clock.advance(hours(24 * 14) - seconds(1));
  world.plane->keep_house();
  CHECK(names(world.call("GET", "/api/v1/workloads?deleted=true")) == "exp ");
  world.clock.advance(seconds(1));
  world.plane->keep_house();
  CHECK(names(world.call("GET", "/api/v1/workloads?deleted=true")) == "");
  CHECK(world.call("GET", "/api/v1/workloads/" + id).status == 404);
}

TEST_CASE("an ended workload is deleted when its time after completion is over") {
  TestWorld world;
  const Reply made =
      world.call("POST", "/api/v1/workloads/trainings",
                 R"({"projectId":"default","spec":{"command":"true","autoDeletionTimeAfterCompletionSeconds":60}})");
  const std::string id = made.text("/workloadId");
  world.report_phase(id, "Failed", {{"exitCode", 3}});
  world.clock.advance(seconds(59));
  world.plane->keep_house();
  CHECK(world.call("GET", "/api/v1/workloads/" + id).text("/phase") == "Failed");
  world.clock.advance(seconds(1));
  world.plane->keep_house();
  CHECK(world.call("GET", "/api/v1/workloads/" + id).text("/phase") == "Deleting");
  CHECK(world.cluster.wait_for(5).back().remove);
}

TEST_CASE("of too many ended workloads the longest ended go first, and what runs is left alone") {
  TestWorld world;
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(world.submit("default", "w" + std::to_string(i)));
    world.clock.advance(seconds(1));
    if (i == 1) world.report_phase(ids.back(), "Running");
    else world.report_phase(ids.back(), "Completed", {{"completedAt", to_rfc3339(world.clock.now())}});
  }
  Lock lock(world.plane->tables);
  CHECK(world.plane->workloads.due(world.clock.now(), 3).to_delete.empty());
  CHECK(world.plane->workloads.due(world.clock.now(), 1).to_delete.size() == 2);
  CHECK(world.plane->workloads.due(world.clock.now(), 2).to_delete == std::vector<std::string>{ids[0]});
}

TEST_CASE("phases, exit code and wishes survive a restart, and what was not applied is sent again in order") {
  TestWorld world;
  const std::string done = world.submit("default", "done"), waits = world.submit("default", "waits");
  world.report_phase(done, "Completed", {{"exitCode", 7}, {"restarts", 2}});
  REQUIRE(world.call("POST", "/api/v1/workloads/trainings/" + waits + "/suspend").status == 202);
  const auto before = world.cluster.wait_for(6);
  world.plane->applied(before[3].sequence);
  world.settle();
  world.stop();
  world.start();
  const Reply entity = world.call("GET", "/api/v1/workloads/" + done);
  CHECK(entity.text("/phase") == "Completed");
  CHECK(entity.number("/exitCode") == 7);
  CHECK(entity.number("/restarts") == 2);
  const auto after = world.cluster.wait_for(8);
  REQUIRE(after.size() == 8);
  CHECK(after[6].sequence == before[4].sequence);
  CHECK(after[7].sequence == before[5].sequence);
  CHECK(after[7].name == "waits");
  CHECK(json::bool_at(after[7].object, "/spec/suspend") == true);
}

TEST_CASE("what the cluster has lost is sent again once it has told everything it knows") {
  TestWorld world;
  const std::string kept = world.submit("default", "kept"), lost = world.submit("default", "lost"),
                    going = world.submit("default", "going");
  REQUIRE(world.call("DELETE", "/api/v1/workloads/trainings/" + going).status == 202);
  const auto sent = world.cluster.wait_for(7);
  world.report_phase(going, "Terminating");
  world.plane->applied(sent.back().sequence);
  world.settle();
  world.stop();
  world.start();
  world.report_phase(kept, "Running");
  for (const char* queue : {"dept--default", "default"}) {
    world.plane->report({{.kind = "queue", .key = queue, .body = json::Object{{"name", queue}}}});
  }
  world.plane->report({{.kind = "synced", .key = "", .body = json::Object{}}});
  world.settle();
  const auto again = world.cluster.wait_for(8);
  CHECK(again.size() == 8);
  CHECK(again.back().name == "lost");
  CHECK_FALSE(again.back().remove);
  // It was on its way out and is not there any more: gone.
  CHECK(world.call("GET", "/api/v1/workloads/" + going).text("/deletedAt") != "");
}

TEST_CASE("a workload that is deleted before the cluster spoke of it is gone when the removal is applied") {
  TestWorld world;
  const std::string id = world.submit("default", "exp");
  REQUIRE(world.call("DELETE", "/api/v1/workloads/trainings/" + id).status == 202);
  const auto sent = world.cluster.wait_for(5);
  world.plane->applied(sent.back().sequence);
  CHECK(names(world.call("GET", "/api/v1/workloads")) == "");
  CHECK(names(world.call("GET", "/api/v1/workloads?deleted=true")) == "exp ");
}

TEST_CASE("pods, events and history are told as the cluster reported them") {
  TestWorld world;
  const std::string id = world.submit("default", "exp", R"({"gpuPortionRequest":0.5})");
  world.clock.advance(seconds(1));
  world.report_phase(
      id, "Running",
      {{"pods", json::Array{json::Object{
                    {"name", "exp-0"},
                    {"uid", "8c8f9f5e-50c8-4f1e-9c3e-1f3f5f0d8a11"},
                    {"phase", "Running"},
                    {"node", "sim-1"},
                    {"createdAt", "2026-11-24T08:00:01.000Z"},
                    {"startedAt", "2026-11-24T08:00:01.500Z"},
                    {"completedAt", nullptr},
                    {"devices", json::Array{json::Object{
                                    {"uuid", "SIM-sim-1-0"}, {"index", 0}, {"milli", 500}, {"memoryMib", 40960}}}},
                    {"gpus", "sim-1/0:0.50"},
                    {"restarts", 0},
                    {"exitCode", nullptr},
                    {"reason", nullptr},
                    {"message", ""},
                    {"limits", json::Object{{"cpu", "not enforced"}, {"memory", "enforced"}}},
                    {"gpuEnforcement", "none"},
                    {"deviceEnforcement", "advisory"}}}}});
  world.plane->report({{.kind = "event",
                        .key = "e1",
                        .body = json::Object{{"id", "e1"},
                                             {"workloadId", id},
                                             {"at", "2026-11-24T08:00:00.500Z"},
                                             {"type", "Normal"},
                                             {"reason", "Scheduled"},
                                             {"message", "bound to sim-1"},
                                             {"object", json::Object{{"kind", "Pod"}, {"name", "exp-0"}}},
                                             {"count", 1}}}});
  const Reply pods = world.call("GET", "/api/v1/workloads/" + id + "/pods");
  CHECK(pods.text("/pods/0/name") == "exp-0");
  CHECK(pods.text("/pods/0/nodeName") == "sim-1");
  CHECK(pods.number("/pods/0/allocatedResources/gpu") == 0.5);
  CHECK(pods.text("/pods/0/allocatedResources/gpuMemory") == "40Gi");
  const Reply events = world.call("GET", "/api/v1/workloads/" + id + "/events");
  CHECK(events.text("/events/0/reason") == "Scheduled");
  CHECK(events.text("/events/0/involvedObject/name") == "exp-0");
  const Reply history = world.call("GET", "/api/v1/workloads/" + id + "/history");
  CHECK(history.text("/records/0/spec/phaseUpdate/phase") == "Running");
  CHECK(history.text("/records/1/spec/event/reason") == "Scheduled");
  CHECK(history.text("/records/2/spec/phaseUpdate/phase") == "Creating");
  const Reply described = world.call("GET", "/api/muster/v1/workloads/" + id);
  CHECK(described.text("/limits/memory") == "enforced");
  CHECK(described.text("/limits/cpu") == "not enforced");
  CHECK(described.text("/devices") == "advisory");
  CHECK(described.text("/gpuEnforcement") == "none");
  CHECK(described.text("/timeline/1/phase") == "Running");
  CHECK(described.text("/pods/0/gpus") == "sim-1/0:0.50");
  CHECK(described.text("/events/0/id") == "e1");
  CHECK(described.text("/spec/command") == "sleep");
  CHECK(world.call("GET", "/api/muster/v1/activity?limit=5").text("/events/0/id") == "e1");
}

TEST_CASE("why answers with the verdict of the solver, and says so when nothing waits") {
  TestWorld world;
  const std::string id = world.submit("default", "exp");
  const json::Value verdict = json::Object{{"reason", "OverLimit"},
                                           {"queue", "default"},
                                           {"numbers", json::Object{{"limit", 2}, {"allocated", 2}, {"need", 1}}},
                                           {"causes", json::Object{}},
                                           {"message", "project default has used its limit of 2 gpus"},
                                           {"remedy", json::Array{}},
                                           {"since", "2026-11-24T08:00:00.000Z"}};
  world.report_phase(id, "Pending", {{"phaseReason", "OverLimit"}, {"verdict", verdict}});
  CHECK(world.call("GET", "/api/v1/workloads").text("/workloads/0/waiting/reason") == "OverLimit");
  const Reply detailed = world.call("GET", "/api/v1/workloads/" + id);
  CHECK(detailed.text("/phaseReason") == "OverLimit");
  CHECK(detailed.text("/pendingSchedulingMessages/0/orgType") == "PROJECT");
  world.cluster.answer = verdict;
  const Reply why = world.call("GET", "/api/muster/v1/workloads/" + id + "/why");
  CHECK(why.text("/reason") == "OverLimit");
  CHECK(why.text("/workloadId") == id);
  CHECK(why.number("/numbers/limit") == 2);
  // Without the solver the last reported verdict is told.
  world.cluster.answer = unavailable("away");
  CHECK(world.call("GET", "/api/muster/v1/workloads/" + id + "/why").text("/reason") == "OverLimit");
  world.report_phase(id, "Running", {{"verdict", nullptr}});
  world.cluster.answer = json::Value(nullptr);
  const Reply runs = world.call("GET", "/api/muster/v1/workloads/" + id + "/why");
  CHECK(json::find(runs.body, "/reason")->is_null());
  CHECK(runs.text("/message").find("Running") != std::string::npos);
}

TEST_CASE("a plan asks the solver and stores nothing") {
  TestWorld world;
  world.cluster.answer = json::Value(json::Object{{"startsNow", true},
                                                  {"node", "sim-1"},
                                                  {"devices", json::Array{}},
                                                  {"displaced", json::Array{}},
                                                  {"verdict", nullptr}});
  const Reply plan =
      world.call("POST", "/api/muster/v1/plan", TestWorld::training("default", "exp", R"({"gpuDevicesRequest":1})"));
  REQUIRE(plan.status == 200);
  CHECK(json::bool_at(plan.body, "/startsNow") == true);
  REQUIRE(world.cluster.questions.size() == 1);
  CHECK(json::text_or(world.cluster.questions[0], "/project") == "default");
  CHECK(json::integer_at(world.cluster.questions[0], "/spec/backoffLimit") == 6);
  CHECK(names(world.call("GET", "/api/v1/workloads")) == "");
}

TEST_CASE("network topologies are made, listed and removed, and go to the cluster") {
  TestWorld world;
  const std::string path = "/api/v1/network-topologies";
  const Reply made = world.call("POST", path, R"({"name":"dc","levels":["zone","kubernetes.io/hostname"]})");
  REQUIRE(made.status == 201);
  const std::string id = made.text("/id");
  CHECK(world.call("GET", path).text("/networkTopologies/0/levels/0") == "zone");
  CHECK(world.call("GET", path + "/count?filterBy=name==dc").number("/count") == 1);
  CHECK(world.call("GET", path + "/" + id).text("/name") == "dc");
  CHECK(world.call("POST", path, R"({"name":"dc","levels":["zone"]})").status == 409);
  for (const char* wrong :
       {R"({"name":"Dc","levels":["zone"]})", R"({"name":"a","levels":[]})", R"({"name":"a","levels":["zone","zone"]})",
        R"({"name":"a","levels":["a b"]})", R"({"name":"a","levels":["kubernetes.io/hostname","zone"]})"}) {
    CAPTURE(wrong);
    CHECK(world.call("POST", path, wrong).status == 400);
  }
  CHECK(world.call("DELETE", path + "/" + id).status == 204);
  CHECK(world.call("DELETE", path + "/" + id).status == 404);
  CHECK(world.call("GET", path + "/count").number("/count") == 0);
}

TEST_CASE("the fixed tables, the cluster, nodes and the pool keep their contract") {
  TestWorld world;
  world.plane->report(
      {{.kind = "node",
        .key = "sim-1",
        .body = json::Object{
            {"name", "sim-1"},
            {"ready", true},
            {"pool", "default"},
            {"createdAt", "2026-11-24T08:00:01.000Z"},
            {"taints", json::Array{}},
            {"devices", json::Array{json::Object{{"index", 0}, {"uuid", "SIM-sim-1-0"}, {"model", "A100-80G"}}}}}}});
  CHECK(world.call("GET", "/api/v1/nodes").text("/nodes/0/gpuInfo/gpuType") == "A100-80G");
  CHECK(world.call("GET", "/api/v1/nodes/count?filterBy=status==Ready").number("/count") == 1);
  CHECK(world.call("GET", "/api/v1/node-pools").text("/nodepools/0/phase") == "Ready");
  const std::string cluster = world.call("GET", "/api/v1/clusters").text("/0/uuid");
  CHECK(world.call("GET", "/api/v1/clusters/" + cluster).text("/name") == "testhost");
  CHECK(world.call("GET", "/api/v1/workload-priorities?sortBy=value&sortOrder=desc").text("/priorities/0/name") ==
        "very-high");
  CHECK(world.call("GET", "/api/v1/workload-categories").status == 200);
  CHECK(world.call("GET", "/api/v1/workload-types").status == 200);
  CHECK(world.call("GET", "/api/muster/v1/nodes").text("/nodes/0/name") == "sim-1");
  CHECK(world.call("GET", "/api/muster/v1/server").number("/counts/nodes") == 1);
  CHECK(world.call("GET", "/api/muster/v1/me").text("/machine/host") == "testhost");
}
