// Submitting trainings, and stopping, running again and deleting workloads one by one or many at once.
#include "base/ids.h"
#include "base/text.h"
#include "control/door/routes.h"
#include "control/work/entity.h"
#include "control/work/fields.h"

namespace muster::control {
namespace {

constexpr std::size_t largest_batch = 100;

// The command line says who it is; everything else counts as the control plane's own clients.
std::string source_of(const net::Request& request) {
  const std::string* agent = request.header("User-Agent");
  return agent != nullptr && agent->starts_with("muster") ? "CLI" : "Control-plane";
}

Result<const Project*> find_target(const Plane& plane, const Caller& caller, const Submission& submission) {
  const Project* project = plane.organisation.project(submission.project);
  if (project == nullptr) {
    std::vector<std::string> known;
    for (const auto& [id, one] : plane.organisation.projects()) {
      if (plane.may_see(caller, id)) known.push_back(one.name);
    }
    Error error = not_found("there is no project \"" + submission.project.substr(0, 80) + "\"" +
                            did_you_mean(submission.project, known));
    error.pointer = "/projectId";
    return error;
  }
  if (!plane.may_see(caller, project->id)) {
    return denied(caller.name + " is no member of project \"" + project->name + "\"; an administrator can add members");
  }
  return project;
}

Result<Submission> read_submission(Plane& plane, const Caller& caller, const net::Request& request) {
  const json::Value body = TRY(read_body(request));
  Submission submission = TRY(read_training(body));
  if (!submission.cluster_id.empty() && submission.cluster_id != plane.cluster_id) {
    return invalid(
        "there is no cluster \"" + submission.cluster_id.substr(0, 80) + "\"; this one is " + plane.cluster_id,
        "/clusterId");
  }
  const auto number = [](const auto& id) { return id ? std::optional(std::int64_t{*id}) : std::nullopt; };
  TRY(check_identity(submission.spec, number(caller.uid), number(caller.gid)));
  return submission;
}

Result<net::Response> submit(Plane& plane, const Caller& caller, const net::Request& request) {
  const Submission submission = TRY(read_submission(plane, caller, request));
  if (plane.options.root_mode && !caller.uid)
    return denied("the account " + caller.name + " is not known to this machine");
  const std::string spec = json::write(submission.spec);
  const std::string source = source_of(request);
  std::string answer;
  const Result<void> done = plane.record->commit([&](sql::Connection& db, Effects& effects) -> Result<void> {
    TRY(find_target(plane, caller, submission));
    const Workload* made =
        TRY(plane.workloads.accept(db, effects, plane.now(), plane.organisation, caller, submission, spec, source));
    answer = json::write(training_json(*made, plane.cluster_id, Secrets::Shown));
    effects.announce.push_back([&plane, id = made->id, project = made->project] {
      plane.changes->mark({.kind = ChangeKind::Workload, .key = id, .project = project});
    });
    return {};
  });
  TRY(done);
  return text_response(202, std::move(answer));
}

Result<net::Response> plan(Plane& plane, const Caller& caller, const net::Request& request) {
  const Submission submission = TRY(read_submission(plane, caller, request));
  std::string project;
  {
    Lock lock(plane.tables);
    const Project* target = TRY(find_target(plane, caller, submission));
    project = target->name;
  }
  const json::Value question = json::Object{{"ask", "plan"},
                                            {"project", project},
                                            {"name", submission.name.empty() ? "planned" : submission.name},
                                            {"spec", submission.spec}};
  return net::json_response(200, TRY(plane.sender->ask(question, Deadline::in(seconds(10)))));
}

Result<net::Response> read_one(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  const std::string& id = request.param("id");
  const Workload* one = plane.workloads.find(id);
  if (one == nullptr) return not_found("there is no workload with id \"" + id.substr(0, 80) + "\"");
  if (!plane.may_see(caller, one->project_id)) {
    return denied(caller.name + " is no member of project \"" + one->project + "\"");
  }
  const Secrets secrets = plane.may_steer(caller, *one) ? Secrets::Shown : Secrets::Hidden;
  return net::json_response(200, training_json(*one, plane.cluster_id, secrets));
}

Handle steer(Plane& plane, Wanted wanted, const std::string& message) {
  return [&plane, wanted, message](const Caller& caller, const net::Request& request) -> Result<net::Response> {
    TRY(plane.want(request.param("id"), wanted, caller));
    return accepted(message);
  };
}

Result<net::Response> batch(Plane& plane, const Caller& caller, const net::Request& request) {
  const json::Value body = TRY(read_body(request));
  const Fields fields(body, "");
  TRY(fields.only({"ids", "action"}));
  const std::optional<std::string> action = TRY(fields.one_of("action", {"delete", "suspend", "resume"}));
  if (!action) return invalid("name the action: delete, suspend or resume", "/action");
  const json::Array* ids = TRY(fields.list("ids"));
  if (ids == nullptr || ids->empty()) return invalid("name at least one workload", "/ids");
  if (ids->size() > largest_batch) {
    return invalid("at most " + std::to_string(largest_batch) + " workloads are taken at once", "/ids");
  }
  for (std::size_t i = 0; i < ids->size(); ++i) {
    if (!(*ids)[i].is_string()) return invalid("expected an id", "/ids/" + std::to_string(i));
  }
  const Wanted wanted = *action == "delete"    ? Wanted::Deleted
                        : *action == "suspend" ? Wanted::Stopped
                                               : Wanted::Running;
  json::Array succeeded, failed;
  for (const json::Value& item : *ids) {
    const std::string id(item.get_string());
    const Result<void> done = plane.want(id, wanted, caller);
    if (done.has_value()) {
      succeeded.push_back(json::Value(id));
    } else {
      failed.push_back(json::Object{{"id", id}, {"code", http_status(done.error())}, {"message", done.error().text}});
    }
  }
  return net::json_response(
      200, json::Object{{"id", new_uuid()}, {"succeeded", std::move(succeeded)}, {"failed", std::move(failed)}});
}

}  // namespace

void add_training_routes(Routes& routes) {
  Plane& plane = routes.plane();
  const std::string trainings = "/api/v1/workloads/trainings";
  using Function = Result<net::Response> (*)(Plane&, const Caller&, const net::Request&);
  const auto on = [&plane](Function function) -> Handle {
    return [&plane, function](const Caller& caller, const net::Request& request) {
      return function(plane, caller, request);
    };
  };
  routes.add("POST", trainings, on(submit));
  routes.add("GET", trainings + "/{id}", on(read_one));
  routes.add("DELETE", trainings + "/{id}", steer(plane, Wanted::Deleted, "the workload is being deleted"));
  routes.add("POST", trainings + "/{id}/suspend", steer(plane, Wanted::Stopped, "the workload is being stopped"));
  routes.add("POST", trainings + "/{id}/resume",
             steer(plane, Wanted::Running, "the workload runs again when it has its turn"));
  routes.add("POST", "/api/v1/workloads/batch", on(batch));
  routes.add("POST", "/api/muster/v1/plan", on(plan));
}

}  // namespace muster::control
