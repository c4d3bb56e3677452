// Reading workloads: lists, one by one, pods, events, history. All from memory.
#include "base/ids.h"
#include "control/door/listing.h"
#include "control/door/routes.h"
#include "control/work/entity.h"

namespace muster::control {
namespace {

std::vector<Field<Workload>> workload_fields(const Plane& plane) {
  using W = Workload;
  const auto nothing = [](const W&) -> FieldValue { return {}; };
  const auto moment = [](const std::optional<Time>& time) -> FieldValue {
    return time ? FieldValue(static_cast<double>(time->ms)) : FieldValue();
  };
  const Time now = plane.now();
  return {
      {"type", FieldKind::Text, [](const W&) -> FieldValue { return std::string("Training"); }},
      {"name", FieldKind::Text, [](const W& one) -> FieldValue { return one.name; }},
      {"clusterId", FieldKind::Text, [&plane](const W&) -> FieldValue { return plane.cluster_id; }},
      {"projectId", FieldKind::Text, [](const W& one) -> FieldValue { return one.project_id; }},
      {"projectName", FieldKind::Text, [](const W& one) -> FieldValue { return one.project; }},
      {"departmentId", FieldKind::Text, [](const W& one) -> FieldValue { return one.department_id; }},
      {"departmentName", FieldKind::Text, [](const W& one) -> FieldValue { return one.department; }},
      {"createdAt", FieldKind::Moment, [moment](const W& one) { return moment(one.created); }},
      {"deletedAt", FieldKind::Moment, [moment](const W& one) { return moment(one.deleted); }},
      {"submittedBy", FieldKind::Text, [](const W& one) -> FieldValue { return one.submitted_by; }},
      {"phase", FieldKind::Text, [](const W& one) -> FieldValue { return std::string(model::to_text(one.phase)); }},
      {"completedAt", FieldKind::Moment, [moment](const W& one) { return moment(one.completed); }},
      {"nodepool", FieldKind::Text, [](const W&) -> FieldValue { return std::string(default_pool); }},
      {"distributedFramework", FieldKind::Text, nothing},
      {"allocatedGPU", FieldKind::Number,
       [](const W& one) -> FieldValue {
         return one.fact == nullptr ? 0.0 : json::number_at(*one.fact, "/allocated/gpu").value_or(0);
       }},
      {"idleGpus", FieldKind::Number, nothing},
      {"idleAllocatedGpus", FieldKind::Number, nothing},
      {"phaseUpdatedAt", FieldKind::Moment, [moment](const W& one) { return moment(one.phase_at); }},
      {"category", FieldKind::Text, [](const W& one) -> FieldValue { return one.summary.category; }},
      {"totalPendingTimeSeconds", FieldKind::Number,
       [now](const W& one) -> FieldValue { return static_cast<double>(time_spent(one, now).pending); }},
      {"totalRunningTimeSeconds", FieldKind::Number,
       [now](const W& one) -> FieldValue { return static_cast<double>(time_spent(one, now).running); }},
      {"priority", FieldKind::Number,
       [](const W& one) -> FieldValue { return static_cast<double>(one.summary.priority); }},
      {"priorityClassName", FieldKind::Text, [](const W& one) -> FieldValue { return one.summary.priority_class; }},
      {"guaranteedRuntimeEndsAt", FieldKind::Moment, nothing},
      {"aiApplicationId", FieldKind::Text, nothing},
      {"aiApplicationName", FieldKind::Text, nothing},
  };
}

bool found_by_search(const Workload& one, const std::string& search) {
  if (search.empty()) return true;
  for (const std::string_view text :
       {std::string_view(one.name), std::string_view(one.project), std::string_view(one.department),
        std::string_view(one.submitted_by), model::to_text(one.phase), std::string_view(one.id)}) {
    if (contains_text(text, search)) return true;
  }
  return false;
}

// Projects that the caller may see; asked once per request, not once per row.
class Sight {
 public:
  Sight(const Plane& plane, const Caller& caller) : all_(caller.admin) {
    if (all_) return;
    for (const auto& [id, project] : plane.organisation.projects()) {
      if (plane.may_see(caller, id)) ids_.push_back(id);
    }
    std::sort(ids_.begin(), ids_.end());
  }
  bool sees(const Workload& one) const { return all_ || std::binary_search(ids_.begin(), ids_.end(), one.project_id); }

