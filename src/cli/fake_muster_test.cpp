#include "cli/fake_muster_test.h"

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/ids.h"
#include "base/text.h"
#include "cli/run.h"
#include "net/sse.h"

namespace muster::cli {

using net::Request;
using net::Response;

FakeMuster::FakeMuster() {
  Result<std::unique_ptr<net::Server>> server = net::Server::listen({});
  REQUIRE(server.has_value());
  server_ = std::move(*server);
  REQUIRE(write_file_atomic(data() + "/endpoint.json", json::write(json::Object{{"url", url()}}), 0600).has_value());
  REQUIRE(write_file_atomic(data() + "/owner.token", std::string(token) + "\n", 0600).has_value());
  const auto project = [](const char* id, const char* name) {
    return json::Object{{"id", id},
                        {"name", name},
                        {"department", "default"},
                        {"members", json::Array{"ann"}},
                        {"namespace", std::string("runai-") + name},
                        {"gpu", json::Object{{"quota", 1},
                                             {"limit", nullptr},
                                             {"weight", 2.5},
                                             {"fairShare", 1},
                                             {"allocated", 0.5},
                                             {"requested", 4}}}};
  };
  answer("GET /api/muster/v1/projects",
         json::Object{{"projects", json::Array{project("4500001", "default"), project("4500002", "vision")}}});
  add_routes();
  server_->serve(router_);
}

FakeMuster::~FakeMuster() {
  cut_streams();
  server_.reset();
}

std::string FakeMuster::url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

void FakeMuster::answer(const std::string& method_and_path, json::Value body, int status) {
  Lock lock(mutex_);
  answers_[method_and_path] = {status, std::move(body)};
}

void FakeMuster::add_routes() {
  router_.add_filter([this](Request& request) -> std::optional<Response> {
    const std::string* authorization = request.header("Authorization");
    if (authorization == nullptr || *authorization != std::string("Bearer ") + token)
      return net::error_response(unauthenticated("who are you"));
    Lock lock(mutex_);
    std::string query;
    for (const auto& [name, value] : request.query) query += (query.empty() ? "" : "&") + name + "=" + value;
    queries_[request.path] = query;
    if (request.method != "GET") {
      requests_.push_back(request.method + " " + request.path);
      bodies_[request.method] = request.body;
    }
    const auto chosen = answers_.find(request.method + " " + request.path);
    if (chosen != answers_.end()) return net::json_response(chosen->second.first, chosen->second.second);
    return std::nullopt;
  });
  router_.add("POST", "/api/v1/workloads/trainings", [this](const Request& request) { return accept(request); });
  router_.add("GET", "/api/v1/workloads", [this](const Request& request) {
    Lock lock(mutex_);
    const std::string* given = request.query_value("filterBy");
    const std::string filter = given != nullptr ? *given : "";
    json::Array found;
    for (const auto& [id, one] : workloads_) {
      bool fits = true;
      for (const std::string_view part : split(filter, ',')) {
        const std::size_t at = part.find("==");
        if (at == std::string_view::npos) continue;
        fits = fits && json::text_or(one, "/" + std::string(part.substr(0, at))) == part.substr(at + 2);
      }
      if (fits) found.push_back(one);
    }
    // Two on each page, so that paging is walked.
    const std::size_t offset = std::stoul(*request.query_value("offset"));
    json::Object body{{"workloads", json::Array{}}};
    for (std::size_t i = offset; i < std::min(offset + 2, found.size()); ++i)
      body["workloads"].get_array().push_back(found[i]);
    if (offset + 2 < found.size()) body["next"] = offset + 2;
    return net::json_response(200, body);
  });
  const auto one = [this](const Request& request) {
    Lock lock(mutex_);
    const auto found = workloads_.find(request.param("id"));
    if (found == workloads_.end()) return net::error_response(not_found("there is no such workload"));
    return net::json_response(200, found->second);
  };
  router_.add("GET", "/api/v1/workloads/{id}", one);
  router_.add("GET", "/api/muster/v1/workloads/{id}", one);
  const auto accepted = [](const Request&) { return net::json_response(202, json::Object{}); };
  router_.add("POST", "/api/v1/workloads/trainings/{id}/{action}", accepted);
  router_.add("DELETE", "/api/v1/workloads/trainings/{id}", accepted);
  router_.add("GET", "/api/muster/v1/events", [this](const Request&) {
    return Response{.content_type = "text/event-stream", .stream = [this](const std::shared_ptr<net::Stream>& stream) {
                      Lock lock(mutex_);
                      stream->send(net::format_sse({std::to_string(event_id_), "hello", "{}"}));
                      watchers_.push_back(stream);
                    }};
  });
  router_.add("GET", "/gate/v1/projects/{p}/workloads/{w}/logs", [this](const Request& request) {
    const bool follow = request.query_value("follow") != nullptr;
    return Response{.content_type = "text/plain", .stream = [this, follow](const std::shared_ptr<net::Stream>& stream) {
                      Lock lock(mutex_);
                      if (!log_.empty()) stream->send(log_);
                      if (!follow || log_ended_) stream->close();
                      else readers_.push_back(stream);
                    }};
  });
}

Response FakeMuster::accept(const Request& request) {
  const Result<json::Value> body = json::parse(request.body);
  REQUIRE(body.has_value());
  const std::string id = new_uuid();
  std::string name;
  {
    Lock lock(mutex_);
    name = json::text_or(*body, "/name", "train-" + std::to_string(++submitted_));
  }
  add_workload(id, json::text_or(*body, "/projectId") == "4500001" ? "default" : "vision", name,
               {{"phase", "Creating"}});
  if (on_submit) on_submit(id);
  return net::json_response(202, json::Object{{"name", name}, {"workloadId", id}});
}

void FakeMuster::tell(const std::string& event, const json::Value& data) {
  const std::string bytes = net::format_sse({std::to_string(++event_id_), event, json::write(data)});
  for (const std::shared_ptr<net::Stream>& watcher : watchers_) watcher->send(bytes);
}

void FakeMuster::add_workload(const std::string& id, const std::string& project, const std::string& name,
                              json::Object fields) {
  Lock lock(mutex_);
  json::Object one{{"id", id},
                   {"name", name},
                   {"type", "Training"},
                   {"projectName", project},
                   {"phase", "Pending"},
                   {"gpuRequestText", "0.5"},
                   {"runningPods", 0},
                   {"requestedPods", json::Object{{"number", 1}}},
                   {"restarts", 0},
                   {"exitCode", nullptr},
                   {"submittedBy", "ann"},
                   {"createdAt", "2026-11-24T08:00:00.000Z"}};
  for (const auto& [field, value] : fields) one[field] = value;
  workloads_[id] = one;
  tell("workload", workloads_[id]);
}

void FakeMuster::set(const std::string& id, const json::Object& fields) {
  Lock lock(mutex_);
  for (const auto& [field, value] : fields) workloads_[id].get_object()[field] = value;
  tell("workload", workloads_[id]);
}

void FakeMuster::remove_workload(const std::string& id) {
  Lock lock(mutex_);
  workloads_.erase(id);
  tell("workload-gone", json::Object{{"id", id}});
}

void FakeMuster::print(const std::string& bytes) {
  Lock lock(mutex_);
  log_ += bytes;
  for (const std::shared_ptr<net::Stream>& reader : readers_) reader->send(bytes);
}

void FakeMuster::end_log() {
  Lock lock(mutex_);
  log_ended_ = true;
  for (const std::shared_ptr<net::Stream>& reader : readers_) reader->close();
  readers_.clear();
}

void FakeMuster::cut_streams() {
  Lock lock(mutex_);
  for (const std::shared_ptr<net::Stream>& stream : watchers_) stream->close();
  for (const std::shared_ptr<net::Stream>& stream : readers_) stream->close();
  watchers_.clear();
  readers_.clear();
}

std::vector<std::string> FakeMuster::requests() const {
  Lock lock(mutex_);
  return requests_;
}

json::Value FakeMuster::body_of_last(const std::string& method) const {
  Lock lock(mutex_);
  const auto found = bodies_.find(method);
  REQUIRE(found != bodies_.end());
  return *json::parse(found->second);
}

std::string FakeMuster::last_query(const std::string& path) const {
  Lock lock(mutex_);
  const auto found = queries_.find(path);
  return found == queries_.end() ? "" : found->second;
}

Ran FakeMuster::run(const std::vector<std::string>& words) {
  Ran ran;
  Mutex writing;
  ManualClock clock(*parse_rfc3339("2026-11-24T11:51:00Z"));
  Surroundings around;
  // The log comes from a thread of its own.
  around.out = [&](std::string_view bytes) {
    Lock lock(writing);
    ran.out += bytes;
  };
  around.err = [&](std::string_view bytes) {
    Lock lock(writing);
    ran.err += bytes;
  };
  std::map<std::string, std::string> all = {{"MUSTER_DATA", data()}, {"PATH", "/usr/bin"}, {"HOME", "/home/ann"}};
  for (const auto& [name, value] : variables) all[name] = value;
  around.variable = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = all.find(std::string(name));
    return found == all.end() ? std::nullopt : std::optional(found->second);
  };
  around.ask = [&] { return std::optional(answer_to_question); };
  const Deadline pressed = interrupt_after ? Deadline::in(*interrupt_after) : Deadline::never();
  around.interrupted = [pressed] { return pressed.passed(); };
  around.out_is_terminal = around.in_is_terminal = around.err_is_terminal = terminal;
  around.working_folder = "/srv/ann";
  around.uid = 1000;
  around.home = "/home/ann";
  around.system_socket = data() + "/no.sock";
  around.clock = &clock;
  ran.status = run_with(around, words,
                        {{"up", "start Muster on this machine", [](const std::vector<std::string>&) { return 42; }},
                         {"sim trace", "replay a trace",
                          [](const std::vector<std::string>& rest) { return static_cast<int>(rest.size()); }}});
  return ran;
}

}  // namespace muster::cli
