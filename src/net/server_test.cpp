#include "net/server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/file.h"
#include "base/threads.h"
#include "net/client.h"
#include "net/sse.h"

using namespace muster;
using namespace muster::net;

namespace {

struct World {
  Router router;
  std::unique_ptr<Server> server;
  std::unique_ptr<Client> client;
  std::string folder;

  explicit World(Server::Options options = {}) {
    char pattern[] = "/tmp/net-test-XXXXXX";
    folder = mkdtemp(pattern);
    if (options.unix_socket == "yes") options.unix_socket = folder + "/s";
    Result<std::unique_ptr<Server>> made = Server::listen(options);
    REQUIRE(made.has_value());
    server = std::move(*made);
    client = *Client::create({.base_url = url()});
  }
  ~World() {
    server.reset();
    ::unlink((folder + "/s").c_str());
    ::rmdir(folder.c_str());
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server->port()); }
  Answer get(const std::string& path) {
    Result<Answer> answer = client->call({.path = path});
    REQUIRE(answer.has_value());
    return *answer;
  }
};

// Sends raw bytes and returns what came back until the server closed or 2 s passed.
std::string raw(std::uint16_t port, const std::string& bytes) {
  Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  timeval limit{2, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(fd.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  std::string out;
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (n <= 0) return out;
    out.append(buffer, static_cast<std::size_t>(n));
  }
}

}  // namespace

TEST_CASE("a route gets its parameters, query and body, and the literal route wins") {
  World world;
  world.router.add("GET", "/things/{id}", [](const Request& r) {
    const std::string* q = r.query_value("q");
    return json_response(200, json::Object{{"id", r.param("id")}, {"q", q != nullptr ? *q : ""}});
  });
  world.router.add("GET", "/things/count",
                   [](const Request&) { return json_response(200, json::Object{{"count", 3}}); });
  world.router.add("POST", "/things",
                   [](const Request& r) { return json_response(202, json::Object{{"got", r.body}}); });
  world.router.add("GET", "/files/{rest*}",
                   [](const Request& r) { return json_response(200, json::Object{{"rest", r.param("rest")}}); });
  world.server->serve(world.router);
  CHECK(world.get("/things/a%20b?q=x%2By+z").body == R"({"id":"a b","q":"x+y z"})");
  CHECK(world.get("/things/count").body == R"({"count":3})");
  CHECK(world.get("/files/a/b/c").body == R"({"rest":"a/b/c"})");
  const Result<Answer> posted = world.client->call({.method = "POST", .path = "/things", .body = "hello"});
  REQUIRE(posted.has_value());
  CHECK(posted->status == 202);
  CHECK(posted->body == R"({"got":"hello"})");
}

TEST_CASE("an unknown path is 404 with its name, a known one with another method 405 with Allow") {
  World world;
  world.router.add("POST", "/only", [](const Request&) { return json_response(200, nullptr); });
  world.server->serve(world.router);
  const Answer missing = world.get("/nowhere");
  CHECK(missing.status == 404);
  CHECK(missing.body.find("/nowhere") != std::string::npos);
  const Answer wrong = world.get("/only");
  CHECK(wrong.status == 405);
  REQUIRE(find_header(wrong.headers, "allow") != nullptr);
  CHECK(*find_header(wrong.headers, "allow") == "POST");
}

TEST_CASE("a filter ends closed requests and lets open ones pass") {
  World world;
  world.router.add_filter([](Request& r) -> std::optional<Response> {
    if (r.is_open_route) return std::nullopt;
    return error_response(unauthenticated("no token"));
  });
  world.router.add("GET", "/closed", [](const Request&) { return json_response(200, nullptr); });
  world.router.add_open("GET", "/open", [](const Request&) { return json_response(200, nullptr); });
  world.router.set_fallback([](const Request&) { return json_response(200, json::Value("page")); }, {"/api/"});
  world.server->serve(world.router);
  CHECK(world.get("/closed").status == 401);
  CHECK(world.get("/open").status == 200);
  CHECK(world.get("/workloads").body == "\"page\"");
  CHECK(world.get("/api/v1/unknown").status == 401);
}

