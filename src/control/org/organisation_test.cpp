#include "control/test_world.h"

using namespace muster;
using namespace muster::control;

namespace {

const std::string projects = "/api/v1/org-unit/projects";
const std::string departments = "/api/v1/org-unit/departments";

std::string project_body(const std::string& name, double quota) {
  return R"({"name":")" + name + R"(","resources":[{"nodePool":{"id":"1"},"gpu":{"deserved":)" + json::write(quota) +
         "}}]}";
}

std::string department_body(TestWorld& world, const std::string& name) {
  return R"({"name":")" + name + R"(","clusterId":")" + world.plane->cluster_id + R"(","resources":[]})";
}

}  // namespace

TEST_CASE("a project made with nothing said has quota 0, no limit, weight 2 and rank MediumLow") {
  TestWorld world;
  const Reply made = world.call("POST", projects, R"({"name":"team-a","resources":[{"nodePool":{"id":"1"}}]})");
  REQUIRE(made.status == 201);
  CHECK(made.text("/status/phase") == "Creating");
  CHECK(made.number("/resources/0/gpu/deserved") == 0);
  CHECK(json::find(made.body, "/resources/0/gpu/limit")->is_null());
  CHECK(made.number("/resources/0/gpu/overQuotaWeight") == 2);
  CHECK(made.text("/resources/0/priority") == "MediumLow");
  CHECK(json::find(made.body, "/resources/0/cpu/deserved")->is_null());
  CHECK(made.text("/parent/name") == "default");
  world.plane->report({{.kind = "queue",
                        .key = "team-a",
                        .body = json::Object{{"name", "team-a"},
                                             {"project", "team-a"},
                                             {"gpu", json::Object{{"allocated", 1.5}, {"fairShare", 2}}},
                                             {"cpu", json::Object{{"allocated", 2}}},
                                             {"memory", json::Object{{"allocated", 3000000}}}}}});
  const Reply read = world.call("GET", projects + "/" + made.text("/id"));
  CHECK(read.text("/status/phase") == "Ready");
  CHECK(read.number("/status/quotaStatus/allocated/gpu") == 1.5);
  CHECK(read.number("/status/nodePoolQuotaStatuses/0/allocated/cpu") == 2000);
  CHECK(read.number("/status/quotaStatus/allocated/memory") == 3);
  CHECK(world.call("GET", "/api/muster/v1/projects").number("/projects/1/gpu/fairShare") == 2);
}

TEST_CASE("names that cannot be queues and namespaces are refused with their pointer") {
  TestWorld world;
  for (const char* name : {"a--b", "1st", "Vision", "with_underline", "-x", "x-", "", "dots.are.not"}) {
    const Reply reply = world.call("POST", projects, project_body(name, 1));
    CHECK_MESSAGE(reply.status == 400, name);
    CHECK(reply.text("/pointer") == "/name");
  }
  CHECK(world.call("POST", projects, project_body(std::string(70, 'a'), 1)).status == 400);
  CHECK(world.call("POST", departments, department_body(world, "a--b")).status == 400);
}

TEST_CASE("a taken name is a conflict") {
  TestWorld world;
  REQUIRE(world.call("POST", projects, project_body("vision", 1)).status == 201);
  CHECK(world.call("POST", projects, project_body("vision", 1)).status == 409);
  CHECK(world.call("POST", departments, department_body(world, "default")).status == 409);
}

TEST_CASE("unknown fields, pools, units, ranks and departments are refused with the nearest known name") {
  TestWorld world;
  const auto pointer = [&](const std::string& body) {
    const Reply reply = world.call("POST", projects, body);
    CHECK(reply.status == 400);
    return reply.text("/pointer");
  };
  const Reply unknown = world.call("POST", projects, R"({"name":"x","resources":[],"descriptoin":"d"})");
  CHECK(unknown.status == 400);
  CHECK(unknown.text("/message").find("description") != std::string::npos);
  CHECK(pointer(R"({"name":"x","resources":[{"nodePool":{"id":"7"}}]})") == "/resources/0/nodePool/id");
  CHECK(pointer(R"({"name":"x","resources":[{"memory":{"units":"TB"}}]})") == "/resources/0/memory/units");
  CHECK(pointer(R"({"name":"x","resources":[{"priority":"Highest"}]})") == "/resources/0/priority");
  CHECK(pointer(R"({"name":"x","resources":[{"rank":"Highest"}]})") == "/resources/0/rank");
  CHECK(pointer(R"({"name":"x","resources":[{"gpu":{"deserved":2,"limit":1}}]})") == "/resources/0/gpu/limit");
  CHECK(pointer(R"({"name":"x","resources":[],"parentId":"research"})") == "/parentId");
  CHECK(pointer(R"({"name":"x","resources":[],"requestedNamespace":"mine"})") == "/requestedNamespace");
  CHECK(pointer(R"({"name":"x","resources":[{},{}]})") == "/resources/1/nodePool");
}

