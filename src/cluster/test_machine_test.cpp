#include <doctest/doctest.h>

#include <charconv>
#include <stop_token>

#include "cluster/test_machine.h"
#include "model/names.h"

namespace muster::cluster {

void FactBook::report(std::vector<model::Fact> facts) {
  Lock lock(mutex_);
  ++reports_;
  for (model::Fact& fact : facts) {
    if (fact.gone) {
      facts_.erase(fact.kind + "/" + fact.key);
    } else {
      facts_[fact.kind + "/" + fact.key] = std::move(fact.body);
    }
  }
}
void FactBook::applied(std::uint64_t sequence) {
  Lock lock(mutex_);
  applied_ = sequence;
}
json::Value FactBook::fact(const std::string& kind, const std::string& key) const {
  Lock lock(mutex_);
  const auto found = facts_.find(kind + "/" + key);
  return found == facts_.end() ? json::Value() : found->second;
}
std::vector<json::Value> FactBook::facts(const std::string& kind) const {
  Lock lock(mutex_);
  std::vector<json::Value> out;
  for (const auto& [key, body] : facts_) {
    if (key.starts_with(kind + "/")) out.push_back(body);
  }
  return out;
}
std::uint64_t FactBook::applied_up_to() const {
  Lock lock(mutex_);
  return applied_;
}
std::size_t FactBook::reports() const {
  Lock lock(mutex_);
  return reports_;
}

TestAgent::TestAgent(kube::Api& api)
    : api_(api), keys_("agent", 1, [this](const std::string& key) { return visit(key); }) {
  keys_.start();
  reflector_ =
      std::make_unique<kube::Reflector>(api, kube::kinds::pod, kube::WatchOptions{}, [this](kube::Change change) {
        if (change.type == kube::Change::Type::Synced) return;
        const std::string key = kube::to_text(kube::key_of(change.object));
        {
          Lock lock(mutex_);
          if (change.type == kube::Change::Type::Remove) {
            pods_.erase(key);
            return;
          }
          pods_[key] = change.object;
        }
        keys_.add(key);
      });
}

TestAgent::~TestAgent() {
  reflector_.reset();
  keys_.stop();
}

std::vector<std::string> TestAgent::started() const {
  Lock lock(mutex_);
  return started_;
}

namespace {

std::int64_t number(const json::Value& pod, std::string_view annotation, std::int64_t otherwise) {
  const std::string text = kube::annotation_of(pod, annotation);
  std::int64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

json::Value ended(const json::Value& pod, std::int64_t code) {
  const std::string now = to_rfc3339(system_clock().now());
  const std::string started = json::text_or(pod, "/status/containerStatuses/0/state/running/startedAt", now);
  return json::Object{
      {"status", json::Object{{"phase", code == 0 ? "Succeeded" : "Failed"},
                              {"containerStatuses",
                               json::Array{json::Object{
                                   {"name", "main"},
                                   {"state", json::Object{{"terminated", json::Object{{"exitCode", code},
                                                                                      {"startedAt", started},
                                                                                      {"finishedAt", now}}}}}}}}}}};
}

}  // namespace

std::optional<Duration> TestAgent::visit(const std::string& key) {
  json::Value pod;
  std::int64_t began = 0, going = 0;
  const std::int64_t now = system_clock().monotonic_ms();
  {
    Lock lock(mutex_);
    const auto found = pods_.find(key);
    if (found == pods_.end()) return std::nullopt;
    pod = found->second;
    if (const auto it = began_.find(kube::uid_of(pod)); it != began_.end()) began = it->second;
    if (kube::is_being_deleted(pod)) going = going_.emplace(kube::uid_of(pod), now).first->second;
  }
  const kube::Key at = kube::key_of(pod);
  const std::string phase = json::text_or(pod, "/status/phase");
  if (json::text_or(pod, "/spec/nodeName").empty()) return std::nullopt;
  if (kube::is_being_deleted(pod)) {
    const std::int64_t left = going + number(pod, "test/stop-ms", 0) - now;
    if (left > 0) return milliseconds(left);
    if (phase == "Running") ignore(api_.patch_status(kube::kinds::pod, at, ended(pod, 143)), "it may be gone");
    const Result<void> removed = api_.remove(kube::kinds::pod, at, kube::DeleteOptions{.grace_seconds = 0});
    if (!removed && removed.error().kind != ErrorKind::NotFound) return milliseconds(20);
    return std::nullopt;
  }
  if (phase == "Succeeded" || phase == "Failed") return std::nullopt;
  const std::int64_t ms = number(pod, "test/ms", 0);
  if (phase != "Running") {
    const json::Value running = json::Object{
        {"status",
         json::Object{{"phase", "Running"},
                      {"containerStatuses",
                       json::Array{json::Object{
                           {"name", "main"},
                           {"state", json::Object{{"running", json::Object{{"startedAt",
                                                                            to_rfc3339(system_clock().now())}}}}}}}}}}};
    if (!api_.patch_status(kube::kinds::pod, at, running)) return milliseconds(20);
    Lock lock(mutex_);
    if (began_.emplace(kube::uid_of(pod), now).second) started_.push_back(key);
    return ms > 0 ? std::optional(milliseconds(ms)) : std::nullopt;
  }
  if (ms == 0) return std::nullopt;
  if (began + ms > now) return milliseconds(began + ms - now);
  if (!api_.patch_status(kube::kinds::pod, at, ended(pod, number(pod, "test/exit", 0)))) return milliseconds(20);
  return std::nullopt;
}

TestMachine::TestMachine(int gpus, int nodes) : total_gpus(gpus * nodes) {
  Result<std::unique_ptr<kube::LocalApi>> opened = kube::LocalApi::open({.path = ":memory:"});
  REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().text));
  api = *std::move(opened);
  for (int n = 1; n <= nodes; ++n) {
    const std::string name = "sim-" + std::to_string(n);
    json::Array devices;
    for (int i = 0; i < gpus; ++i) {
      devices.push_back(json::Object{{"uuid", "SIM-" + name + "-" + std::to_string(i)},
                                     {"index", i},
                                     {"model", "A100-80G"},
                                     {"memoryMib", 81920},
                                     {"healthy", true},
                                     {"simulated", true}});
    }
    const Result<json::Value> made = api->create(
        kube::kinds::node,
        json::Object{
            {"apiVersion", "v1"},
            {"kind", "Node"},
            {"metadata",
             json::Object{{"name", name},
                          {"labels", json::Object{{"muster.dev/simulated", "true"}, {"muster.dev/runtime", "process"}}},
                          {"annotations", json::Object{{"muster.dev/node-devices", json::write(devices)}}}}}});
    REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().text));
    const json::Object amounts{
        {"cpu", "64"}, {"memory", "512Gi"}, {"pods", "200"}, {"nvidia.com/gpu", std::to_string(gpus)}};
    const Result<json::Value> status =
        api->patch_status(kube::kinds::node, {"", name},
                          json::Object{{"status", json::Object{{"capacity", amounts}, {"allocatable", amounts}}}});
    REQUIRE_MESSAGE(status.has_value(), (status ? "" : status.error().text));
  }
  agent = std::make_unique<TestAgent>(*api);
}

