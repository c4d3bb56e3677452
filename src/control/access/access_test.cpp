#include <fstream>
#include <sstream>

#include "base/log.h"
#include "control/test_world.h"

using namespace muster;
using namespace muster::control;

namespace {

std::string code_of(const std::string& url) { return url.substr(url.find("#code=") + 6); }

// The value of a cookie that an answer sets.
std::string cookie_of(const Reply& reply, const std::string& name) {
  for (const auto& [header, value] : reply.response.headers) {
    if (header == "Set-Cookie" && value.starts_with(name + "=")) {
      return value.substr(name.size() + 1, value.find(';') - name.size() - 1);
    }
  }
  return {};
}

Reply sign_in(TestWorld& world, const std::string& code) {
  return world.send(world.request("POST", "/api/muster/v1/signin", R"({"code":")" + code + R"("})"));
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

TEST_CASE("every path needs a token, known or not") {
  TestWorld world;
  for (const char* path : {"/api/v1/workloads", "/api/v1/org-unit/projects", "/api/v1/org-unit/departments",
                           "/api/v1/clusters", "/api/v1/nodes", "/api/v1/node-pools", "/api/v1/workloads/x/pods",
                           "/api/muster/v1/me", "/api/muster/v1/events", "/api/muster/v1/server", "/api/nothing"}) {
    const Reply reply = world.send(world.request("GET", path));
    CHECK_MESSAGE(reply.status == 401, path);
    CHECK(reply.number("/code") == 401);
  }
  for (const char* path : {"/api/v1/workloads/trainings", "/api/v1/workloads/batch", "/api/muster/v1/login-links"}) {
    CHECK(world.send(world.request("POST", path, "{}")).status == 401);
  }
}

TEST_CASE("a wrong token, a half token and another scheme are refused") {
  TestWorld world;
  for (const std::string header : {"Bearer wrong", "Bearer ", "Bearer the-owner-token-of-this-tes", "Basic dTpw", ""}) {
    net::Request request = world.request("GET", "/api/v1/workloads");
    request.headers.emplace_back("Authorization", header);
    CHECK(world.send(std::move(request)).status == 401);
  }
  CHECK(world.call("GET", "/api/v1/workloads").status == 200);
}

TEST_CASE("programs get tokens with the owner's id and secret, in any case of the names") {
  TestWorld world;
  const Reply refused = world.send(
      world.request("POST", "/api/v1/token", R"({"grantType":"app_token","AppId":"owner","AppSecret":"wrong"})"));
  CHECK(refused.status == 401);
  for (const std::string& body :
       {std::string(R"({"grantType":"app_token","AppId":"owner","AppSecret":")") + TestWorld::owner_token + "\"}",
        std::string(R"({"grantType":"app_token","appID":"owner","appSecret":")") + TestWorld::owner_token + "\"}",
        std::string(R"({"grantType":"client_credentials","clientId":"owner","clientSecret":")") +
            TestWorld::owner_token + "\"}",
        std::string(R"({"grantType":"client_credentials","clientID":"owner","clientSecret":")") +
            TestWorld::owner_token + "\"}"}) {
    const Reply reply = world.send(world.request("POST", "/api/v1/token", body));
    REQUIRE(reply.status == 200);
    CHECK(reply.number("/expiresIn") == 12 * 3600);
    net::Request request = world.request("GET", "/api/v1/workloads");
    request.headers.emplace_back("Authorization", "bearer " + reply.text("/accessToken"));
    CHECK(world.send(std::move(request)).status == 200);
  }
  CHECK(world.send(world.request("POST", "/api/v1/token", R"({"grantType":"password"})")).status == 400);
}

TEST_CASE("an access token outlives a restart, ends after its hours and is stored only as a hash") {
  TestWorld world;
  const std::string token =
      world
          .send(world.request("POST", "/api/v1/token",
                              std::string(R"({"grantType":"app_token","AppId":"owner","AppSecret":")") +
                                  TestWorld::owner_token + "\"}"))
          .text("/accessToken");
  world.stop();
  for (const auto& file : std::filesystem::directory_iterator(world.options.folder)) {
    const std::string bytes = contents(file.path());
    CHECK(bytes.find(token) == std::string::npos);
    CHECK(bytes.find(token.substr(token.rfind('.') + 1)) == std::string::npos);
    CHECK(bytes.find(TestWorld::owner_token) == std::string::npos);
  }
  world.start();
  const auto status = [&] {
    net::Request request = world.request("GET", "/api/v1/workloads");
    request.headers.emplace_back("Authorization", "Bearer " + token);
    return world.send(std::move(request)).status;
  };
  CHECK(status() == 200);
  world.clock.advance(hours(12));
  CHECK(status() == 401);
}

TEST_CASE("a sign-in link works once") {
  TestWorld world;
  const std::string code = code_of(world.plane->access->sign_in_url(world.plane->access->owner()));
  CHECK(code.size() >= 22);
  const Reply first = sign_in(world, code);
  REQUIRE(first.status == 200);
  CHECK(first.text("/name") == "ada");
  CHECK(sign_in(world, code).status == 401);
  for (const auto& [header, value] : first.response.headers) {
    if (header != "Set-Cookie") continue;
    CHECK(value.find("SameSite=Strict") != std::string::npos);
    CHECK((value.find("HttpOnly") != std::string::npos) == value.starts_with("muster_session="));
  }
}

TEST_CASE("a sign-in link ends after ten minutes") {
  TestWorld world;
  const std::string code = code_of(world.plane->access->sign_in_url(world.plane->access->owner()));
  world.clock.advance(minutes(10));
  CHECK(sign_in(world, code).status == 401);
  CHECK(sign_in(world, "").status != 200);
}

TEST_CASE("a session reads freely and changes things only with its CSRF header") {
  TestWorld world;
  const Reply signed_in = sign_in(world, code_of(world.plane->access->sign_in_url(world.plane->access->owner())));
  const std::string session = cookie_of(signed_in, "muster_session"), csrf = cookie_of(signed_in, "muster_csrf");
  const auto call = [&](const std::string& method, const std::string& path, const std::string& header,
                        const std::string& body = "") {
    net::Request request = world.request(method, path, body);
    request.headers.emplace_back("Cookie", "other=1; muster_session=" + session + "; muster_csrf=" + csrf);
    if (!header.empty()) request.headers.emplace_back("X-Muster-Csrf", header);
    return world.send(std::move(request));
  };
  const Reply me = call("GET", "/api/muster/v1/me", "");
  CHECK(me.status == 200);
  CHECK(me.text("/via") == "cookie");
  const std::string body = TestWorld::training("default", "exp");
  CHECK(call("POST", "/api/v1/workloads/trainings", "", body).status == 403);
  CHECK(call("POST", "/api/v1/workloads/trainings", "wrong", body).status == 403);
  CHECK(call("POST", "/api/v1/workloads/trainings", csrf, body).status == 202);
  CHECK(call("POST", "/api/muster/v1/signout", csrf).status == 204);
  CHECK(call("GET", "/api/muster/v1/me", "").status == 401);
}

TEST_CASE("the server answers to its own names alone, and to no other site's pages") {
  TestWorld world;
  const auto status = [&](const std::string& host, const std::string& origin, const std::string& path) {
    net::Request request = world.request("GET", path);
    request.headers.clear();
    request.headers.emplace_back("Authorization", std::string("Bearer ") + TestWorld::owner_token);
    if (!host.empty()) request.headers.emplace_back("Host", host);
    if (!origin.empty()) request.headers.emplace_back("Origin", origin);
    return world.send(std::move(request)).status;
  };
  const std::string path = "/api/v1/workloads";
  CHECK(status("127.0.0.1:7070", "", path) == 200);
  CHECK(status("localhost:7070", "http://localhost:7070", path) == 200);
  // ssh -L 9000:127.0.0.1:7070
  CHECK(status("localhost:9000", "http://localhost:9000", path) == 200);
  CHECK(status("[::1]:7070", "", path) == 200);
  CHECK(status("evil.example:7070", "", path) == 403);
  CHECK(status("127.0.0.1.evil.example:7070", "", path) == 403);
  CHECK(status("localhost.evil.example", "", path) == 403);
  CHECK(status("127.0.0.1:7070", "http://evil.example", path) == 403);
  CHECK(status("127.0.0.1:7070", "http://127.0.0.1:3000", path) == 403);
  CHECK(status("127.0.0.1:7070", "null", path) == 403);
  CHECK(status("", "", path) == 400);
  // Open routes as well: a foreign page must not even try codes.
  net::Request request = world.request("POST", "/api/muster/v1/signin", R"({"code":"x"})");
  request.headers.emplace_back("Origin", "http://evil.example");
  CHECK(world.send(std::move(request)).status == 403);
}

TEST_CASE("in user mode the socket serves the owner and root, nobody else") {
  TestWorld world;
  const Reply owner = world.call_as(1000, "GET", "/api/muster/v1/me");
  CHECK(owner.status == 200);
  CHECK(owner.text("/name") == "ada");
  CHECK(owner.text("/via") == "socket");
  CHECK(world.call_as(0, "GET", "/api/muster/v1/me").text("/name") == "ada");
  CHECK(world.call_as(1001, "GET", "/api/muster/v1/me").status == 403);
  CHECK(world.call_as(1001, "POST", "/api/v1/workloads/trainings", TestWorld::training("default", "x")).status == 403);
}

TEST_CASE("in root mode others see and use only the projects granted to them") {
  TestWorld world(true);
  REQUIRE(world.call("POST", "/api/v1/org-unit/projects", R"({"name":"vision","resources":[]})").status == 201);
  CHECK(world.call_as(1001, "GET", "/api/muster/v1/me").body.at("projects").get_array().empty());
  CHECK(world.call_as(1001, "POST", "/api/v1/workloads/trainings", TestWorld::training("vision", "x")).status == 403);
  CHECK(world.call_as(1001, "POST", "/api/v1/org-unit/projects", R"({"name":"own","resources":[]})").status == 403);
  CHECK(world.call_as(1001, "PATCH", "/api/muster/v1/projects/vision", R"({"members":["bob"]})").status == 403);
  REQUIRE(world.call("PATCH", "/api/muster/v1/projects/vision", R"({"members":["bob","ada"]})").status == 200);
  const Reply mine = world.call_as(1001, "POST", "/api/v1/workloads/trainings", TestWorld::training("vision", "x"));
  REQUIRE(mine.status == 202);
  const std::string id = mine.text("/workloadId");
  // The uid is the connection's.
  const auto sent = world.cluster.wait_for(5);
  CHECK(json::text_or(sent.back().object, "/metadata/annotations/muster.dev~1uid") == "1001");
  CHECK(json::text_or(sent.back().object, "/metadata/annotations/muster.dev~1gid") == "1001");
  CHECK(json::text_or(sent.back().object, "/metadata/annotations/muster.dev~1submitted-by") == "bob");
  // Another member sees it but neither ends it nor reads its variables; a stranger sees nothing.
  CHECK(world.call_as(1000, "GET", "/api/v1/workloads").body.at("workloads").get_array().size() == 1);
  CHECK(world.call_as(1000, "DELETE", "/api/v1/workloads/trainings/" + id).status == 403);
  CHECK(world.call_as(1002, "GET", "/api/v1/workloads").body.at("workloads").get_array().empty());
  CHECK(world.call_as(1002, "GET", "/api/v1/workloads/" + id).status == 403);
  CHECK(world.call_as(1002, "GET", "/api/v1/workloads/" + id + "/pods").status == 403);
  CHECK(world.call_as(1002, "GET", "/api/muster/v1/workloads/" + id).status == 403);
  CHECK(world.call_as(1002, "DELETE", "/api/v1/workloads/trainings/" + id).status == 403);
  CHECK(world.call_as(1001, "POST", "/api/v1/workloads/trainings/" + id + "/suspend").status == 202);
}

TEST_CASE("in root mode members of muster-admin administer, and stop doing so when they leave the group") {
  TestWorld world(true);
  world.accounts.groups = {{"bob", "muster-admin"}};
  CHECK(json::bool_at(world.call_as(1001, "GET", "/api/muster/v1/me").body, "/admin") == true);
  CHECK(world.call_as(1001, "POST", "/api/v1/org-unit/projects", R"({"name":"own","resources":[]})").status == 201);
  world.accounts.groups.clear();
  world.clock.advance(seconds(6));
  CHECK(json::bool_at(world.call_as(1001, "GET", "/api/muster/v1/me").body, "/admin") == false);
  CHECK(world.call_as(1001, "POST", "/api/v1/org-unit/projects", R"({"name":"more","resources":[]})").status == 403);
}

TEST_CASE("a link that a user asks for signs in that user") {
  TestWorld world(true);
  const Reply link = world.call_as(1001, "POST", "/api/muster/v1/login-links");
  REQUIRE(link.status == 200);
  CHECK(link.text("/signInUrl").starts_with("http://127.0.0.1:7070/signin#code="));
  const Reply signed_in = sign_in(world, code_of(link.text("/signInUrl")));
  REQUIRE(signed_in.status == 200);
  CHECK(signed_in.text("/name") == "bob");
  net::Request request = world.request("GET", "/api/muster/v1/me");
  request.headers.emplace_back("Cookie", "muster_session=" + cookie_of(signed_in, "muster_session"));
  const Reply me = world.send(std::move(request));
  CHECK(me.text("/name") == "bob");
  CHECK(json::bool_at(me.body, "/admin") == false);
}

TEST_CASE("an account that takes over a uid inherits no session") {
  TestWorld world(true);
  world.accounts.groups = {{"bob", "muster-admin"}, {"mallory", "muster-admin"}};
  const Reply link = world.call_as(1001, "POST", "/api/muster/v1/login-links");
  const std::string session = cookie_of(sign_in(world, code_of(link.text("/signInUrl"))), "muster_session");
  world.accounts.users[1001] = {"mallory", 1001, 1001};
  world.clock.advance(seconds(6));
  net::Request request = world.request("GET", "/api/muster/v1/me");
  request.headers.emplace_back("Cookie", "muster_session=" + session);
  CHECK(json::bool_at(world.send(std::move(request)).body, "/admin") == false);
}

TEST_CASE("no secret stands in a log") {
  TestWorld world;
  const std::string canary = "canary-5d1f-secret";
  const std::string path = world.options.folder + "/control.log";
  log::start(log::Level::Debug, path);
  world.send(world.request("POST", "/api/v1/token",
                           R"({"grantType":"app_token","AppId":"owner","AppSecret":")" + canary + "\"}"));
  net::Request request = world.request("GET", "/api/v1/workloads");
  request.headers.emplace_back("Authorization", "Bearer " + canary);
  world.send(std::move(request));
  sign_in(world, canary);
  world.call(
      "POST", "/api/v1/workloads/trainings",
      R"({"name":"exp","projectId":"default","spec":{"command":"true","environmentVariables":[{"name":"KEY","value":")" +
          canary + "\"}]}}");
  world.call(
      "POST", "/api/v1/workloads/trainings",
      R"({"name":"exp","projectId":"default","spec":{"command":"true","environmentVariables":[{"name":"KEY","value":")" +
          canary + "\"}]}}");
  const std::string code = code_of(world.plane->access->sign_in_url(world.plane->access->owner()));
  const Reply signed_in = sign_in(world, code);
  world.stop();
  log::start(log::Level::Off);
  const std::string log = contents(path);
  CHECK(log.find(canary) == std::string::npos);
  CHECK(log.find(code) == std::string::npos);
  CHECK(log.find(cookie_of(signed_in, "muster_session")) == std::string::npos);
  CHECK(log.find(TestWorld::owner_token) == std::string::npos);
}
