#include "control/test_world.h"

using namespace muster;
using namespace muster::control;

namespace {

// Opens the event stream of a caller.
std::shared_ptr<FakeStream> watch(TestWorld& world, std::optional<uid_t> uid = {}, const std::string& last = "") {
  net::Request request = world.request("GET", "/api/muster/v1/events");
  if (uid) {
    request.peer_uid = *uid;
  } else {
    request.headers.emplace_back("Authorization", std::string("Bearer ") + TestWorld::owner_token);
  }
  if (!last.empty()) request.headers.emplace_back("Last-Event-ID", last);
  const Reply reply = world.send(std::move(request));
  REQUIRE(reply.status == 200);
  CHECK(reply.response.content_type == "text/event-stream");
  auto stream = std::make_shared<FakeStream>();
  reply.response.stream(stream);
  stream->wait_for("event: hello");
  return stream;
}

std::string last_id(const std::string& text) {
  const std::size_t at = text.rfind("id: ") + 4;
  return text.substr(at, text.find('\n', at) - at);
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("a watcher is told of workloads, projects, nodes and activity") {
  TestWorld world;
  const auto stream = watch(world);
  const std::string id = world.submit("default", "exp");
  CHECK(stream->wait_for("event: workload\n").find("\"name\":\"exp\"") != std::string::npos);
  world.report_phase(id, "Running");
  stream->wait_for("\"phase\":\"Running\"");
  REQUIRE(world.call("POST", "/api/v1/org-unit/projects", R"({"name":"vision","resources":[]})").status == 201);
  stream->wait_for("\"name\":\"vision\"");
  world.plane->report({{.kind = "node", .key = "n1", .body = json::Object{{"name", "n1"}}}});
  stream->wait_for("event: node\ndata: {\"name\":\"n1\"}");
  world.plane->report({{.kind = "node", .key = "n1", .gone = true, .body = {}}});
  stream->wait_for("event: node-gone");
  world.plane->report({{.kind = "event", .key = "e1", .body = json::Object{{"id", "e1"}, {"workloadId", id}}}});
  stream->wait_for("event: activity");
  REQUIRE(world.call("DELETE", "/api/v1/workloads/trainings/" + id).status == 202);
  world.report_gone(id);
  stream->wait_for("event: workload-gone\ndata: {\"id\":\"" + id + "\"}");
}

TEST_CASE("a watcher that comes back hears the newest state of what it missed, once") {
  TestWorld world;
  const auto first = watch(world);
  const std::string id = world.submit("default", "exp");
  const std::string seen = last_id(first->wait_for("event: workload\n"));
  first->close();
  const auto other = watch(world);
  for (int i = 0; i < 5; ++i) {
    world.report_phase(id, "Pending", {{"phaseMessage", "m" + std::to_string(i)}});
    other->wait_for("\"phaseMessage\":\"m" + std::to_string(i) + "\"");
  }
  const std::string text = watch(world, {}, seen)->wait_for("\"phaseMessage\":\"m4\"");
  CHECK(count(text, "event: workload\n") == 1);
  CHECK(count(text, "event: reset") == 0);
}

TEST_CASE("a watcher that comes back too late, or from another life, is told to read everything anew") {
  TestWorld world;
  const auto stream = watch(world, {}, "17");
  CHECK(stream->wait_for("event: reset").find("event: hello") != std::string::npos);
  watch(world, {}, "99999999999999999")->wait_for("event: reset");
  const std::string seen = last_id(stream->wait_for("event: hello"));
  world.stop();
  world.clock.advance(seconds(1));
  world.start();
  watch(world, {}, seen)->wait_for("event: reset");
}

TEST_CASE("many changes of one thing within a moment are told as one") {
  TestWorld world;
  const std::string id = world.submit("default", "exp");
  const auto stream = watch(world);
  for (int i = 0; i < 1000; ++i) world.report_phase(id, "Pending", {{"phaseMessage", "m" + std::to_string(i)}});
  const std::string text = stream->wait_for("\"phaseMessage\":\"m999\"");
  CHECK(count(text, "event: workload\n") < 300);
}

TEST_CASE("members hear of their projects alone") {
  TestWorld world(true);
  for (const char* name : {"vision", "speech"}) {
    REQUIRE(world.call("POST", "/api/v1/org-unit/projects", std::string(R"({"name":")") + name + R"(","resources":[]})")
                .status == 201);
  }
  REQUIRE(world.call("PATCH", "/api/muster/v1/projects/vision", R"({"members":["bob"]})").status == 200);
  const auto stream = watch(world, 1001);
  world.submit("speech", "theirs");
  world.submit("vision", "ours");
  const std::string text = stream->wait_for("\"name\":\"ours\"");
  CHECK(text.find("theirs") == std::string::npos);
  // The grant ends: the stream falls silent.
  REQUIRE(world.call("PATCH", "/api/muster/v1/projects/vision", R"({"members":[]})").status == 200);
  world.submit("vision", "later");
  world.plane->report({{.kind = "node", .key = "n1", .body = json::Object{{"name", "n1"}}}});
  CHECK(stream->wait_for("event: node\n").find("later") == std::string::npos);
}

TEST_CASE("a last event id that is no number is refused") {
  TestWorld world;
  CHECK(world.call("GET", "/api/muster/v1/events?lastEventId=abc").status == 400);
}
