#include "sim/fuzz/hunt.h"

#include <algorithm>

#include "sim/fuzz/rules.h"
#include "sim/fuzz/steps.h"
#include "sim/scenario/read_document.h"

namespace muster::sim::fuzz {
namespace {

constexpr std::int32_t rounds_to_rest = 120;
constexpr std::int32_t quiet_rounds = 3;

class Chase {
 public:
  Chase(const Scenario& scenario, World& world, Hunt& out) : scenario_(scenario), world_(world), out_(out) {}

  void run() {
    note("capacity", check_capacity(world_));
    note("invariants", world_.engine().check_invariants());
    const std::int32_t last = scenario_.run.rounds;
    // Some worlds are watched until every delay has passed, whatever the engine says that it waits for.
    const bool patient = world_.told() % 16 == 0;
    std::int32_t quiet = 0;
    for (round_ = 1; round_ <= last + rounds_to_rest && out_.finding.empty(); ++round_) {
      if (round_ <= last) change();
      if (!out_.finding.empty()) break;
      quiet = decide() && round_ > last ? quiet + 1 : 0;
      if (quiet >= quiet_rounds && (!waits_for_time() || !(patient || wakes_))) break;
    }
    out_.steps += world_.told();
    out_.is_restless = out_.finding.empty() && quiet < quiet_rounds;
  }

 private:
  Time now() const { return scenario_now + scenario_.run.per_round * (round_ - 1); }
  // Delays and minimum run times of the random worlds are at most 40 s, graces 60 s.
  bool waits_for_time() const { return scenario_.run.per_round * (round_ - scenario_.run.rounds) < seconds(70); }

  void note(const std::string& kind, const std::string& wrong) {
    if (wrong.empty() || !out_.finding.empty()) return;
    out_.finding = kind + ": " + wrong;
    out_.round = round_;
  }

  void change() {
    for (const Step& step : scenario_.run.steps) {
      if (step.round != round_) continue;
      const Result<void> changed = world_.change(applicable(step, world_));
      if (!changed.has_value()) return note("refused", changed.error().text);
      note("invariants", world_.engine().check_invariants());
    }
  }

  // True when nothing was decided.
  bool decide() {
    const Before before = remember(world_);
    const bool told = world_.told() != told_;
    const sched::Round round = world_.decide(now());
    ++out_.steps;
    // A job with a list of pools tours them between rounds.
    if (!told && !wakes_ && round_ > 1 && !round.decisions.empty() && scenario_.config.pools.empty())
      note("rest", "decides although nothing was told and nothing waited for its time");
    told_ = world_.told(), wakes_ = round.wake_at.has_value();
    note("round", check_round(world_, before, round, round_ % 8 == 0 ? Depth::Full : Depth::Cheap));
    if (out_.finding.empty() && round_ % 16 == 5) questions();
    if (!round.decisions.empty()) note("capacity", check_capacity(world_));
    if (out_.finding.empty()) {
      const Result<void> moved = world_.move_on(now());
      if (!moved.has_value()) note("refused", moved.error().text);
    }
    if (world_.told() != told_) note("invariants", world_.engine().check_invariants());
    return round.decisions.empty();
  }

  // Questions change nothing.
  void questions() {
    const std::uint64_t hash = world_.engine().world_hash();
    const auto asked = world_.gangs().begin();
    if (asked == world_.gangs().end()) return;
    const auto verdict = world_.engine().why(asked->first, now());
    if (world_.engine().world_hash() != hash) note("questions", "why changes the world");
  }

  const Scenario& scenario_;
  World& world_;
  Hunt& out_;
  std::int32_t round_ = 1;
  std::uint64_t told_ = 0;  // when the last round began
  bool wakes_ = true;       // the last round waits for a time
};

std::string kind_of(const std::string& finding) { return finding.substr(0, finding.find(':')); }

// Texts that differ in numbers and names only are one finding: the first words decide.
bool is_same(const std::string& a, const std::string& b) {
  const auto words = [](const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (c >= '0' && c <= '9') continue;
      out += c;
    }
    return out.substr(0, 40);
  };
  return kind_of(a) == kind_of(b) && words(a) == words(b);
}

class Cutter {
 public:
  Cutter(document::Scenario world, std::string finding) : world_(std::move(world)), finding_(std::move(finding)) {}