TEST_CASE("quotas that sum to more than the machine are allowed, and a warning names the sum") {
  TestWorld world;
  REQUIRE(world.call("POST", projects, project_body("vision", 1)).status == 201);
  const Reply reply = world.call("PATCH", "/api/muster/v1/projects/vision", R"({"gpu":{"quota":3,"limit":4}})");
  REQUIRE(reply.status == 200);
  CHECK(reply.number("/gpu/quota") == 3);
  CHECK(reply.number("/gpu/limit") == 4);
  CHECK(reply.number("/gpu/weight") == 2);
  CHECK(reply.text("/warning").find("sum to 7") != std::string::npos);
  CHECK(reply.text("/warning").find("the machine has 4") != std::string::npos);
  const auto sent = world.cluster.wait_for(5);
  CHECK(json::number_at(sent.back().object, "/spec/resources/0/gpu/deserved") == 3);
}

TEST_CASE("a refused change of a share points into what was sent, and changes nothing") {
  TestWorld world;
  REQUIRE(world.call("POST", projects, project_body("vision", 1)).status == 201);
  const Reply low = world.call("PATCH", "/api/muster/v1/projects/vision", R"({"gpu":{"limit":0.5}})");
  CHECK(low.status == 400);
  CHECK(low.text("/pointer") == "/gpu/limit");
  CHECK(world.call("PATCH", "/api/muster/v1/projects/vision", R"({"color":13})").status == 400);
  CHECK(world.call("PATCH", "/api/muster/v1/projects/vision", R"({"members":["no user"]})").text("/pointer") ==
        "/members/0");
  CHECK(world.call("PATCH", "/api/muster/v1/projects/nobody", R"({"gpu":{"quota":1}})").status == 404);
  CHECK(world.call("GET", "/api/muster/v1/projects").number("/projects/1/gpu/quota") == 1);
}

TEST_CASE("a quota below what non-preemptible workloads hold is refused") {
  TestWorld world;
  const Reply made = world.call("POST", projects, project_body("vision", 2));
  world.plane->report(
      {{.kind = "queue",
        .key = "vision",
        .body = json::Object{{"project", "vision"}, {"gpu", json::Object{{"allocatedNonPreemptible", 2}}}}}});
  const std::string path = projects + "/" + made.text("/id") + "/resources";
  CHECK(world.call("PATCH", path, R"([{"nodePool":{"id":"1"},"gpu":{"deserved":1}}])").status == 400);
  CHECK(world.call("PATCH", path, R"([{"nodePool":{"id":"1"},"gpu":{"deserved":2.5}}])").status == 200);
}

TEST_CASE("PATCH of resources keeps what it does not name, PUT replaces it") {
  TestWorld world;
  const Reply made = world.call(
      "POST", projects, R"({"name":"vision","resources":[{"gpu":{"deserved":1,"limit":3},"cpu":{"deserved":2000}}]})");
  REQUIRE(made.status == 201);
  const std::string path = projects + "/" + made.text("/id") + "/resources";
  const Reply patched = world.call("PATCH", path, R"([{"nodePool":{"id":"1"},"gpu":{"deserved":2}}])");
  REQUIRE(patched.status == 200);
  CHECK(patched.number("/0/gpu/limit") == 3);
  CHECK(patched.number("/0/cpu/deserved") == 2000);
  const Reply put = world.call("PUT", path, R"([{"nodePool":{"id":"1"},"gpu":{"deserved":2}}])");
  REQUIRE(put.status == 200);
  CHECK(json::find(put.body, "/0/gpu/limit")->is_null());
  CHECK(json::find(put.body, "/0/cpu/deserved")->is_null());
}

TEST_CASE("PUT of a project replaces its settings and keeps its name") {
  TestWorld world;
  const Reply made = world.call(
      "POST", projects,
      R"({"name":"vision","description":"old","resources":[],"schedulingRules":{"trainingJobTimeLimitSeconds":60}})");
  REQUIRE(made.status == 201);
  const Reply put = world.call("PUT", projects + "/" + made.text("/id"),
                               R"({"description":"new","resources":[{"gpu":{"deserved":1}}]})");
  REQUIRE(put.status == 200);
  CHECK(put.text("/name") == "vision");
  CHECK(put.text("/description") == "new");
  CHECK(json::find(put.body, "/schedulingRules") == nullptr);
  CHECK(json::find(put.body, "/effective/schedulingRules")->is_null());
  CHECK(world
            .call("PUT", projects + "/" + made.text("/id"),
                  R"({"resources":[],"schedulingRules":{"trainingJobTimeLimitSeconds":0}})")
            .status == 400);
}

TEST_CASE("projects take the lowest colour that is least used") {
  TestWorld world;
  std::vector<double> colors;
  for (int i = 0; i < 13; ++i) {
    const std::string name = "p" + std::to_string(i);
    world.clock.advance(seconds(1));
    REQUIRE(world.call("POST", projects, project_body(name, 0)).status == 201);
  }
  const Reply list = world.call("GET", "/api/muster/v1/projects");
  for (std::size_t i = 0; i < 14; ++i) colors.push_back(list.number("/projects/" + std::to_string(i) + "/color"));
  CHECK(colors == std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2});
}

