#include "sim/fuzz/make_world.h"

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "sim/random/random.h"

namespace muster::sim::fuzz {
namespace {

constexpr const char* mig_profile = "nvidia.com/mig-1g.10gb";

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  document::Scenario make() {
    has_topology_ = random_.chance(300);
    has_pools_ = random_.chance(100);
    settings();
    for (std::uint64_t i = 0, n = 1 + random_.below(5); i < n; ++i) out_.nodes.push_back(node());
    queues();
    for (std::uint64_t i = 0, n = 1 + random_.below(9); i < n; ++i) out_.jobs.push_back(job(random_.chance(400)));
    steps();
    return out_;
  }

 private:
  template <class T>
  T one_of(std::initializer_list<T> list) {
    return list.begin()[random_.below(list.size())];
  }

  void settings() {
    document::Config& config = out_.config;
    if (random_.chance(200)) config.placement.gpu = one_of<const char*>({"spread", "fragmentation"});
    if (random_.chance(200)) config.placement.cpu = one_of<const char*>({"spread", "fragmentation"});
    if (random_.chance(100)) config.placement.devices = one_of<const char*>({"spread", "binpack"});
    if (random_.chance(300)) {
      config.max_consolidation_preemptees.present = true;
      if (random_.chance(500)) config.max_consolidation_preemptees.value = static_cast<std::int32_t>(random_.below(4));
    }
    config.consolidating_reclaim = !random_.chance(200);
    config.staleness_grace_period = one_of<const char*>({"60s", "0s", "20s", "-1s"});
    if (random_.chance(150)) config.preempt_min_runtime = "40s";
    if (random_.chance(150)) config.reclaim_min_runtime = "40s";
    if (random_.chance(200)) config.reclaim_min_runtime_method = "queue";
    if (random_.chance(100)) config.reclaim_saturation_multiplier = 1.5;
    if (random_.chance(200)) config.k = one_of<double>({0, 0.5, 5});
    if (random_.chance(50)) config.predicates = false;
    if (has_topology_) out_.topologies = {{"dc", {"zone", "rack", "kubernetes.io/hostname"}}};
    if (has_pools_) out_.pools = {{.name = "other", .label = {"pool", "other"}}, {.name = "default"}};
    if (random_.chance(80)) out_.budgets = {{.name = "budget", .labels = {{"app", "x"}}, .max_unavailable = 1}};
    out_.run.seconds_per_round = one_of<double>({1, 5, 30});
  }

  document::Node node() {
    document::Node out;
    out.name = "n" + std::to_string(++nodes_);
    out.gpus = one_of<std::int32_t>({0, 1, 2, 2, 4, 4, 8});
    out.gpu_memory = one_of<const char*>({"16Gi", "80Gi"});
    out.cpu = one_of<const char*>({"8", "64"});
    out.memory = one_of<const char*>({"32Gi", "512Gi"});
    out.labels["zone"] = one_of<const char*>({"za", "zb"});
    out.labels["rack"] = out.labels["zone"] + one_of<const char*>({"1", "2"});
    out.labels["kubernetes.io/hostname"] = out.name;
    if (has_pools_ && random_.chance(400)) out.labels["pool"] = "other";
    if (random_.chance(80)) out.taints = {{.key = "team", .value = "x"}};
    if (random_.chance(100)) out.pods = static_cast<std::int32_t>(1 + random_.below(5));
    if (random_.chance(100)) out.extended["rdma/hca"] = 2;
    out.unschedulable = random_.chance(40);
    out.ready = !random_.chance(30);
    if (random_.chance(80)) {
      out.gpus = 0;
      out.mig = document::Mig{.instances = {{mig_profile, 4}}};
    }
    free_[out.name] = out.ready && !out.unschedulable && out.pods >= 110 ? out.gpus : 0;
    return out;
  }

  json::Value amount(std::initializer_list<double> list, std::uint64_t unlimited) {
    if (random_.chance(unlimited)) return nullptr;
    const double number = one_of(list);
    return number == static_cast<double>(static_cast<std::int64_t>(number))
               ? json::Value(static_cast<std::int64_t>(number))
               : json::Value(number);
  }

  document::Queue queue(const std::string& name, const std::string& parent) {
    document::Queue out;
    out.name = name;
    if (!parent.empty()) out.parent = parent;
    if (random_.chance(200)) out.priority = 200;
    out.gpu = document::QueueResource{.quota = amount({0, 0.5, 1, 2, 3, 4, 6}, 80),
                                      .limit = amount({0, 1, 2, 4, 6}, 700),
                                      .weight = one_of<double>({0, 1, 1, 2, 3})};
    if (random_.chance(150))
      out.cpu = document::QueueResource{.quota = amount({1, 4, 8}, 100), .limit = amount({4, 16}, 700)};
    if (random_.chance(100)) out.memory = document::QueueResource{.quota = "16Gi"};
    if (random_.chance(80)) out.reclaim_min_runtime = "20s";
    if (random_.chance(80)) out.preempt_min_runtime = "20s";
    if (random_.chance(100)) out.usage = document::Usage{.gpu = one_of<double>({0.1, 0.6})};
    return out;
  }

