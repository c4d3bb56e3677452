#pragma once
// TestMachine: a cluster in memory for the tests of this room: kube/local, nodes with devices, a small node agent that
// "runs" bound pods for as long as their annotation test/ms says, and a control plane that remembers facts.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/threads.h"
#include "cluster/cluster.h"
#include "cluster/worklist.h"
#include "kube/kinds.h"
#include "kube/local/store.h"
#include "kube/objects.h"
#include "kube/reflector.h"
#include "model/line.h"

namespace muster::cluster {

// Keeps the newest fact of each key.
class FactBook final : public model::LineToControl {
 public:
  void report(std::vector<model::Fact> facts) override;
  void applied(std::uint64_t sequence) override;
  json::Value fact(const std::string& kind, const std::string& key) const;
  std::vector<json::Value> facts(const std::string& kind) const;
  std::uint64_t applied_up_to() const;
  std::size_t reports() const;

 private:
  mutable Mutex mutex_;
  std::map<std::string, json::Value> facts_ GUARDED_BY(mutex_);
  std::uint64_t applied_ GUARDED_BY(mutex_) = 0;
  std::size_t reports_ GUARDED_BY(mutex_) = 0;
};

// Pods bound to any node become Running; after annotation test/ms they end with test/exit (default 0; without test/ms
// they run for ever). A pod that is being deleted ends after test/stop-ms (default 0).
class TestAgent {
 public:
  explicit TestAgent(kube::Api& api);
  ~TestAgent();
  // Names of all pods that were ever started, in order.
  std::vector<std::string> started() const;

 private:
  std::optional<Duration> visit(const std::string& key);

  kube::Api& api_;
  mutable Mutex mutex_;
  std::map<std::string, json::Value> pods_ GUARDED_BY(mutex_);
  std::map<std::string, std::int64_t> began_ GUARDED_BY(mutex_), going_ GUARDED_BY(mutex_);  // uid -> monotonic ms
  std::vector<std::string> started_ GUARDED_BY(mutex_);
  Worklist keys_;
  std::unique_ptr<kube::Reflector> reflector_;
};

struct TestMachine {
  std::unique_ptr<kube::LocalApi> api;
  FactBook control;
  std::unique_ptr<TestAgent> agent;
  std::unique_ptr<Cluster> cluster;
  std::uint64_t sequence = 0;
  std::vector<model::Desired> sent;
  int total_gpus = 0;

  explicit TestMachine(int gpus, int nodes = 1);
  void start(Options options = {});
  // A new cluster on the same objects; what was not applied is sent again, as the control plane does.
  void restart();
  void send(model::Desired change);
  void project(const std::string& name, json::Value gpu_quota, json::Value gpu_limit = nullptr);
  // Sends a Training; `spec` is completed with an image and a command. Its workload id is its name.
  void training(const std::string& project, const std::string& name, json::Object spec);
  void remove_training(const std::string& project, const std::string& name);
  json::Value workload(const std::string& id) const { return control.fact("workload", id); }
  std::string phase(const std::string& id) const { return json::text_or(workload(id), "/phase"); }
  std::vector<json::Value> pods(const std::string& ns = "") const;
  std::vector<json::Value> events(const std::string& reason) const;
};

// One GPU, running for `ms` (0 = for ever).
json::Object one_gpu(int ms = 0, double portion = 1, int exit = 0);
// Asks until it holds or 10 s have passed.
bool eventually(const std::function<bool()>& holds, Duration within = seconds(10));

}  // namespace muster::cluster
