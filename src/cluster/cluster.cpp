#include "cluster/cluster.h"

#include "base/text.h"
#include "cluster/feed.h"
#include "cluster/gate/gate.h"
#include "cluster/group/grouper.h"
#include "cluster/journal.h"
#include "cluster/link/link.h"
#include "cluster/queues/queue_keeper.h"
#include "cluster/round/round.h"
#include "cluster/workloads/training_keeper.h"

namespace muster::cluster {
namespace {

const std::vector<std::string> part_names = {"queues", "workloads", "group", "round", "bind", "link", "gate"};

// The line of a cluster without a link.
class NoLine final : public model::LineToCluster {
 public:
  Result<void> send(std::vector<model::Desired>) override { return away(); }
  Result<json::Value> ask(const json::Value&, Deadline) override { return away(); }

 private:
  static Error away() { return unavailable("this cluster part runs without a line to a control plane"); }
};

class RunningCluster final : public Cluster {
 public:
  explicit RunningCluster(Options options) : options_(std::move(options)) {}
  ~RunningCluster() override { stop(); }

  void start();
  void stop();
  model::LineToCluster& line() override {
    if (link_) return *link_;
    return no_line_;
  }
  void add_gate_routes(net::Router& router, MayRead may_read) override {
    if (gate_) gate_->add_routes(router, std::move(may_read));
  }
  bool is_ready() const override {
    return feeds_.is_synced() && (!queues_ || queues_->is_ready()) && (!workloads_ || workloads_->is_ready()) &&
           (!group_ || group_->is_ready()) && (!round_ || round_->is_ready()) && (!link_ || link_->is_ready());
  }
  std::string metrics() const override { return round_ ? round_->metrics() : ""; }

 private:
  bool has(Part part) const { return options_.parts.contains(part); }

  Options options_;
  NoLine no_line_;
  Feeds feeds_{*options_.api};
  Journal journal_{*options_.api, *options_.clock};
  std::unique_ptr<QueueKeeper> queues_;
  std::unique_ptr<TrainingKeeper> workloads_;
  std::unique_ptr<Grouper> group_;
  std::unique_ptr<Link> link_;
  std::unique_ptr<Round> round_;
  std::unique_ptr<Gate> gate_;
};

void RunningCluster::start() {
  kube::Api& api = *options_.api;
  const std::set<std::string> schedulers(options_.scheduler_names.begin(), options_.scheduler_names.end());
  if (has(Part::Queues)) queues_ = std::make_unique<QueueKeeper>(api, feeds_);
  if (has(Part::Workloads)) workloads_ = std::make_unique<TrainingKeeper>(api, *options_.clock, journal_, feeds_);
  if (has(Part::Group)) group_ = std::make_unique<Grouper>(api, journal_, schedulers, feeds_);
  if (has(Part::Link) && options_.control != nullptr) {
    link_ = std::make_unique<Link>(Link::Options{&api, options_.clock, options_.control}, feeds_);
  }
  if (has(Part::Round)) {
    Round::Options round{.api = &api,
                         .clock = options_.clock,
                         .journal = &journal_,
                         .schedulers = schedulers,
                         .state_folder = options_.state_folder};
    if (link_) round.listener = [link = link_.get()](const RoundNews& news) { link->on_round(news); };
    round_ = std::make_unique<Round>(std::move(round), feeds_);
  }
  if (link_) link_->set_round(round_.get());
  if (has(Part::Gate)) gate_ = std::make_unique<Gate>(api, options_.streams, feeds_);
  if (round_) round_->start();
  if (link_) link_->start();
  feeds_.start();
}

void RunningCluster::stop() {
  if (gate_) gate_->stop();
  // The feeds' threads may wait for room in a queue of the round: it lets go first.
  if (round_) round_->stop();
  feeds_.stop();
  if (link_) link_->stop();
  if (group_) group_->stop();
  if (workloads_) workloads_->stop();
  if (queues_) queues_->stop();
}

}  // namespace

Result<std::set<Part>> parse_parts(const std::string& list) {
  std::set<Part> parts;
  if (trim(list).empty()) {
    for (std::size_t i = 0; i < part_names.size(); ++i) parts.insert(static_cast<Part>(i));
    return parts;
  }
  for (const std::string_view item : split(list, ',')) {
    const std::string_view name = trim(item);
    const auto found = std::find(part_names.begin(), part_names.end(), name);
    if (found == part_names.end()) {
      return invalid("there is no part \"" + std::string(name) + "\"" + did_you_mean(name, part_names) +
                     "; parts are " + join(part_names, ", "));
    }
    parts.insert(static_cast<Part>(found - part_names.begin()));
  }
  if (parts.contains(Part::Round) != parts.contains(Part::Bind)) {
    return invalid("the parts round and bind hand decisions over in memory; name both or neither");
  }
  return parts;
}

Result<std::unique_ptr<Cluster>> Cluster::start(Options options) {
  if (options.api == nullptr) return internal("starting the cluster's parts: no cluster was given");
  if (options.clock == nullptr) options.clock = &system_clock();
  if (options.parts.empty()) options.parts = TRY(parse_parts(""));
  if (options.scheduler_names.empty()) options.scheduler_names = {"muster"};
  auto cluster = std::make_unique<RunningCluster>(std::move(options));
  cluster->start();
  return std::unique_ptr<Cluster>(std::move(cluster));
}

}  // namespace muster::cluster
