// Deltas come from the record of a cluster, which anybody may have written to: whatever they say, they are taken or
// refused, rounds end, questions change nothing, and counters stay what a recount says.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "sched/engine.h"

namespace muster::sched {
namespace {

class Bytes {
 public:
  Bytes(const std::uint8_t* at, std::size_t size) : at_(at), left_(size) {}
  bool empty() const { return left_ == 0; }
  std::uint8_t next() {
    if (left_ == 0) return 0;
    --left_;
    return *at_++;
  }
  std::int32_t below(std::int32_t bound) { return next() % bound; }
  bool one_in(std::int32_t n) { return next() % n == 1; }
  // Mostly small and sound; sometimes neither.
  std::int64_t amount(std::int64_t unit) {
    static constexpr std::array<std::int64_t, 6> odd = {-1, -1'000'000, 1, 999, std::int64_t{1} << 40, 333};
    const std::uint8_t b = next();
    return b >= 250 ? odd[b - 250U] : b % 10 * unit;
  }
  std::string name(const char* kind, std::int32_t of) { return kind + std::to_string(below(of)); }

 private:
  const std::uint8_t* at_;
  std::size_t left_;
};

class Story {
 public:
  explicit Story(Bytes bytes) : bytes_(bytes), engine_(config()) {}

  void tell() {
    for (int step = 0; step < 300 && !bytes_.empty(); ++step) {
      const std::int32_t what = bytes_.below(16);
      if (what < 12) {
        ignore(engine_.apply(delta(what)), "refusing is an answer");
        continue;
      }
      now_.ms += bytes_.below(100) * 1000;
      if (what == 15) {
        ask();
      } else {
        follow(engine_.run(now_));
      }
      check();
    }
    follow(engine_.run(now_));
    check();
  }

 private:
  static Config config() {
    Config out;
    out.topologies = {{"t", {"zone", "rack"}}};
    out.pools = {{"other", "pool", "other", {}, {}}, {"default", "", "", {}, {}}};
    out.budgets = {{"b", "default", {{"app", "a"}}, 1}};
    return out;
  }

  void check() const {
    const std::string wrong = engine_.check_invariants();
    // What others put on a device is theirs to answer for.
    if (wrong.empty() || wrong.ends_with("are held")) return;
    std::fprintf(stderr, "%s\n", wrong.c_str());
    std::abort();
  }

  Delta delta(std::int32_t what) {
    switch (what) {
      case 0:
        return UpsertQueue{queue()};
      case 1:
        return RemoveQueue{bytes_.name("q", 5)};
      case 2:
        return UpsertNode{node()};
      case 3:
        return RemoveNode{bytes_.name("n", 4)};
      case 4:
      case 5:
        return UpsertGang{gang()};
      case 6:
        return RemoveGang{"default", bytes_.name("g", 6)};
      case 7:
        return RemovePod{"default", bytes_.name("p", 12)};
      case 8:
        if (bytes_.one_in(2)) return BindFailed{"default", bytes_.name("p", 12), "busy"};
        return SetConfig{policy()};
      default:
        return UpsertPod{pod()};
    }
  }

  Config policy() {
    Config out = config();
    if (bytes_.one_in(2)) out.gpu = Placement::Spread;
    if (bytes_.one_in(3)) out.pools.clear();
    if (bytes_.one_in(3)) out.topologies.clear();
    if (bytes_.one_in(3)) out.budgets.clear();
    if (bytes_.one_in(3)) out.max_consolidation_preemptees = bytes_.below(4) - 1;
    if (bytes_.one_in(3)) out.actions = {model::Action::Preempt, model::Action::Allocate, model::Action::Allocate};
    out.staleness_grace = seconds(bytes_.amount(10));
    out.reclaim_min_runtime = seconds(bytes_.amount(10));
    out.history_k_milli = bytes_.amount(500);
    out.reclaim_saturation_multiplier_milli = bytes_.amount(500);
    return out;
  }

