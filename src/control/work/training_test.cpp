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

namespace {

// What is wrong with a spec: "<status> <pointer>".
std::string verdict(TestWorld& world, const std::string& spec) {
  const Reply reply =
      world.call("POST", "/api/v1/workloads/trainings", R"({"projectId":"default","spec":)" + spec + "}");
  return std::to_string(reply.status) + " " + reply.text("/pointer");
}

std::string compute_verdict(TestWorld& world, const std::string& compute) {
  return verdict(world, R"({"command":"true","compute":)" + compute + "}");
}

}  // namespace

TEST_CASE("mistakes in a spec are refused with their pointer") {
  TestWorld world;
  CHECK(verdict(world, "{}") == "400 /spec/command");
  CHECK(verdict(world, R"({"comand":"true"})") == "400 /spec/comand");
  CHECK(verdict(world, R"({"command":"echo 'open"})") == "400 /spec/command");
  CHECK(verdict(world, R"({"command":"true","priorityClass":"urgent"})") == "400 /spec/priorityClass");
  CHECK(verdict(world, R"({"command":"true","preemptibility":"maybe"})") == "400 /spec/preemptibility");
  CHECK(verdict(world, R"({"command":"true","backoffLimit":-1})") == "400 /spec/backoffLimit");
  CHECK(verdict(world, R"({"command":"true","completions":0})") == "400 /spec/completions");
  CHECK(verdict(world, R"({"command":"true","parallelism":"two"})") == "400 /spec/parallelism");
  CHECK(verdict(world, R"({"command":"true","restartPolicy":"Always"})") == "400 /spec/restartPolicy");
  CHECK(verdict(world, R"({"command":"true","workingDir":"data"})") == "400 /spec/workingDir");
  CHECK(verdict(world, R"({"command":"true","tty":true})") == "400 /spec/tty");
  CHECK(verdict(world, R"({"command":"true","nodePools":["fast"]})") == "400 /spec/nodePools/0");
  CHECK(verdict(world, R"({"command":"true","terminationGracePeriodSeconds":301})") ==
        "400 /spec/terminationGracePeriodSeconds");
  CHECK(verdict(world, R"({"command":"true","environmentVariables":[{"name":"A=B","value":"x"}]})") ==
        "400 /spec/environmentVariables/0/name");
  CHECK(verdict(world, R"({"command":"true","environmentVariables":[{"name":"A"}]})") ==
        "400 /spec/environmentVariables/0");
  CHECK(verdict(world, R"({"command":"true","environmentVariables":[{"name":"A","secret":{"name":"s","key":"k"}}]})") ==
        "400 /spec/environmentVariables/0/secret");
}

TEST_CASE("what a process of the machine cannot have is refused with the reason") {
  TestWorld world;
  CHECK(verdict(world, R"({"command":"true","image":"host"})") == "202 ");
  CHECK(verdict(world, R"({"command":"true","image":"pytorch:2.9"})") == "400 /spec/image");
  CHECK(verdict(world, R"({"command":"true","storage":{"nfs":[{"server":"s","path":"/p","mountPath":"/m"}]}})") ==
        "400 /spec/storage/nfs");
  CHECK(verdict(world, R"({"command":"true","storage":{"nfs":[]}})") == "202 ");
  CHECK(verdict(world, R"({"command":"true","security":{"capabilities":["SYS_ADMIN"]}})") ==
        "400 /spec/security/capabilities");
  CHECK(verdict(world, R"({"command":"true","security":{"allowPrivilegeEscalation":true}})") ==
        "400 /spec/security/allowPrivilegeEscalation");
}

TEST_CASE("nobody names the account that a workload runs as, nor Muster's own labels") {
  TestWorld world;
  CHECK(verdict(world, R"({"command":"true","security":{"runAsUid":0}})") == "400 /spec/security/runAsUid");
  CHECK(verdict(world, R"({"command":"true","security":{"runAsGid":0}})") == "400 /spec/security/runAsGid");
  CHECK(verdict(world, R"({"command":"true","security":{"runAsUid":1000}})") == "202 ");
  CHECK(verdict(world, R"({"command":"true","annotations":[{"name":"muster.dev/uid","value":"0"}]})") ==
        "400 /spec/annotations/0/name");
  CHECK(verdict(world, R"({"command":"true","labels":[{"name":"kai.scheduler/queue","value":"other"}]})") ==
        "400 /spec/labels/0/name");
  CHECK(verdict(world, R"({"command":"true","labels":[{"name":"team","value":"a"}]})") == "202 ");
  CHECK(verdict(world, R"({"command":"true","annotations":[{"name":"muster.dev/timeout","value":"soon"}]})") ==
        "400 /spec/annotations/0/value");
  CHECK(verdict(world, R"({"command":"true","annotations":[{"name":"muster.dev/timeout","value":"90s"}]})") == "202 ");
}

TEST_CASE("contradictory requests for GPUs are refused where they contradict") {
  TestWorld world;
  CHECK(compute_verdict(world, R"({"gpuDevicesRequest":2})") == "202 ");
  CHECK(compute_verdict(world, R"({"gpuPortionRequest":0.5})") == "202 ");
  CHECK(compute_verdict(
            world,
            R"({"gpuDevicesRequest":2,"gpuRequestType":"portion","gpuPortionRequest":0.25,"gpuPortionLimit":0.5})") ==
        "202 ");
  CHECK(compute_verdict(world, R"({"gpuRequestType":"memory","gpuMemoryRequest":"10Gi"})") == "202 ");
  CHECK(compute_verdict(world, R"({"extendedResources":[{"resource":"nvidia.com/mig-1g.10gb","quantity":"2"}]})") ==
        "202 ");
  CHECK(compute_verdict(
            world,
            R"({"gpuDevicesRequest":1,"extendedResources":[{"resource":"nvidia.com/mig-1g.10gb","quantity":"2"}]})") ==
        "400 /spec/compute/extendedResources/0/resource");
  CHECK(compute_verdict(world, R"({"gpuDevicesRequest":-1})") == "400 /spec/compute/gpuDevicesRequest");
  CHECK(compute_verdict(world, R"({"gpuDevicesRequest":0,"gpuPortionRequest":0.5})") ==
        "400 /spec/compute/gpuDevicesRequest");
  CHECK(compute_verdict(world, R"({"gpuPortionRequest":0})") == "400 /spec/compute/gpuPortionRequest");
  CHECK(compute_verdict(world, R"({"gpuPortionRequest":1.5})") == "400 /spec/compute/gpuPortionRequest");
  CHECK(compute_verdict(world, R"({"gpuPortionRequest":0.1234})") == "400 /spec/compute/gpuPortionRequest");
  CHECK(compute_verdict(world, R"({"gpuPortionRequest":0.5,"gpuPortionLimit":0.25})") ==
        "400 /spec/compute/gpuPortionLimit");
  CHECK(compute_verdict(world, R"({"gpuPortionLimit":0.5})") == "400 /spec/compute/gpuPortionLimit");
  CHECK(compute_verdict(world, R"({"gpuPortionRequest":0.5,"gpuMemoryRequest":"1Gi"})") ==
        "400 /spec/compute/gpuMemoryRequest");
  CHECK(compute_verdict(world, R"({"gpuRequestType":"memory","gpuPortionRequest":0.5})") ==
        "400 /spec/compute/gpuPortionRequest");
  CHECK(compute_verdict(world, R"({"gpuDevicesRequest":1,"gpuRequestType":"memory"})") ==
        "400 /spec/compute/gpuMemoryRequest");
  CHECK(compute_verdict(world, R"({"gpuMemoryRequest":"2Gi","gpuMemoryLimit":"1Gi"})") ==
        "400 /spec/compute/gpuMemoryLimit");
  CHECK(compute_verdict(world, R"({"cpuCoreRequest":2,"cpuCoreLimit":1})") == "400 /spec/compute/cpuCoreLimit");
  CHECK(compute_verdict(world, R"({"cpuMemoryRequest":"2Gi","cpuMemoryLimit":"1Gi"})") ==
        "400 /spec/compute/cpuMemoryLimit");
  CHECK(compute_verdict(world, R"({"cpuMemoryRequest":"lots"})") == "400 /spec/compute/cpuMemoryRequest");
  CHECK(compute_verdict(world, R"({"extendedResources":[{"resource":"nvidia.com/gpu","quantity":"1"}]})") ==
        "400 /spec/compute/extendedResources/0/resource");
}

TEST_CASE("every default of an accepted training is explicit") {
  TestWorld world;
  const Reply made =
      world.call("POST", "/api/v1/workloads/trainings",
                 R"({"projectId":"default","spec":{"command":"true","args":null,"compute":{"gpuDevicesRequest":2}}})");
  REQUIRE(made.status == 202);
  CHECK(made.text("/name") == "train-1");
  CHECK(made.text("/requestedName") == "train-1");
  CHECK(made.text("/desiredPhase") == "Running");
  CHECK(made.text("/actualPhase") == "Creating");
  CHECK(made.text("/createdBy") == "ada");
  CHECK(
      json::write(*json::find(made.body, "/spec")) ==
      R"({"command":"true","compute":{"gpuDevicesRequest":2,"gpuRequestType":"portion","gpuPortionRequest":1,"gpuPortionLimit":1,"cpuCoreRequest":0.2,"cpuMemoryRequest":"200Mi"},"priorityClass":"low","preemptibility":"preemptible","category":"Train","image":"host","completions":1,"parallelism":1,"backoffLimit":6,"autoDeletionTimeAfterCompletionSeconds":2592000,"terminationGracePeriodSeconds":30,"terminateAfterPreemption":false,"nodePools":["default"]})");
}

TEST_CASE("priority decides over preemption unless it is said") {
  TestWorld world;
  const auto entity = [&](const std::string& extra) {
    const Reply made = world.call("POST", "/api/v1/workloads/trainings",
                                  R"({"projectId":"default","spec":{"command":"true")" + extra + "}}");
    return world.call("GET", "/api/v1/workloads/" + made.text("/workloadId"));
  };
  CHECK(json::bool_at(entity(R"(,"priorityClass":"high")").body, "/preemptible") == false);
  CHECK(json::bool_at(entity(R"(,"priorityClass":"medium-high")").body, "/preemptible") == true);
  CHECK(json::bool_at(entity(R"(,"priorityClass":"high","preemptibility":"preemptible")").body, "/preemptible") ==
        true);
  CHECK(entity(R"(,"priorityClass":"very-high")").number("/priority") == 150);
}

TEST_CASE("generated names count up per project and never come twice") {
  TestWorld world;
  REQUIRE(world.call("POST", "/api/v1/org-unit/projects", R"({"name":"vision","resources":[]})").status == 201);
  const auto name = [&](const std::string& project, const std::string& given = "") {
    const std::string said = given.empty() ? "" : R"("name":")" + given + "\",";
    const Reply made = world.call("POST", "/api/v1/workloads/trainings",
                                  "{" + said + R"("projectId":")" + project + R"(","spec":{"command":"true"}})");
    CHECK(made.status == 202);
    return made.text("/name");
  };
  CHECK(name("default") == "train-1");
  CHECK(name("vision") == "train-1");
  CHECK(name("default") == "train-2");
  CHECK(name("default", "train-5") == "train-5");
  CHECK(name("default") == "train-6");
  const std::string id = world.call("GET", "/api/v1/workloads?filterBy=name==train-6").text("/workloads/0/id");
  REQUIRE(world.call("DELETE", "/api/v1/workloads/trainings/" + id).status == 202);
  world.report_gone(id);
  CHECK(name("default") == "train-7");
  world.stop();
  world.start();
  CHECK(name("default") == "train-8");
}

TEST_CASE("a given name is unique in its project until its workload is gone; a prefix gets a suffix") {
  TestWorld world;
  const std::string id = world.submit("default", "exp");
  CHECK(world.call("POST", "/api/v1/workloads/trainings", TestWorld::training("default", "exp")).status == 409);
  REQUIRE(world.call("DELETE", "/api/v1/workloads/trainings/" + id).status == 202);
  CHECK(world.call("POST", "/api/v1/workloads/trainings", TestWorld::training("default", "exp")).status == 409);
  world.report_gone(id);
  CHECK(world.call("POST", "/api/v1/workloads/trainings", TestWorld::training("default", "exp")).status == 202);
  const Reply prefixed =
      world.call("POST", "/api/v1/workloads/trainings",
                 R"({"name":"exp","useGivenNameAsPrefix":true,"projectId":"default","spec":{"command":"true"}})");
  REQUIRE(prefixed.status == 202);
  CHECK(prefixed.text("/requestedName") == "exp");
  CHECK(prefixed.text("/name").starts_with("exp-"));
  for (const char* bad : {"Exp", "1exp", "exp_1", "exp-"}) {
    CHECK(world.call("POST", "/api/v1/workloads/trainings", TestWorld::training("default", bad)).text("/pointer") ==
          "/name");
  }
  CHECK(world.call("POST", "/api/v1/workloads/trainings", TestWorld::training("defualt", "x")).status == 404);
}
