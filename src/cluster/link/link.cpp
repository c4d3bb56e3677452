#include "cluster/link/link.h"

#include <optional>

#include "cluster/group/group_of.h"
#include "cluster/link/facts.h"
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

json::Value plan_json(const sched::Plan& plan, const Glance& glance) {
  json::Object out{{"startsNow", plan.starts_now}, {"node", nullptr}};
  json::Array devices, displaced;
  for (const model::Decision& decision : plan.decisions) {
    if (decision.kind == model::Decision::Kind::Evict) {
      const PodRow* pod = glance.mirror.pod(decision.ns, decision.pod);
      if (pod == nullptr) continue;
      const auto label = [&](std::string_view name) {
        const auto found = pod->pod.labels.find(std::string(name));
        return found == pod->pod.labels.end() ? std::string() : found->second;
      };
      std::string workload = label(model::keys::workload_label);
      double gpus = 0;
      for (const Granted& one : pod->granted) gpus += one.milli / 1000.0;
      displaced.push_back(json::Object{{"workload", workload.empty() ? decision.pod : workload},
                                       {"project", label(model::keys::project_label)},
                                       {"gpus", gpus}});
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
  return invalid("the question \"" + what + "\" is not known; ask why or plan");
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

}  // namespace muster::cluster
