#pragma once
// TestWorld: a control plane in a temporary folder, asked through Router::dispatch, with a cluster that only writes
// down what it is sent. For the tests of this room.

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/contract.h"
#include "base/threads.h"
#include "control/door/routes.h"
#include "control/plane.h"
#include "net/server.h"

namespace muster::control {

class FakeAccounts final : public Accounts {
 public:
  std::map<uid_t, Account> users = {
      {0, {"root", 0, 0}}, {1000, {"ada", 1000, 1000}}, {1001, {"bob", 1001, 1001}}, {1002, {"eve", 1002, 1002}}};
  std::vector<std::pair<std::string, std::string>> groups;  // user, group
  uid_t own = 1000;

  std::optional<Account> by_uid(uid_t uid) const override {
    const auto found = users.find(uid);
    return found == users.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<Account> by_name(const std::string& name) const override {
    for (const auto& [uid, account] : users) {
      if (account.name == name) return account;
    }
    return std::nullopt;
  }
  bool is_in_group(const Account& account, const std::string& group) const override {
    return std::find(groups.begin(), groups.end(), std::pair(account.name, group)) != groups.end();
  }
  uid_t own_uid() const override { return own; }
};

// Moved by the test, read by the threads of the control plane.
class TestClock final : public Clock {
 public:
  Time now() const override {
    Lock lock(mutex_);
    return now_;
  }
  std::int64_t monotonic_ms() const override { return now().ms; }
  void advance(Duration by) {
    Lock lock(mutex_);
    now_ = now_ + by;
  }

 private:
  mutable Mutex mutex_;
  Time now_ = *parse_rfc3339("2026-11-24T08:00:00Z");
};

// Keeps what it is sent; says that it has applied it only when told to.
class FakeCluster final : public model::LineToCluster {
 public:
  Result<void> send(std::vector<model::Desired> changes) override {
    Lock lock(mutex_);
    for (auto& change : changes) sent_.push_back(std::move(change));
    changed_.notify_all();
    return {};
  }
  Result<json::Value> ask(const json::Value& question, Deadline) override {
    Lock lock(mutex_);
    questions.push_back(question);
    return answer;
  }
  // Waits until that many changes have arrived in all.
  std::vector<model::Desired> wait_for(std::size_t count) {
    const Deadline deadline = Deadline::in(seconds(10));
    Lock lock(mutex_);
    while (sent_.size() < count && changed_.wait_until(mutex_, deadline)) {
    }
    REQUIRE(sent_.size() >= count);
    return sent_;
  }
  std::vector<json::Value> questions;
  Result<json::Value> answer = json::Value(nullptr);

 private:
  Mutex mutex_;
  Condition changed_;
  std::vector<model::Desired> sent_;
};

class FakeStream final : public net::Stream {
 public:
  bool send(std::string bytes) override {
    Lock lock(mutex_);
    if (!open_) return false;
    text_ += bytes;
    changed_.notify_all();
    return true;
  }
  bool is_open() const override {
    Lock lock(mutex_);
    return open_;
  }
  void close() override {
    Lock lock(mutex_);
    open_ = false;
    changed_.notify_all();
  }
  void on_close(std::function<void()>) override {}
  // Everything so far, once it holds `part`.
  std::string wait_for(const std::string& part) {
    const Deadline deadline = Deadline::in(seconds(10));
    Lock lock(mutex_);
    while (text_.find(part) == std::string::npos && changed_.wait_until(mutex_, deadline)) {
    }
    CHECK_MESSAGE(text_.find(part) != std::string::npos, part << " did not come; the stream says " << text_);
    return text_;
  }

 private:
  mutable Mutex mutex_;
  Condition changed_;
  bool open_ = true;
  std::string text_;
};

struct Reply {
  int status = 0;
  json::Value body;
  net::Response response;
  std::string text(std::string_view pointer) const { return json::text_or(body, pointer); }
  double number(std::string_view pointer) const { return json::number_at(body, pointer).value_or(-1); }
};

class TestWorld {
 public:
  static constexpr const char* owner_token = "the-owner-token-of-this-test";

  static std::string new_folder() {
    char pattern[] = "/tmp/muster-control-XXXXXX";
    REQUIRE(::mkdtemp(pattern) != nullptr);
    return pattern;
  }

  explicit TestWorld(bool root_mode = false, double gpus = 4, const std::string& folder = new_folder()) {
    options.folder = folder;
    options.clock = &clock;
    options.owner_token = owner_token;
    options.root_mode = root_mode;
    options.cluster_name = "testhost";
    options.machine_gpus = gpus;
    options.simulated = true;
    if (root_mode) accounts.own = 0;
    start();
  }
  ~TestWorld() {
    stop();
    std::error_code ignored;
    std::filesystem::remove_all(options.folder, ignored);
  }