  void queues() {
    for (std::uint64_t top = 0, n = 1 + random_.below(3); top < n; ++top) {
      const std::string name = "d" + std::to_string(top);
      out_.queues.push_back(queue(name, ""));
      const std::uint64_t children = random_.below(4);
      if (children == 0) leaves_.push_back(name);
      for (std::uint64_t child = 0; child < children; ++child) {
        const std::string project = name + "p" + std::to_string(child);
        out_.queues.push_back(queue(project, name));
        if (random_.chance(100)) {
          out_.queues.push_back(queue(project + "t", project));
          leaves_.push_back(project + "t");
        } else {
          leaves_.push_back(project);
        }
      }
    }
    if (!has_pools_) return;
    for (const std::string& leaf : std::vector<std::string>(leaves_)) {
      document::Queue other = queue(leaf + "--other", "");
      other.pool = "other";
      out_.queues.push_back(other);
    }
  }

  document::Request request() {
    document::Request out;
    switch (random_.below(10)) {
      case 0:
        break;  // CPU only
      case 1:
      case 2:
        out.gpu_fraction = one_of<double>({0.1, 0.25, 0.5, 0.5, 0.7});
        if (random_.chance(150)) out.gpu_devices = 2;
        break;
      case 3:
        out.gpu_memory = one_of<const char*>({"4Gi", "10Gi", "20Gi"});
        break;
      case 4:
        if (random_.chance(300)) {
          out.mig[mig_profile] = 1;
          break;
        }
        [[fallthrough]];
      default:
        out.gpu = one_of<std::int32_t>({1, 1, 1, 2, 2, 4});
    }
    if (random_.chance(400)) out.cpu = one_of<const char*>({"500m", "1", "4"});
    if (random_.chance(200)) out.memory = one_of<const char*>({"1Gi", "8Gi"});
    if (random_.chance(50)) out.extended["rdma/hca"] = 1;
    return out;
  }

  void wishes(document::Pod& pod) {
    if (random_.chance(80)) pod.node_selector["zone"] = one_of<const char*>({"za", "zb", "zc"});
    if (random_.chance(50)) pod.node_affinity = {{{.key = "rack", .op = "NotIn", .values = {"za1"}}}};
    if (random_.chance(150)) pod.tolerations = {{.key = "team", .op = "Exists"}};
    if (random_.chance(150)) pod.labels["app"] = "x";
    if (random_.chance(40)) pod.pod_anti_affinity = {{"kubernetes.io/hostname", {{"app", "x"}}}};
    if (random_.chance(40)) pod.pod_affinity = {{"zone", {{"app", "x"}}}};
    if (random_.chance(40)) pod.topology_spread = {{.topology_key = "zone", .max_skew = 1, .labels = {{"app", "x"}}}};
    if (random_.chance(40)) pod.host_ports = {8080};
    if (random_.chance(100)) pod.order = static_cast<std::int32_t>(random_.below(3));
  }

  // A node with that many whole devices left in this document; "" when there is none.
  std::string take_devices(std::int32_t count) {
    for (auto& [name, free] : free_) {
      if (free < count) continue;
      free -= count;
      return name;
    }
    return "";
  }

  document::Job job(bool runs) {
    document::Job out;
    out.name = "j" + std::to_string(++jobs_);
    out.queue = random_.chance(20) ? "nowhere" : leaves_[random_.below(leaves_.size())];
    out.priority = one_of<std::int32_t>({25, 50, 50, 50, 75, 100, 125});
    if (random_.chance(150)) {
      out.preemptibility = one_of<const char*>({"preemptible", "non-preemptible", "semi-preemptible"});
    }
    if (has_pools_ && !runs && random_.chance(400)) out.pools = {"other", "default"};
    if (random_.chance(60)) out.preemption_delay = "30s";
    out.deleted = random_.chance(20);
    const bool grouped = random_.chance(150);
    const std::uint64_t entries = grouped ? 2 : 1 + random_.below(2);
    std::int32_t members = 0;
    for (std::uint64_t i = 0; i < entries; ++i) {
      document::Pod pod;
      pod.count = static_cast<std::int32_t>(1 + random_.below(3));
      pod.request = request();
      wishes(pod);
      if (random_.chance(50)) pod.state = "Gated";
      if (runs) start(pod);
      if (grouped) pod.sub_group = i == 0 ? "x" : "y";
      members += pod.count;
      out.pods.push_back(pod);
      if (grouped) {
        out.sub_groups.push_back(
            {.name = *pod.sub_group,
             .min_member = 1 + static_cast<std::int32_t>(random_.below(static_cast<std::uint64_t>(pod.count)))});
        if (has_topology_ && random_.chance(300)) out.sub_groups.back().topology = level();
      }
    }
    if (!grouped && random_.chance(500)) {
      out.min_member = static_cast<std::int32_t>(random_.below(static_cast<std::uint64_t>(members + 1)));
    }
    if (grouped && random_.chance(200)) out.min_sub_group = 1;
    if (has_topology_ && random_.chance(200)) out.topology = level();
    return out;
  }