  document::Scenario cut() {
    for (bool shorter = true; shorter;) {
      shorter = false;
      shorter |= drop(&document::Scenario::jobs) || drop(&document::Scenario::nodes) ||
                 drop(&document::Scenario::queues) || drop(&document::Scenario::budgets) ||
                 drop(&document::Scenario::topologies);
      shorter |= drop_steps() || drop_pods() || plain_config();
    }
    return world_;
  }

 private:
  bool try_this(document::Scenario candidate) {
    if (++tries_ > 4000) return false;
    const Hunt again = hunt(candidate);
    if (again.finding.empty() || !is_same(again.finding, finding_)) return false;
    world_ = std::move(candidate);
    return true;
  }

  template <class T>
  bool drop(std::vector<T> document::Scenario::* list) {
    bool any = false;
    for (std::size_t i = (world_.*list).size(); i-- > 0;) {
      document::Scenario candidate = world_;
      (candidate.*list).erase((candidate.*list).begin() + static_cast<std::ptrdiff_t>(i));
      any |= try_this(std::move(candidate));
    }
    return any;
  }

  bool drop_steps() {
    bool any = false;
    for (std::size_t i = world_.run.steps.size(); i-- > 0;) {
      document::Scenario candidate = world_;
      candidate.run.steps.erase(candidate.run.steps.begin() + static_cast<std::ptrdiff_t>(i));
      if (try_this(std::move(candidate))) {
        any = true;
        continue;
      }
      any |= thin(i, [](document::Step& s) -> auto& { return s.set; });
      any |= thin(i, [](document::Step& s) -> auto& { return s.add.jobs; });
      any |= thin(i, [](document::Step& s) -> auto& { return s.add.nodes; });
      any |= thin(i, [](document::Step& s) -> auto& { return s.remove.jobs; });
      any |= thin(i, [](document::Step& s) -> auto& { return s.remove.nodes; });
    }
    return any;
  }

  template <class List>
  bool thin(std::size_t step, List list) {
    bool any = false;
    for (std::size_t i = list(world_.run.steps[step]).size(); i-- > 0;) {
      document::Scenario candidate = world_;
      auto& items = list(candidate.run.steps[step]);
      items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
      any |= try_this(std::move(candidate));
    }
    return any;
  }

  bool drop_pods() {
    bool any = false;
    for (std::size_t j = 0; j < world_.jobs.size(); ++j) {
      for (std::size_t p = world_.jobs[j].pods.size(); p-- > 0;) {
        document::Scenario candidate = world_;
        std::vector<document::Pod>& pods = candidate.jobs[j].pods;
        if (pods[p].count > 1) {
          --pods[p].count;
        } else if (pods.size() > 1) {
          pods.erase(pods.begin() + static_cast<std::ptrdiff_t>(p));
        } else {
          continue;
        }
        any |= try_this(std::move(candidate));
      }
    }
    return any;
  }

  bool plain_config() {
    document::Scenario candidate = world_;
    const double seconds = candidate.run.seconds_per_round;
    if (json::encode(candidate.config) == json::encode(document::Config{}) && seconds == 1) return false;
    candidate.config = {};
    return try_this(std::move(candidate));
  }

  document::Scenario world_;
  std::string finding_;
  int tries_ = 0;
};

}  // namespace

Hunt hunt(const document::Scenario& document) {
  Hunt out;
  const Result<Scenario> scenario = read_document(document);
  if (!scenario.has_value()) return out;  // not a sound world: nothing to find
  Result<World> world = World::create(*scenario);
  if (!world.has_value()) return out;
  Chase(*scenario, *world, out).run();
  return out;
}

document::Scenario minimise(const document::Scenario& world, const Hunt& found) {
  return Cutter(world, found.finding).cut();
}

}  // namespace muster::sim::fuzz