 private:
  bool all_ = false;
  std::vector<std::string> ids_;
};

struct Selected {
  Query query;
  std::vector<const Workload*> rows;  // in the asked order, perhaps cut right after the page
};

// In order of acceptance a page needs no look at what comes after it.
Result<Selected> select(const Plane& plane, const Caller& caller, const net::Request& request, bool count) {
  const std::vector<Field<Workload>> fields = workload_fields(plane);
  Selected out;
  out.query = TRY(read_query(request, names_of(fields)));
  Query& query = out.query;
  const std::string* deleted = request.query_value("deleted");
  if (deleted != nullptr && *deleted != "true" && *deleted != "false") {
    return invalid("deleted: expected true or false");
  }
  const bool by_acceptance = !query.sort_by || fields[*query.sort_by].name == "createdAt";
  const Sight sight(plane, caller);
  const std::vector<Workload*>& all =
      deleted != nullptr && *deleted == "true" ? plane.workloads.deleted() : plane.workloads.live();
  const std::size_t enough = by_acceptance && !count ? query.offset + query.limit + 1 : all.size();
  const auto look_at = [&](const Workload* one) {
    if (sight.sees(*one) && matches(query, fields, *one) && found_by_search(*one, query.search))
      out.rows.push_back(one);
    return out.rows.size() < enough;
  };
  if (by_acceptance && query.descending) {
    for (auto it = all.rbegin(); it != all.rend() && look_at(*it); ++it) {
    }
  } else {
    for (auto it = all.begin(); it != all.end() && look_at(*it); ++it) {
    }
  }
  if (!by_acceptance && !count) sort_rows(query, fields, out.rows);
  return out;
}

Result<net::Response> list_workloads(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  const Selected selected = TRY(select(plane, caller, request, false));
  const Page page = page_of(selected.query, selected.rows.size());
  const Time now = plane.now();
  std::string body = "{\"workloads\":[";
  for (std::size_t i = page.begin; i < page.end; ++i) {
    if (i > page.begin) body += ',';
    body += entity_text(*selected.rows[i], plane.cluster_id, now);
  }
  body += page.next ? "],\"next\":" + std::to_string(*page.next) + "}" : "]}";
  return text_response(200, std::move(body));
}

Result<net::Response> count_workloads(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  const Selected selected = TRY(select(plane, caller, request, true));
  return net::json_response(200, json::Object{{"count", selected.rows.size()}});
}

Result<const Workload*> find_workload(const Plane& plane, const Caller& caller, const std::string& id) {
  const Workload* one = plane.workloads.find(id);
  if (one == nullptr) return not_found("there is no workload with id \"" + id.substr(0, 80) + "\"");
  if (!plane.may_see(caller, one->project_id)) {
    return denied(caller.name + " is no member of project \"" + one->project + "\"");
  }
  return one;
}

Secrets secrets_for(const Plane& plane, const Caller& caller, const Workload& one) {
  return plane.may_steer(caller, one) ? Secrets::Shown : Secrets::Hidden;
}

Result<net::Response> read_workload(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  const Workload* one = TRY(find_workload(plane, caller, request.param("id")));
  return net::json_response(200, detailed(*one, plane.cluster_id, plane.now(), secrets_for(plane, caller, *one)));
}

Result<net::Response> describe_workload(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  const Workload* one = TRY(find_workload(plane, caller, request.param("id")));
  json::Value body = described(*one, plane.cluster_id, plane.now(), secrets_for(plane, caller, *one));
  json::Array events;
  for (const Body& event : plane.view.events_of(one->id)) events.push_back(*event);
  body.get_object()["events"] = std::move(events);
  return net::json_response(200, body);
}

json::Object page_body(const char* name, json::Array all, const Query& query) {
  const Page page = page_of(query, all.size());
  json::Array slice;
  for (std::size_t i = page.begin; i < page.end; ++i) slice.push_back(std::move(all[i]));
  json::Object body{{name, std::move(slice)}};
  if (page.next) body["next"] = *page.next;
  return body;
}

Result<net::Response> list_pods(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  const Query query = TRY(read_query(request, {}));
  const Workload* one = TRY(find_workload(plane, caller, request.param("id")));
  json::Array pods;
  for (json::Value& pod : pods_json(*one, plane.cluster_id)) {
    if (query.search.empty() || contains_text(json::text_or(pod, "/name"), query.search))
      pods.push_back(std::move(pod));
  }
  return net::json_response(200, page_body("pods", std::move(pods), query));
}

std::string uuid_for(const std::string& id) { return is_uuid(id) ? id : uuid_of_name("event " + id); }

// Run:ai's Event of an event fact.
json::Value event_json(const Plane& plane, const Workload& one, const json::Value& fact) {
  const std::string kind = json::text_or(fact, "/object/kind", "Training");
  const std::string name = json::text_or(fact, "/object/name", one.name);
  return json::Object{
      {"id", uuid_for(json::text_or(fact, "/id"))},
      {"createdAt", json::text_or(fact, "/at", to_rfc3339(one.created))},
      {"type", json::text_or(fact, "/type", "Normal")},
      {"clusterId", plane.cluster_id},
      {"reason", json::text_or(fact, "/reason")},
      {"message", json::text_or(fact, "/message")},
      {"source", "muster"},
      {"count", json::integer_at(fact, "/count").value_or(1)},
      {"involvedObject", json::Object{{"uid", kind == "Training" ? one.id : uuid_of_name(one.id + "/" + name)},
                                      {"kind", kind},
                                      {"name", name},
                                      {"namespace", one.ns}}}};
}

Result<net::Response> list_events(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  const Query query = TRY(read_query(request, {}, true));
  const Workload* one = TRY(find_workload(plane, caller, request.param("id")));
  std::vector<Body> events = plane.view.events_of(one->id);
  if (query.descending) std::reverse(events.begin(), events.end());
  json::Array list;
  for (const Body& event : events) list.push_back(event_json(plane, *one, *event));
  return net::json_response(200, page_body("events", std::move(list), query));
}

// Events and changes of phase in one list, newest first.
Result<net::Response> list_history(Plane& plane, const Caller& caller, const net::Request& request) {
  Lock lock(plane.tables);
  const Query query = TRY(read_query(request, {}, true));
  const Workload* one = TRY(find_workload(plane, caller, request.param("id")));
  std::vector<std::pair<std::string, json::Value>> records;
  for (const Body& event : plane.view.events_of(one->id)) {
    const std::string at = json::text_or(*event, "/at", to_rfc3339(one->created));
    records.emplace_back(at, json::Object{{"meta", json::Object{{"creationTimestamp", at}, {"type", "Event"}}},
                                          {"spec", json::Object{{"event", event_json(plane, *one, *event)}}}});
  }
  for (const PhaseChange& change : one->timeline) {
    const std::string at = to_rfc3339(change.at);
    records.emplace_back(
        at, json::Object{{"meta", json::Object{{"creationTimestamp", at}, {"type", "PhaseUpdate"}}},
                         {"spec", json::Object{{"phaseUpdate", json::Object{{"phase", model::to_text(change.phase)},
                                                                            {"phaseMessage", change.message}}}}}});
  }
  std::vector<std::size_t> order(records.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tie(records[a].first, a) < std::tie(records[b].first, b);
  });
  if (query.descending) std::reverse(order.begin(), order.end());
  json::Array list;
  for (const std::size_t i : order) list.push_back(std::move(records[i].second));
  return net::json_response(200, page_body("records", std::move(list), query));
}

Result<net::Response> why(Plane& plane, const Caller& caller, const net::Request& request) {
  const std::string id = request.param("id");
  json::Object body{{"workloadId", id}};
  json::Value verdict;
  {
    Lock lock(plane.tables);
    const Workload* one = TRY(find_workload(plane, caller, id));
    const std::string phase(model::to_text(one->phase));
    body["phase"] = phase;
    body["reason"] = nullptr;
    body["queue"] = nullptr;
    body["numbers"] = json::Object{};
    body["causes"] = json::Object{};
    body["message"] = "workload \"" + one->name + "\" does not wait: it is " + phase +
                      (one->phase_message.empty() ? "" : " (" + one->phase_message + ")");
    body["remedy"] = json::Array{};
    body["since"] = to_rfc3339(one->phase_at);
    verdict = waiting_json(*one);
  }
  // The part with the solver knows best, and knows remedies; what it last reported is the second best.
  Result<json::Value> asked = plane.sender->ask(json::Object{{"ask", "why"}, {"id", id}}, Deadline::in(seconds(5)));
  if (asked.has_value()) verdict = *std::move(asked);
  if (verdict.is_object()) {
    for (const auto& [name, value] : verdict.get_object()) body[name] = value;
  }
  return net::json_response(200, body);
}

}  // namespace

void add_workload_routes(Routes& routes) {
  Plane& plane = routes.plane();
  using Function = Result<net::Response> (*)(Plane&, const Caller&, const net::Request&);
  const auto add = [&](const std::string& path, Function function) {
    routes.add("GET", path, [&plane, function](const Caller& caller, const net::Request& request) {
      return function(plane, caller, request);
    });
  };
  const std::string workloads = "/api/v1/workloads";
  add(workloads, list_workloads);
  add(workloads + "/count", count_workloads);
  add(workloads + "/{id}", read_workload);
  add(workloads + "/{id}/pods", list_pods);
  add(workloads + "/{id}/events", list_events);
  add(workloads + "/{id}/history", list_history);
  add("/api/muster/v1/workloads/{id}", describe_workload);
  add("/api/muster/v1/workloads/{id}/why", why);
}

}  // namespace muster::control