  document::TopologyConstraint level() {
    document::TopologyConstraint out{.name = "dc"};
    if (random_.chance(600)) out.required = one_of<const char*>({"zone", "rack"});
    if (random_.chance(500)) out.preferred = one_of<const char*>({"rack", "kubernetes.io/hostname"});
    return out;
  }

  void start(document::Pod& pod) {
    const document::Request& r = pod.request;
    const bool plain = r.gpu_memory.is_null() && r.mig.empty() && !r.gpu_devices && (r.gpu > 0 || r.gpu_fraction) &&
                       r.cpu.is_null() && r.memory.is_null() && r.extended.empty();
    if (!plain || pod.state != "Pending") return;
    pod.count = 1;
    pod.host_ports.clear();
    const std::string node = take_devices(std::max(r.gpu, 1));
    if (node.empty()) return;
    pod.state = random_.chance(60) ? "Releasing" : "Running";
    pod.node = node;
  }

  document::Set change() {
    document::Set out;
    switch (random_.below(8)) {
      case 0:
      case 1:
      case 2:
        out.set = "queue/" + out_.queues[random_.below(out_.queues.size())].name;
        out.field = one_of<const char*>({"gpu.quota", "gpu.limit", "gpu.weight", "priority"});
        out.to = static_cast<std::int64_t>(random_.below(6));
        if (out.field == "gpu.limit" && random_.chance(500)) out.to = nullptr;
        if (out.field == "priority") out.to = one_of<std::int64_t>({100, 200});
        break;
      case 3:
        out.set = "job/j" + std::to_string(1 + random_.below(static_cast<std::uint64_t>(jobs_)));
        out.field = "priority";
        out.to = one_of<std::int64_t>({25, 50, 80});
        break;
      case 4:
        out.set = "node/n" + std::to_string(1 + random_.below(static_cast<std::uint64_t>(nodes_)));
        out.field = "unschedulable";
        out.to = random_.chance(300);
        break;
      default:
        out.set = "pod/j" + std::to_string(1 + random_.below(static_cast<std::uint64_t>(jobs_))) + "-" +
                  std::to_string(random_.below(3));
        out.field = "state";
        out.to = one_of<const char*>({"Succeeded", "Failed", "Pending"});
    }
    return out;
  }

  void steps() {
    const std::uint64_t rounds = 4 + random_.below(24);
    out_.run.rounds = static_cast<std::int32_t>(rounds);
    free_.clear();
    for (std::uint64_t round = 2; round <= rounds; ++round) {
      document::Step step{.round = static_cast<std::int32_t>(round)};
      for (std::uint64_t i = 0, n = random_.below(4); i < n; ++i) {
        switch (random_.below(10)) {
          case 0:
            step.remove.jobs.push_back("j" + std::to_string(1 + random_.below(static_cast<std::uint64_t>(jobs_))));
            break;
          case 1:
            if (random_.chance(300))
              step.remove.nodes.push_back("n" + std::to_string(1 + random_.below(static_cast<std::uint64_t>(nodes_))));
            break;
          case 2:
            if (nodes_ < 7) step.add.nodes.push_back(node());
            break;
          case 3:
          case 4:
          case 5:
            if (jobs_ < 18) step.add.jobs.push_back(job(false));
            break;
          default:
            step.set.push_back(change());
        }
      }
      out_.run.steps.push_back(std::move(step));
    }
  }

  Random random_;
  document::Scenario out_;
  std::vector<std::string> leaves_;
  std::map<std::string, std::int32_t> free_;  // whole devices that no running pod of the document has taken
  std::int32_t nodes_ = 0, jobs_ = 0;
  bool has_topology_ = false, has_pools_ = false;
};

}  // namespace

document::Scenario make_world(std::uint64_t seed) { return Maker(seed).make(); }

}  // namespace muster::sim::fuzz