  void start() {
    Result<std::unique_ptr<Plane>> made = Plane::start(options, accounts);
    REQUIRE_MESSAGE(made.has_value(), (made.has_value() ? "" : made.error().text));
    plane = *std::move(made);
    plane->url = "http://127.0.0.1:7070";
    plane->access->set_url(plane->url);
    router = std::make_unique<net::Router>();
    router->add_filter([this](net::Request& request) { return plane->access->filter(request); });
    Routes routes(*plane, *router);
    add_token_routes(routes);
    add_org_routes(routes);
    add_workload_routes(routes);
    add_training_routes(routes);
    add_cluster_routes(routes);
    add_muster_routes(routes);
    add_topology_routes(routes);
    plane->sender->connect(cluster);
  }
  void stop() { plane.reset(); }

  net::Request request(const std::string& method, const std::string& path_and_query,
                       const std::string& body = "") const {
    net::Request out;
    out.method = method;
    const std::size_t mark = path_and_query.find('?');
    out.path = path_and_query.substr(0, mark);
    if (mark != std::string::npos) out.query = *net::parse_query(path_and_query.substr(mark + 1));
    out.headers = {{"Host", "127.0.0.1:7070"}};
    if (!body.empty()) out.headers.emplace_back("Content-Type", "application/json");
    out.body = body;
    out.peer = "127.0.0.1:5000";
    return out;
  }
  Reply send(net::Request request) const {
    const std::string asked_method = request.method, asked_path = request.path;
    Reply reply;
    reply.response = router->dispatch(request);
    reply.status = reply.response.status;
    if (!reply.response.body.empty()) {
      const auto parsed = json::parse(reply.response.body, {.bytes = 64 << 20});
      if (parsed.has_value()) reply.body = *parsed;
    }
    check_contract(asked_method, asked_path, reply);
    return reply;
  }
  // Every answer keeps the contract; members of ours beside Run:ai's are allowed.
  static void check_contract(const std::string& method, const std::string& path, const Reply& reply) {
    const Schema* schema = contract::response_schema(method, path, reply.status);
    if (schema == nullptr) return;
    for (const Error& problem : schema->problems(reply.body, 20)) {
      if (problem.text.find("unknown field") != std::string::npos) continue;
      FAIL_CHECK(method << " " << path << ": " << problem.pointer << ": " << problem.text);
    }
  }
  // As the owner, by token.
  Reply call(const std::string& method, const std::string& path, const std::string& body = "") const {
    net::Request out = request(method, path, body);
    out.headers.emplace_back("Authorization", std::string("Bearer ") + owner_token);
    return send(std::move(out));
  }
  // Over the UNIX socket.
  Reply call_as(uid_t uid, const std::string& method, const std::string& path, const std::string& body = "") const {
    net::Request out = request(method, path, body);
    out.peer = "unix";
    out.peer_uid = uid;
    out.peer_gid = uid;
    return send(std::move(out));
  }
  static std::string training(const std::string& project, const std::string& name, const std::string& compute = "{}") {
    return R"({"name":")" + name + R"(","projectId":")" + project +
           R"(","spec":{"command":"sleep","args":"60","compute":)" + compute + "}}";
  }
  std::string submit(const std::string& project, const std::string& name, const std::string& compute = "{}") const {
    const Reply reply = call("POST", "/api/v1/workloads/trainings", training(project, name, compute));
    REQUIRE_MESSAGE(reply.status == 202, reply.response.body);
    return reply.text("/workloadId");
  }
  // The cluster reports a phase.
  void report_phase(const std::string& id, const std::string& phase, json::Object more = {}) {
    json::Object body{{"id", id}, {"phase", phase}, {"phaseUpdatedAt", to_rfc3339(clock.now())}, {"k8sPhase", phase}};
    for (auto& [name, value] : more) body[name] = value;
    plane->report({{.kind = "workload", .key = id, .body = std::move(body)}});
  }
  void report_gone(const std::string& id) {
    plane->report({{.kind = "workload", .key = id, .gone = true, .body = {}}});
  }
  // Waits until everything lazy is durable.
  void settle() {
    REQUIRE(plane->record->commit([](sql::Connection&, Effects&) -> Result<void> { return {}; }).has_value());
  }

  TestClock clock;
  FakeAccounts accounts;
  FakeCluster cluster;
  Options options;
  std::unique_ptr<Plane> plane;
  std::unique_ptr<net::Router> router;
};

}  // namespace muster::control