TEST_CASE("an empty project is gone at once; one with workloads goes with the last of them") {
  TestWorld world;
  const std::string empty = world.call("POST", projects, project_body("empty", 0)).text("/id");
  CHECK(world.call("DELETE", projects + "/" + empty).status == 204);
  CHECK(world.call("GET", projects + "/" + empty).status == 404);
  const std::string full = world.call("POST", projects, project_body("full", 0)).text("/id");
  const std::string id = world.submit("full", "one");
  CHECK(world.call("DELETE", projects + "/" + full).status == 202);
  CHECK(world.call("GET", projects + "/" + full).text("/status/phase") == "Deleting");
  CHECK(world.call("GET", "/api/v1/workloads/" + id).text("/phase") == "Deleting");
  CHECK(world.call("POST", "/api/v1/workloads/trainings", TestWorld::training("full", "two")).status == 409);
  world.report_gone(id);
  world.settle();
  CHECK(world.call("GET", projects + "/" + full).status == 404);
  const auto sent = world.cluster.wait_for(9);
  CHECK(sent.back().kind == "Project");
  CHECK(sent.back().remove);
}

TEST_CASE("a department goes with its empty projects, and not while a project has workloads") {
  TestWorld world;
  const std::string id = world.call("POST", departments, department_body(world, "research")).text("/id");
  REQUIRE(world.call("POST", projects, R"({"name":"vision","resources":[],"parentId":")" + id + "\"}").status == 201);
  CHECK(world.call("GET", departments + "/" + id).text("/children/0/name") == "vision");
  const std::string workload = world.submit("vision", "one");
  const Reply refused = world.call("DELETE", departments + "/" + id);
  CHECK(refused.status == 409);
  CHECK(refused.text("/message").find("vision") != std::string::npos);
  REQUIRE(world.call("DELETE", "/api/v1/workloads/trainings/" + workload).status == 202);
  world.report_gone(workload);
  CHECK(world.call("DELETE", departments + "/" + id).status == 204);
  CHECK(world.call("GET", projects + "?filterBy=name==vision").body.at("projects").get_array().empty());
  const std::string main = world.call("GET", departments).text("/departments/0/id");
  CHECK(world.call("DELETE", departments + "/" + main).status == 400);
}

TEST_CASE("projects are filtered, sorted, searched and counted") {
  TestWorld world;
  for (const auto& [name, quota] : {std::pair{"alpha", 3.0}, {"beta", 1.0}, {"gamma", 2.0}}) {
    REQUIRE(world.call("POST", projects, project_body(name, quota)).status == 201);
  }
  const auto names = [&](const std::string& query) {
    const Reply reply = world.call("GET", projects + "?" + query);
    REQUIRE_MESSAGE(reply.status == 200, reply.response.body);
    std::string out;
    for (const json::Value& one : reply.body.at("projects").get_array()) out += json::text_or(one, "/name") + " ";
    return out;
  };
  CHECK(names("sortBy=totalGpuQuota&sortOrder=desc") == "default alpha gamma beta ");
  CHECK(names("filterBy=totalGpuQuota<=2") == "beta gamma ");
  CHECK(names("filterBy=name=^a,totalGpuQuota>=1") == "alpha ");
  CHECK(names("filterBy=parentName==default&limit=2&sortBy=name") == "alpha beta ");
  CHECK(names("search=AMM") == "gamma ");
  CHECK(world.call("GET", projects + "/count?filterBy=name!=default").number("/count") == 3);
  CHECK(world.call("GET", projects + "?filterBy=nam==x").status == 400);
}

TEST_CASE("the machine's GPUs become the first quota once, and later only a number for warnings") {
  TestWorld world(false, 0);
  CHECK(world.call("GET", projects).number("/projects/0/resources/0/gpu/deserved") == 0);
  REQUIRE(world.plane->set_machine_gpus(8).has_value());
  CHECK(world.call("GET", projects).number("/projects/0/resources/0/gpu/deserved") == 8);
  CHECK(world.call("GET", departments).number("/departments/0/resources/0/gpu/deserved") == 8);
  REQUIRE(world.plane->set_machine_gpus(4).has_value());
  CHECK(world.call("GET", projects).number("/projects/0/resources/0/gpu/deserved") == 8);
  CHECK(world.call("GET", "/api/muster/v1/projects").text("/projects/0/warning").find("has 4") != std::string::npos);
}

TEST_CASE("changes of the organisation are audited with who and what") {
  TestWorld world;
  REQUIRE(world.call("POST", projects, project_body("vision", 1)).status == 201);
  REQUIRE(world.call("PATCH", "/api/muster/v1/projects/vision", R"({"gpu":{"quota":2}})").status == 200);
  std::vector<std::string> lines;
  REQUIRE(world.plane->record
              ->commit([&](sql::Connection& db, Effects&) -> Result<void> {
                for (const sql::Row& row : TRY(db.query("SELECT caller, action, kind, name FROM audit ORDER BY id"))) {
                  lines.push_back(row.text(0) + " " + row.text(1) + " " + row.text(2) + " " + row.text(3));
                }
                return {};
              })
              .has_value());
  CHECK(lines == std::vector<std::string>{"ada create project vision", "ada update project vision"});
}