void TestMachine::start(Options options) {
  options.api = api.get();
  options.control = &control;
  Result<std::unique_ptr<Cluster>> started = Cluster::start(std::move(options));
  REQUIRE(started.has_value());
  cluster = *std::move(started);
}

void TestMachine::restart() {
  cluster.reset();
  start();
  std::vector<model::Desired> again;
  for (const model::Desired& change : sent) {
    if (change.sequence > control.applied_up_to()) again.push_back(change);
  }
  REQUIRE(cluster->line().send(std::move(again)).has_value());
}

void TestMachine::send(model::Desired change) {
  change.sequence = ++sequence;
  sent.push_back(change);
  REQUIRE(cluster->line().send({std::move(change)}).has_value());
}

void TestMachine::project(const std::string& name, json::Value gpu_quota, json::Value gpu_limit) {
  const auto object = [&](const char* kind, json::Object spec) {
    return json::Object{{"apiVersion", "muster.dev/v1alpha1"},
                        {"kind", kind},
                        {"metadata", json::Object{{"name", std::string(kind) == "Project" ? name : "default"}}},
                        {"spec", std::move(spec)}};
  };
  const auto resources = [](json::Value quota, json::Value limit) {
    return json::Array{
        json::Object{{"nodePool", json::Object{{"name", "default"}}},
                     {"gpu", json::Object{{"deserved", quota}, {"limit", limit}, {"overQuotaWeight", 2}}}}};
  };
  if (sequence == 0) {
    send({.kind = "Department",
          .name = "default",
          .object = object("Department", {{"resources", resources(total_gpus, nullptr)}})});
  }
  send({.kind = "Project",
        .name = name,
        .object = object("Project", {{"department", "default"},
                                     {"namespace", model::namespace_of_project(name)},
                                     {"resources", resources(gpu_quota, gpu_limit)}})});
}

