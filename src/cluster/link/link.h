#pragma once
// Link: the cluster's end of the line to the control plane: desired objects down, facts up, questions answered by the
// part that has the solver.

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cluster/feed.h"
#include "cluster/link/downward.h"
#include "cluster/link/upward.h"
#include "cluster/round/round.h"
#include "kube/api.h"
#include "model/line.h"

namespace muster::cluster {

class Link final : public model::LineToCluster {
 public:
  struct Options {
    kube::Api* api = nullptr;
    Clock* clock = nullptr;
    model::LineToControl* control = nullptr;
  };
  Link(const Options& options, Feeds& feeds);
  ~Link() override { stop(); }

  // Who answers why, plan and what-if; nullptr: nobody here. Call before start().
  void set_round(Round* round) { round_ = round; }
  void on_round(const RoundNews& news) { upward_.on_round(news); }
  void start();
  void stop();
  bool is_ready() const { return upward_.is_ready(); }

  Result<void> send(std::vector<model::Desired> changes) override { return downward_.send(std::move(changes)); }
  Result<json::Value> ask(const json::Value& question, Deadline deadline) override;

 private:
  Result<json::Value> why(const std::string& id, Deadline deadline);
  Result<json::Value> plan(const json::Value& question, Deadline deadline);
  Result<json::Value> what_if(const json::Value& question, Deadline deadline);

  Options options_;
  Round* round_ = nullptr;
  Upward upward_;
  Downward downward_;
};

}  // namespace muster::cluster