TEST_CASE("limits answer 431 for a long head and 413 for a long body") {
  World world({.limits = {.header_bytes = 4096, .body_bytes = 1000}});
  world.router.add("POST", "/", [](const Request&) { return json_response(200, nullptr); });
  world.server->serve(world.router);
  const Result<Answer> body = world.client->call({.method = "POST", .path = "/", .body = std::string(2000, 'x')});
  REQUIRE(body.has_value());
  CHECK(body->status == 413);
  CHECK(
      raw(world.server->port(), "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(8000, 'y') + "\r\n\r\n").find("431") !=
      std::string::npos);
}

TEST_CASE("a client that is still sending a body that is too long gets the answer, not a reset") {
  World world({.limits = {.header_bytes = 4096, .body_bytes = 1000}});
  world.router.add("POST", "/", [](const Request&) { return json_response(200, nullptr); });
  world.server->serve(world.router);
  for (int i = 0; i < 20; ++i) {
    const Result<Answer> answer =
        world.client->call({.method = "POST", .path = "/", .body = std::string(4 << 20, 'x')});
    REQUIRE(answer.has_value());
    CHECK(answer->status == 413);
  }
}

TEST_CASE("nonsense on the wire is answered with 400 or a closed connection, and the server lives on") {
  World world;
  world.router.add("GET", "/", [](const Request&) { return json_response(200, nullptr); });
  world.server->serve(world.router);
  CHECK(raw(world.server->port(), "NONSENSE\r\n\r\n").find(" 400 ") != std::string::npos);
  raw(world.server->port(), std::string("\0\1\2\3\r\n\r\n", 8));
  CHECK(raw(world.server->port(), "GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").find(" 400 ") !=
        std::string::npos);
  CHECK(world.get("/").status == 200);
}

TEST_CASE("a stream arrives as it is sent, and its end is seen") {
  World world;
  world.router.add("GET", "/stream", [](const Request&) {
    Response response;
    response.content_type = "text/plain";
    response.stream = [](std::shared_ptr<Stream> stream) {
      std::thread([stream] {
        for (int i = 0; i < 3; ++i) stream->send("part " + std::to_string(i) + "\n");
        stream->close();
      }).detach();
    };
    return response;
  });
  world.server->serve(world.router);
  Result<std::unique_ptr<Client::Reading>> reading = world.client->open({.path = "/stream"});
  REQUIRE(reading.has_value());
  CHECK((*reading)->status() == 200);
  std::string all;
  for (;;) {
    const Result<std::string> bytes = (*reading)->read(Deadline::in(seconds(5)));
    REQUIRE(bytes.has_value());
    if (bytes->empty()) break;
    all += *bytes;
  }
  CHECK(all == "part 0\npart 1\npart 2\n");
}

TEST_CASE("a reader that goes away is noticed, one that does not read is cut") {
  World world({.limits = {.stream_outbox_bytes = 256 << 10}});
  std::atomic<bool> closed = false;
  std::atomic<bool> cut = false;
  world.router.add("GET", "/quiet", [&](const Request&) {
    Response response;
    response.stream = [&](std::shared_ptr<Stream> stream) {
      stream->send("hello");
      stream->on_close([&closed, stream]() mutable { closed = true; });
    };
    return response;
  });
  world.router.add("GET", "/flood", [&](const Request&) {
    Response response;
    response.stream = [&](std::shared_ptr<Stream> stream) {
      std::thread([&cut, stream] {
        const Deadline deadline = Deadline::in(seconds(10));
        while (stream->send(std::string(64 << 10, 'x'))) {
          if (deadline.passed()) return;
        }
        cut = true;
      }).detach();
    };
    return response;
  });
  world.server->serve(world.router);
  {
    Result<std::unique_ptr<Client::Reading>> reading = world.client->open({.path = "/quiet"});
    REQUIRE(reading.has_value());
    REQUIRE((*reading)->read(Deadline::in(seconds(5))).has_value());
  }
  const Deadline deadline = Deadline::in(seconds(5));
  while (!closed && !deadline.passed()) std::this_thread::yield();
  CHECK(closed);
  Result<std::unique_ptr<Client::Reading>> slow = world.client->open({.path = "/flood"});
  REQUIRE(slow.has_value());
  const Deadline later = Deadline::in(seconds(12));
  while (!cut && !later.passed()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(cut);
}

TEST_CASE("a UNIX socket tells who calls") {
  World world({.unix_socket = "yes"});
  world.router.add("GET", "/me", [](const Request& r) {
    return json_response(
        200, json::Object{{"uid", r.peer_uid ? static_cast<std::int64_t>(*r.peer_uid) : -1}, {"peer", r.peer}});
  });
  world.server->serve(world.router);
  const auto local = *Client::create({.base_url = "http://muster", .unix_socket = world.folder + "/s"});
  const Result<Answer> answer = local->call({.path = "/me"});
  REQUIRE(answer.has_value());
  CHECK(answer->body == "{\"uid\":" + std::to_string(::getuid()) + ",\"peer\":\"unix\"}");
  CHECK(world.get("/me").body.find("\"uid\":-1") != std::string::npos);
}

TEST_CASE("a taken port names its holder and --listen") {
  World world;
  const Result<std::unique_ptr<Server>> second = Server::listen({.port = world.server->port()});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().text.find("pid " + std::to_string(::getpid())) != std::string::npos);
  CHECK(second.error().text.find("--listen") != std::string::npos);
}

TEST_CASE("no server is an error that names the address; a passed deadline is a timeout") {
  std::uint16_t port = 0;
  {
    World world;
    port = world.server->port();
  }
  const auto client = *Client::create({.base_url = "http://127.0.0.1:" + std::to_string(port)});
  const Result<Answer> answer = client->call({.path = "/"});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().kind == ErrorKind::Unavailable);
  CHECK(answer.error().text.find(std::to_string(port)) != std::string::npos);

  World world;
  world.router.add("GET", "/slow", [](const Request&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    return json_response(200, nullptr);
  });
  world.server->serve(world.router);
  const Result<Answer> late = world.client->call({.path = "/slow", .deadline = Deadline::in(milliseconds(50))});
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().kind == ErrorKind::Timeout);
}

TEST_CASE("many clients at once get their own answers") {
  World world;
  world.router.add("GET", "/echo/{n}", [](const Request& r) { return json_response(200, json::Value(r.param("n"))); });
  world.server->serve(world.router);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const std::string n = std::to_string(t * 1000 + i);
        const Result<Answer> answer = world.client->call({.path = "/echo/" + n});
        if (!answer.has_value() || answer->body != "\"" + n + "\"") ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("server-sent events are written and read back, split anywhere") {
  const std::string bytes = format_sse({.id = "7", .event = "workload", .data = "{\"a\":\n1}"}) + ": ping\n\n" +
                            format_sse({.id = "8", .data = "x"});
  SseReader reader;
  std::vector<SseEvent> events;
  for (const char c : bytes) {
    reader.feed(std::string_view(&c, 1));
    while (std::optional<SseEvent> event = reader.next()) events.push_back(*event);
  }
  REQUIRE(events.size() == 2);
  CHECK(events[0].id == "7");
  CHECK(events[0].event == "workload");
  CHECK(events[0].data == "{\"a\":\n1}");
  CHECK(events[1].data == "x");
}