  model::QueueResource resource(std::int64_t unit) {
    model::QueueResource out;
    out.quota = bytes_.amount(unit);
    if (bytes_.one_in(5)) out.quota.reset();
    if (bytes_.one_in(3)) out.limit = bytes_.amount(unit);
    out.weight_milli = bytes_.amount(1000);
    return out;
  }
  model::Queue queue() {
    model::Queue out;
    out.name = bytes_.name("q", 5);
    if (bytes_.one_in(2)) out.parent = bytes_.name("q", 6);
    if (bytes_.one_in(6)) out.pool = bytes_.one_in(2) ? "other" : "nowhere";
    out.priority = 100 + bytes_.below(2) * 100;
    out.created = Time{bytes_.amount(1)};
    out.gpu = resource(1000);
    if (bytes_.one_in(4)) out.cpu = resource(1000);
    if (bytes_.one_in(6)) out.reclaim_min_runtime = seconds(bytes_.amount(10));
    if (bytes_.one_in(4)) out.usage_gpu_milli = bytes_.amount(100);
    return out;
  }

  model::Node node() {
    model::Node out;
    out.name = bytes_.name("n", 4);
    out.labels = {{"zone", bytes_.name("z", 2)}, {"rack", bytes_.name("r", 3)}};
    if (bytes_.one_in(5)) out.labels["pool"] = "other", out.pool = "other";
    if (bytes_.one_in(8)) out.taints = {{"k", "v", bytes_.one_in(2) ? "NoSchedule" : "PreferNoSchedule"}};
    out.unschedulable = bytes_.one_in(8), out.ready = !bytes_.one_in(10);
    out.cpu = bytes_.amount(8000), out.memory = bytes_.amount(std::int64_t{1} << 30);
    out.pods = static_cast<std::int32_t>(bytes_.amount(20) % 1000);
    for (std::int32_t i = 0, count = bytes_.below(6); i < count; ++i) {
      out.devices.push_back(
          {out.name + std::to_string(i), bytes_.one_in(6) ? bytes_.amount(10'000) : 81920, !bytes_.one_in(8)});
    }
    if (bytes_.one_in(6)) out.mig = model::Node::Mig::Mixed, out.mig_instances = {{"nvidia.com/mig-1g.10gb", 3}};
    if (bytes_.one_in(6)) out.extended = {{"x/y", bytes_.amount(1)}};
    return out;
  }

  model::TopologyConstraint level() {
    static constexpr std::array<const char*, 4> levels = {"zone", "rack", "", "none"};
    return {bytes_.one_in(9) ? "u" : "t", levels[static_cast<std::size_t>(bytes_.below(4))],
            levels[static_cast<std::size_t>(bytes_.below(4))]};
  }
  model::Gang gang() {
    model::Gang out;
    out.name = bytes_.name("g", 6), out.queue = bytes_.name("q", 6);
    out.priority = 50 + bytes_.below(4) * 25;
    if (bytes_.one_in(4)) out.preemptibility = static_cast<model::Preemptibility>(bytes_.below(3));
    if (bytes_.one_in(3)) out.min_member = static_cast<std::int32_t>(bytes_.amount(1) % 1000);
    if (bytes_.one_in(5)) out.topology = level();
    if (bytes_.one_in(5)) {
      out.sub_groups = {{.name = "a", .min_member = bytes_.below(3)},
                        {.name = "b", .parent = bytes_.one_in(2) ? "c" : "", .min_member = bytes_.below(3)}};
      if (bytes_.one_in(2)) out.sub_groups.push_back({.name = "c", .parent = bytes_.one_in(3) ? "b" : ""});
      if (bytes_.one_in(2)) out.min_sub_group = bytes_.below(4);
      if (bytes_.one_in(3)) out.sub_groups[0].topology = level();
    }
    if (bytes_.one_in(9)) out.segments = model::Segments{bytes_.below(4) - 1, "rack", ""};
    if (bytes_.one_in(5)) out.pools = {"other", bytes_.one_in(2) ? "default" : "nowhere"};
    if (bytes_.one_in(8)) out.preemption_delay = seconds(bytes_.amount(10));
    if (bytes_.one_in(8)) out.last_start = Time{now_.ms - bytes_.amount(10'000)};
    if (bytes_.one_in(8)) out.stale_since = Time{now_.ms - bytes_.amount(10'000)};
    out.deleted = bytes_.one_in(16);
    return out;
  }

  model::GpuRequest request() {
    using Kind = model::GpuRequest::Kind;
    switch (bytes_.below(8)) {
      case 0:
        return {};
      case 1:
        return {.kind = Kind::Portion, .devices = 1 + bytes_.below(3), .milli = 100 + bytes_.below(9) * 100};
      case 2:
        return {.kind = Kind::Memory, .devices = 1, .memory_mib = bytes_.amount(10'000)};
      case 3:
        return {.kind = Kind::Mig, .mig = {{"nvidia.com/mig-1g.10gb", 1 + bytes_.below(2)}}};
      case 4:
        return {.kind = static_cast<Kind>(bytes_.below(5)),
                .devices = bytes_.below(70) - 2,
                .milli = bytes_.below(250) * 10,
                .memory_mib = bytes_.amount(1000)};
      default:
        return {.kind = Kind::Whole, .devices = 1 + bytes_.below(4), .milli = 1000};
    }
  }
  model::Pod pod() {
    model::Pod out;
    out.name = bytes_.name("p", 12);
    out.foreign = bytes_.one_in(12);
    if (!out.foreign) out.gang = bytes_.name("g", 7);
    if (bytes_.one_in(4)) out.sub_group = bytes_.one_in(2) ? "a" : "b";
    if (bytes_.one_in(3)) out.labels = {{"app", bytes_.one_in(2) ? "a" : "b"}};
    model::Constraints& wants = out.constraints;
    wants.gpu = request();
    wants.cpu = bytes_.amount(1000), wants.memory = bytes_.amount(1 << 28);
    if (bytes_.one_in(10)) wants.extended = {{"x/y", bytes_.amount(1)}};
    if (bytes_.one_in(8)) wants.node_selector = {{"zone", bytes_.name("z", 3)}};
    if (bytes_.one_in(8)) wants.tolerations = {{"k", bytes_.one_in(2) ? "Exists" : "Equal", "v", ""}};
    if (bytes_.one_in(8)) wants.pod_anti_affinity = {{"rack", {{"app", "a"}}}};
    if (bytes_.one_in(8)) wants.pod_affinity = {{"zone", {{"app", "b"}}}};
    if (bytes_.one_in(8)) wants.spread = {{"zone", bytes_.below(3), {{"app", "a"}}, bytes_.one_in(2)}};
    if (bytes_.one_in(8)) wants.host_ports = {80};
    if (!bytes_.one_in(3)) return out;
    out.state = static_cast<model::PodState>(bytes_.below(11));
    if (!bytes_.one_in(6)) out.node = bytes_.name("n", 5);
    for (std::int32_t i = 0; i < std::max(0, wants.gpu.devices) && i < 8; ++i) {
      out.devices.push_back({bytes_.one_in(9) ? bytes_.below(80) - 4 : i, wants.gpu.milli, 0});
    }
    return out;
  }

  void ask() {
    const std::uint64_t hash = engine_.world_hash();
    for (int g = 0; g < 6; ++g) static_cast<void>(engine_.why("default/g" + std::to_string(g), now_));
    model::Gang wish = gang();
    wish.name = "wish";
    model::Pod member = pod();
    member.name = "wish-0", member.gang = "wish", member.state = model::PodState::Pending;
    member.node.clear(), member.devices.clear();
    static_cast<void>(engine_.plan(wish, {member}, now_).has_value());
    if (engine_.world_hash() != hash) {
      std::fprintf(stderr, "questions change the world\n");
      std::abort();
    }
  }

  // Some of what was decided comes true.
  void follow(const Round& round) {
    for (const model::Decision& decision : round.decisions) {
      std::optional<model::Pod> pod = engine_.pod(decision.ns, decision.pod);
      if (!pod || decision.kind == model::Decision::Kind::Nominate || bytes_.one_in(3)) continue;
      const bool binds = decision.kind == model::Decision::Kind::Bind;
      pod->state = binds ? model::PodState::Running : model::PodState::Pending;
      if (!binds) pod->node.clear(), pod->devices.clear();
      ignore(engine_.apply(UpsertPod{*pod}), "it may say what the engine refuses");
    }
  }

  Bytes bytes_;
  Engine engine_;
  Time now_{1'767'225'600'000};
};

}  // namespace
}  // namespace muster::sched

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  muster::sched::Story(muster::sched::Bytes(bytes, size)).tell();
  return 0;
}
