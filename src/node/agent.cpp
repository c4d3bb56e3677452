// NodeAgent, wired: offers, their registration, the pods and their logs, the report of real devices.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "kube/reflector.h"
#include "node/node.h"
#include "node/offer.h"
#include "node/pods.h"
#include "node/registration.h"
#include "node/report/device_report.h"
#include "node/run/log_stream.h"

namespace muster::node {

namespace {

// Logs of pods from the folders of their runs.
class RunStreams final : public kube::PodStreams {
 public:
  RunStreams(kube::Api& api, const Pods& pods, std::string runs) : api_(api), pods_(pods), runs_(std::move(runs)) {}

  Result<std::unique_ptr<kube::ByteStream>> logs(const kube::Key& key, const kube::LogOptions& options) override {
    std::string uid = TRY(uid_of(key, options));
    const std::string kept = pods_.kept_uid(key);
    // The run before may have been that of a pod of the same name, which is gone.
    kube::LogOptions wished = options;
    if (wished.previous && !kept.empty() && (kept == uid || newest_attempt(uid) < 1)) {
      uid = kept;
      wished.previous = wished.follow = false;
    }
    return log_of(uid, key, wished);
  }

 private:
  Result<std::unique_ptr<kube::ByteStream>> log_of(const std::string& uid, const kube::Key& key,
                                                   const kube::LogOptions& options) {
    std::vector<int> attempts;
    // The two newest attempts are kept; restarts are counted by the folder names.
    for (int attempt = newest_attempt(uid); attempt >= 0; --attempt) {
      if (::access(folder(uid, attempt).path().c_str(), F_OK) == 0) attempts.push_back(attempt);
    }
    if (options.previous && attempts.size() < 2) {
      return not_found("log of pod " + kube::to_text(key) + ": there is no previous attempt");
    }
    if (attempts.empty() && !options.follow) {
      return invalid("log of pod " + kube::to_text(key) + ": it has not started; follow waits for it");
    }
    const int attempt = attempts.empty() ? 0 : attempts[options.previous ? 1 : 0];
    LogStream::Options wanted{.follow = options.follow && !options.previous, .tail_lines = options.tail_lines};
    wanted.will_never_run = [&api = api_, key, uid] {
      const auto pod = api.get(kube::kinds::pod, key);
      if (!pod.has_value()) return pod.error().kind == ErrorKind::NotFound;
      const std::string phase = json::text_or(*pod, "/status/phase");
      return kube::uid_of(*pod) != uid || phase == "Failed" || phase == "Succeeded";
    };
    return std::unique_ptr<kube::ByteStream>(std::make_unique<LogStream>(folder(uid, attempt), std::move(wanted)));
  }

  Result<std::string> uid_of(const kube::Key& key, const kube::LogOptions& options) {
    const auto pod = api_.get(kube::kinds::pod, key);
    if (!pod.has_value()) {
      const std::string kept = pods_.kept_uid(key);
      if (kept.empty() || pod.error().kind != ErrorKind::NotFound) return pod.error();
      return kept;
    }
    const std::string name = json::text_or(*pod, "/spec/containers/0/name", "main");
    // "main" stands for the one container, whatever its name.
    if (!options.container.empty() && options.container != "main" && options.container != name) {
      return not_found("log of pod " + kube::to_text(key) + ": it has no container \"" + options.container + "\"");
    }
    const std::string uid = kube::uid_of(*pod);
    if (!is_safe_uid(uid)) return invalid("log of pod " + kube::to_text(key) + ": its uid is not one of ours");
    return uid;
  }

  RunFolder folder(const std::string& uid, int attempt) const {
    return RunFolder(runs_ + "/" + uid + "/" + std::to_string(attempt));
  }
  int newest_attempt(const std::string& uid) const { return newest_attempt_in(runs_ + "/" + uid); }

  kube::Api& api_;
  const Pods& pods_;
  std::string runs_;
};

class Agent final : public NodeAgent {
 public:
  Result<void> begin(Options options);
  ~Agent() override {
    // In this order: no new changes, no new reports, then the table.
    reflector_.reset();
    reports_.clear();
  }

  kube::PodStreams& streams() override { return *streams_; }
  std::string simulated() const override { return offers_.simulated; }
  Result<void> end_all(Deadline deadline) override { return pods_->end_all(deadline); }

 private:
  Offers offers_;
  std::unique_ptr<Pods> pods_;
  std::unique_ptr<RunStreams> streams_;
  std::vector<std::unique_ptr<DeviceReport>> reports_;
  std::unique_ptr<kube::Reflector> reflector_;
};

Result<void> Agent::begin(Options options) {
  kube::Api& api = *options.api;
  Clock& clock = options.clock != nullptr ? *options.clock : system_clock();
  offers_ = TRY(offers_of(options.gpus, options.host_name));
  Pods::Setting setting{.api = &api,
                        .clock = &clock,
                        .runs = options.folder + "/runs",
                        .program = options.program,
                        .root_mode = options.root_mode,
                        .walls = find_walls()};
  log::info("walls", {{"kind", setting.walls.kind}, {"why_not", setting.walls.why_not}});
  for (const Offer& offer : offers_.nodes) {
    TRY(register_node(api, offer, clock.now()));
    setting.nodes[offer.name] = offer.devices;
  }
  const std::vector<std::string> left_over = TRY(nodes_left_over(api, offers_.nodes));
  for (const std::string& name : left_over) setting.nodes[name] = {};
  setting.on_synced = [&api, left_over](const std::set<std::string>& busy) { retire_nodes(api, left_over, busy); };
  const std::string runs = setting.runs;
  pods_ = TRY(Pods::start(std::move(setting)));
  streams_ = std::make_unique<RunStreams>(api, *pods_, runs);
  for (Offer& offer : offers_.nodes) {
    if (offer.source == nullptr || offer.simulated) continue;
    reports_.push_back(std::make_unique<DeviceReport>(api, clock, offer));
  }
  // Pods that wait for a node are none of ours, and may be thousands.
  reflector_ =
      std::make_unique<kube::Reflector>(api, kube::kinds::pod, kube::WatchOptions{.field_selector = "spec.nodeName!="},
                                        [this](kube::Change change) { pods_->push(std::move(change)); });
  return {};
}

}  // namespace

Result<std::unique_ptr<NodeAgent>> NodeAgent::start(Options options) {
  auto agent = std::make_unique<Agent>();
  TRY(agent->begin(std::move(options)));
  return std::unique_ptr<NodeAgent>(std::move(agent));
}

}  // namespace muster::node
