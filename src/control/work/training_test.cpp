#include "control/test_world.h"

using namespace muster;
using namespace muster::control;

TEST_CASE("the first start makes department and project default with all GPUs of the machine") {
  TestWorld world;
  const Reply projects = world.call("GET", "/api/v1/org-unit/projects");
  REQUIRE(projects.status == 200);
  CHECK(projects.text("/projects/0/name") == "default");
  CHECK(projects.number("/projects/0/resources/0/gpu/deserved") == 4);
  CHECK(projects.text("/projects/0/status/namespace") == "runai-default");
  const Reply departments = world.call("GET", "/api/v1/org-unit/departments");
  CHECK(departments.text("/departments/0/name") == "default");
  CHECK(departments.number("/departments/0/totalResources/gpuQuota") == 4);
  const auto sent = world.cluster.wait_for(3);
  CHECK(sent[0].kind == "NodePool");
  CHECK(sent[1].kind == "Department");
  CHECK(sent[2].kind == "Project");
  CHECK(json::text_or(sent[2].object, "/spec/namespace") == "runai-default");
  CHECK(json::text_or(sent[2].object, "/spec/department") == "default");
}

TEST_CASE("an accepted training is on the list and on its way to the cluster") {
  TestWorld world;
  const std::string id = world.submit("default", "exp", R"({"gpuPortionRequest":0.5})");
  const Reply list = world.call("GET", "/api/v1/workloads");
  REQUIRE(list.status == 200);
  CHECK(list.text("/workloads/0/id") == id);
  CHECK(list.text("/workloads/0/phase") == "Creating");
  CHECK(list.text("/workloads/0/gpuRequestText") == "0.5");
  CHECK(list.text("/workloads/0/priorityClassName") == "low");
  CHECK(list.number("/workloads/0/priority") == 40);
  const auto sent = world.cluster.wait_for(4);
  CHECK(sent[3].kind == "Training");
  CHECK(sent[3].ns == "runai-default");
  CHECK(sent[3].name == "exp");
  CHECK(json::text_or(sent[3].object, "/metadata/labels/muster.dev~1workload-id") == id);
  CHECK(json::text_or(sent[3].object, "/metadata/annotations/muster.dev~1uid") == "1000");
  CHECK(json::integer_at(sent[3].object, "/spec/backoffLimit") == 6);
  CHECK(json::bool_at(sent[3].object, "/spec/suspend") == false);
}

TEST_CASE("facts of the cluster show on the entity") {
  TestWorld world;
  const std::string id = world.submit("default", "exp");
  world.clock.advance(seconds(3));
  world.report_phase(id, "Pending");
  world.clock.advance(seconds(7));
  world.report_phase(id, "Running", {{"runningPods", 1}, {"allocated", json::Object{{"gpu", 0.5}}}});
  world.clock.advance(seconds(30));
  const Reply one = world.call("GET", "/api/v1/workloads/" + id);
  CHECK(one.text("/phase") == "Running");
  CHECK(one.number("/allocatedResources/gpu") == 0.5);
  CHECK(one.number("/totalPendingTimeSeconds") == 7);
  CHECK(one.number("/totalRunningTimeSeconds") == 30);
  CHECK(one.text("/createdAt") == "2026-11-24T08:00:00.000Z");
}