void TestMachine::training(const std::string& project, const std::string& name, json::Object spec) {
  if (!spec.contains("image")) spec["image"] = "host";
  if (!spec.contains("command")) spec["command"] = "sleep 1";
  send(
      {.kind = "Training",
       .ns = model::namespace_of_project(project),
       .name = name,
       .object = json::Object{
           {"apiVersion", "muster.dev/v1alpha1"},
           {"kind", "Training"},
           {"metadata", json::Object{{"name", name},
                                     {"namespace", model::namespace_of_project(project)},
                                     {"labels", json::Object{{"muster.dev/workload-id", name}, {"project", project}}}}},
           {"spec", std::move(spec)}}});
}

void TestMachine::remove_training(const std::string& project, const std::string& name) {
  send({.kind = "Training", .ns = model::namespace_of_project(project), .name = name, .remove = true});
}

std::vector<json::Value> TestMachine::pods(const std::string& ns) const {
  Result<kube::List> list = api->list(kube::kinds::pod, kube::ListOptions{.ns = ns});
  return list ? std::move(list->items) : std::vector<json::Value>{};
}

std::vector<json::Value> TestMachine::events(const std::string& reason) const {
  Result<kube::List> list = api->list(kube::kinds::event, kube::ListOptions{});
  std::vector<json::Value> out;
  if (!list) return out;
  for (json::Value& event : list->items) {
    if (json::text_or(event, "/reason") == reason) out.push_back(std::move(event));
  }
  return out;
}

json::Object one_gpu(int ms, double portion, int exit) {
  json::Array annotations{json::Object{{"name", "test/ms"}, {"value", std::to_string(ms)}},
                          json::Object{{"name", "test/exit"}, {"value", std::to_string(exit)}}};
  return {{"compute", json::Object{{"gpuDevicesRequest", 1}, {"gpuPortionRequest", portion}}},
          {"annotations", std::move(annotations)}};
}

bool eventually(const std::function<bool()>& holds, Duration within) {
  const Deadline until = Deadline::in(within);
  while (!holds()) {
    if (until.passed()) return holds();
    sleep_until(std::stop_token(), Deadline::in(milliseconds(5)));
  }
  return true;
}

TEST_CASE("a submitted training is bound to a device, runs and completes") {
  TestMachine machine(4);
  machine.start();
  machine.project("vision", 2);
  machine.training("vision", "train-1", one_gpu(50));
  REQUIRE(eventually([&] { return machine.phase("train-1") == "Completed"; }));
  const json::Value fact = machine.workload("train-1");
  CHECK(json::integer_at(fact, "/exitCode") == 0);
  CHECK(json::text_or(fact, "/pods/0/gpus") == "sim-1/0:1.00");
  CHECK(machine.control.applied_up_to() == machine.sequence);
}

}  // namespace muster::cluster
