#include "cluster/link/link.h"

#include <map>
#include <optional>
#include <tuple>

#include "cluster/group/group_of.h"
#include "cluster/link/facts.h"
#include "cluster/queues/queue_objects.h"
#include "cluster/round/decode.h"
#include "cluster/workloads/pod_template.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "model/names.h"

namespace muster::cluster {
namespace {

// The objects that a submission would become, decoded as the scheduler would see them.
struct Imagined {
  model::Gang gang;
  std::vector<model::Pod> pods;
};

Result<Imagined> imagine(const json::Value& question, Time now) {
  const std::string project = json::text_or(question, "/project");
  const std::string name = json::text_or(question, "/name", "plan");
  const json::Value* spec = json::find(question, "/spec");
  if (project.empty() || spec == nullptr) return invalid("a plan needs project and spec");
  const std::string uid = "00000000-0000-0000-0000-000000000000";
  const std::string ns = model::namespace_of_project(project);
  const json::Value training = json::Object{
      {"apiVersion", kube::kinds::training.api_version()},
      {"kind", kube::kinds::training.kind},
      {"metadata", json::Object{{"name", name},
                                {"namespace", ns},
                                {"uid", uid},
                                {"creationTimestamp", to_rfc3339(now)},
                                {"labels", json::Object{{std::string(model::keys::project_label), project}}}}},
      {"spec", *spec}};
  const Training decoded = decode_training(training);
  Imagined out;
  for (std::int64_t index = 0; index < std::min(decoded.parallelism, decoded.completions); ++index) {
    json::Value object = TRY(make_pod(training, {pod_name("plan." + name, index, 0), index, 0}));
    json::set_at(object, "/metadata/uid", json::Value(uid + std::to_string(index)));
    json::set_at(object, "/metadata/creationTimestamp", json::Value(to_rfc3339(now)));
    PodRow row = decode_pod(object, {std::string(model::keys::scheduler_name)});
    if (!row.problem.empty()) return invalid(row.problem);
    if (index == 0) {
      const std::optional<PodGroupWish> wish = group_of(object, project);
      if (!wish) return invalid("the pods of this workload are not scheduled by Muster");
      out.gang = decode_gang(wish->object).gang;
      out.gang.uid = uid;
      out.gang.created = now;
    }
    out.pods.push_back(std::move(row.pod));
  }
  return out;
}

// A pod of a decision by its workload, its project and its GPUs.
struct Affected {
  std::string workload, project;
  double gpus = 0;
};

Affected affected_by(const model::Decision& decision, const Glance& glance) {
  Affected out{.workload = decision.pod, .project = {}};
  const PodRow* pod = glance.mirror.pod(decision.ns, decision.pod);
  if (pod == nullptr) return out;
  const auto label = [&](std::string_view name) {
    const auto found = pod->pod.labels.find(std::string(name));
    return found == pod->pod.labels.end() ? std::string() : found->second;
  };
  if (const std::string workload = label(model::keys::workload_label); !workload.empty()) out.workload = workload;
  out.project = label(model::keys::project_label);
  if (decision.kind == model::Decision::Kind::Evict) {
    for (const Granted& one : pod->granted) out.gpus += one.milli / 1000.0;
  } else {
    for (const model::DeviceShare& one : decision.devices) out.gpus += one.milli / 1000.0;
  }
  return out;
}

// The queues of a Department or Project object as the scheduler would see them.
Result<std::vector<model::Queue>> queues_of(const json::Value& object) {
  const bool is_project = json::text_or(object, "/kind") == kube::kinds::project.kind;
  if (!is_project && json::text_or(object, "/kind") != kube::kinds::department.kind)
    return invalid("what-if takes Departments and Projects");
  const std::vector<std::string> pools{"default"};
  std::vector<model::Queue> out;
  for (const json::Value& queue : is_project ? queues_of_project(object, pools) : queues_of_department(object, pools))
    out.push_back(decode_queue(queue));
  return out;
}

json::Value what_if_json(const sched::WhatIf& told, const Glance& glance) {
  json::Array queues, starts, displaced, moved;
  for (const auto& [name, after] : told.after) {
    const auto before = told.before.find(name);
    const auto gpu = [](const sched::QueueUse& use) {
      return json::Object{{"fairShare", static_cast<double>(use.fair_share.gpu) / 1000},
                          {"allocated", static_cast<double>(use.allocated.gpu) / 1000}};
    };
    const bool same = before != told.before.end() && before->second.fair_share.gpu == after.fair_share.gpu &&
                      before->second.allocated.gpu == after.allocated.gpu;
    if (same) continue;
    queues.push_back(json::Object{{"name", name},
                                  {"before", before == told.before.end() ? json::Value() : gpu(before->second)},
                                  {"after", gpu(after)}});
  }
  // Pods of one workload are told together. One that leaves and is placed elsewhere at once is moved.
  std::map<std::pair<std::string, std::string>, const model::Decision*> leaving;
  for (const model::Decision& decision : told.decisions) {
    if (decision.kind == model::Decision::Kind::Evict) leaving[{decision.ns, decision.pod}] = &decision;
  }
  enum class Fate { Starts, GivesWay, Moves };
  std::map<std::tuple<std::string, std::string, Fate>, double> sums;
  const auto add = [&](const model::Decision& decision, Fate fate) {
    const Affected who = affected_by(decision, glance);
    sums[{who.project, who.workload, fate}] += who.gpus;
  };
  for (const model::Decision& decision : told.decisions) {
    if (decision.kind == model::Decision::Kind::Evict) continue;
    add(decision, leaving.erase({decision.ns, decision.pod}) != 0 ? Fate::Moves : Fate::Starts);
  }
  for (const auto& [pod, decision] : leaving) add(*decision, Fate::GivesWay);
  for (const auto& [who, gpus] : sums) {
    const auto& [project, workload, fate] = who;
    (fate == Fate::Starts  ? starts
     : fate == Fate::Moves ? moved
                           : displaced)
        .push_back(json::Object{{"workload", workload}, {"project", project}, {"gpus", gpus}});
  }
  return json::Object{{"queues", std::move(queues)},
                      {"starts", std::move(starts)},
                      {"displaced", std::move(displaced)},
                      {"moved", std::move(moved)}};
}

json::Value plan_json(const sched::Plan& plan, const Glance& glance) {
  json::Object out{{"startsNow", plan.starts_now}, {"node", nullptr}};
  json::Array devices, displaced;
  for (const model::Decision& decision : plan.decisions) {
    if (decision.kind == model::Decision::Kind::Evict) {
      const Affected who = affected_by(decision, glance);
      displaced.push_back(json::Object{{"workload", who.workload}, {"project", who.project}, {"gpus", who.gpus}});
      continue;
    }
    if (out["node"].is_null()) out["node"] = decision.node;
    const NodeRow* node = glance.mirror.node(decision.node);
    if (node == nullptr) continue;
    for (const Granted& one : grant(decision.devices, node->node.devices)) {
      devices.push_back(json::Object{{"node", decision.node},
                                     {"index", one.index},
                                     {"uuid", one.uuid},
                                     {"milli", one.milli},
                                     {"memoryMib", one.memory_mib}});
    }
  }
  out["devices"] = std::move(devices);
  out["displaced"] = std::move(displaced);
  out["verdict"] = plan.verdict ? verdict_json(*plan.verdict) : json::Value(nullptr);
  return out;
}

}  // namespace

Link::Link(const Options& options, Feeds& feeds)
    : options_(options),
      upward_(*options.clock, *options.control, feeds),
      downward_(*options.api, options.control,
                [this](const model::Desired& change, const Error& why) { upward_.refused(change, why); }) {}

void Link::start() {
  upward_.start();
  downward_.start();
}

void Link::stop() {
  downward_.stop();
  upward_.stop();
}

Result<json::Value> Link::ask(const json::Value& question, Deadline deadline) {
  if (round_ == nullptr) return unavailable("no scheduler runs here that could answer");
  const std::string what = json::text_or(question, "/ask");
  if (what == "why") return why(json::text_or(question, "/id"), deadline);
  if (what == "plan") return plan(question, deadline);
  if (what == "what-if") return what_if(question, deadline);
  return invalid("the question \"" + what + "\" is not known; ask why, plan or what-if");
}

Result<json::Value> Link::why(const std::string& id, Deadline deadline) {
  const std::string gang = upward_.gang_of(id);
  if (gang.empty()) return not_found("the cluster knows no workload with id " + id);
  std::optional<model::Verdict> verdict;
  TRY(round_->ask([&](const Glance& glance) { verdict = glance.engine.why(gang, glance.now); }, deadline));
  return verdict ? verdict_json(*verdict) : json::Value(nullptr);
}

Result<json::Value> Link::plan(const json::Value& question, Deadline deadline) {
  const Imagined imagined = TRY(imagine(question, options_.clock->now()));
  Result<json::Value> answer = json::Value();
  TRY(round_->ask(
      [&](const Glance& glance) {
        Result<sched::Plan> plan = glance.engine.plan(imagined.gang, imagined.pods, glance.now);
        if (plan) {
          answer = plan_json(*plan, glance);
        } else {
          answer = plan.error();
        }
      },
      deadline));
  return answer;
}

Result<json::Value> Link::what_if(const json::Value& question, Deadline deadline) {
  const json::Value* objects = json::find(question, "/objects");
  if (objects == nullptr || !objects->is_array()) return invalid("what-if needs objects");
  std::vector<model::Queue> queues;
  for (const json::Value& object : objects->get_array()) {
    for (model::Queue& queue : TRY(queues_of(object))) queues.push_back(std::move(queue));
  }
  Result<json::Value> answer = json::Value();
  TRY(round_->ask(
      [&](const Glance& glance) {
        // What an object does not say stays as it is.
        for (model::Queue& queue : queues) {
          if (const model::Queue* known = glance.mirror.queue(queue.name)) {
            queue.created = known->created;
            queue.usage_gpu_milli = known->usage_gpu_milli;
          }
        }
        const Result<sched::WhatIf> told = glance.engine.what_if(queues, glance.now);
        if (told) {
          answer = what_if_json(*told, glance);
        } else {
          answer = told.error();
        }
      },
      deadline));
  return answer;
}

}  // namespace muster::cluster
