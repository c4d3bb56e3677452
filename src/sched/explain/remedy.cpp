#include "sched/explain/remedy.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "sched/act/turn.h"
#include "sched/explain/words.h"
#include "sched/order/batch.h"
#include "sched/share/fair_share.h"

namespace muster::sched::explain {

using model::Preemptibility;
using model::Reason;
using model::Remedy;

namespace {

// The finest step in which quotas and shares are given: a hundredth of a device, a milli-core, a MiB.
std::int64_t step_of(int r) { return r == 0 ? 10 : r == 2 ? 1 << 20 : 1; }

class Remedies {
 public:
  Remedies(World& world, order::Lines& lines, JobId j, Time now) : world_(world), lines_(lines), job_(j), now_(now) {}

  // Whether one round after the change places what waits.
  bool starts(const std::function<void()>& change) {
    auto trial = world_.begin_trial();
    std::int32_t before = world_.job(job_).active;
    change();
    share::divide_all(world_);
    act::Turn turn{world_, lines_, now_, {}};
    act::run_actions(turn, world_.config.actions);
    bool ok = world_.job(job_).active > before && world_.is_satisfied(world_.job(job_).root);
    world_.end_trial(std::move(trial));
    return ok;
  }

  // A value above `from` that starts the job, at most `to`; `from` when none does. Neither the step before it nor half
  // of the change does: more for one queue may let others in before the job, so that a smaller change works where a
  // larger one fails.
  std::int64_t least(std::int64_t from, std::int64_t to, std::int64_t step,
                     const std::function<void(std::int64_t)>& set) {
    auto works = [&](std::int64_t steps) { return starts([&] { set(from + steps * step); }); };
    std::int64_t high = (to - from + step - 1) / step;
    if (high <= 0 || !works(high)) return from;
    for (bool again = true; again;) {
      std::int64_t low = 0;
      while (high - low > 1) {
        std::int64_t middle = low + (high - low) / 2;
        (works(middle) ? high : low) = middle;
      }
      again = high > 1 && works(high / 2);
      if (again) high /= 2;
    }
    return from + high * step;
  }

  void try_bound(QueueId q, int r, model::Resources QueueRow::* bound, const char* what) {
    std::int64_t now = at(world_.queue(q).*bound, r);
    if (now == unlimited) return;
    const QueueRow& row = world_.queue(q);
    order::Batch batch = order::next_batch(world_, job_);
    std::int64_t need = at(order::demand_of(world_, batch.pods), r);
    std::int64_t most = std::max({now, at(row.allocated, r), at(row.guarded, r)}) + need + at(row.pending, r);
    std::int64_t to =
        least(now, most, step_of(r), [&](std::int64_t value) { world_.log.set(at(world_.queue(q).*bound, r), value); });
    if (to == now) return;
    add(to - now,
        {fmt::format("queue/{}", row.noun.name), fmt::format("{}.{}", world_.resource_name(r), what), number(r, to)});
  }

  void try_preemptible() {
    if (world_.job(job_).preemptibility == Preemptibility::Preemptible) return;
    if (!starts([&] { world_.set_preemptibility(job_, Preemptibility::Preemptible); })) return;
    add(INT64_MAX, {"workload", "preemptibility", std::string("preemptible")});
  }

  // Fewer devices for each pod that waits, where all ask the same.
  void try_fewer_gpus() {
    ShapeId shape;
    std::vector<PodId> waiting;
    for (PodId p : world_.job(job_).pods) {
      if (world_.pod(p).state != model::PodState::Pending) continue;
      if (!shape.is_none() && world_.pod(p).shape != shape) return;
      shape = world_.pod(p).shape;
      waiting.push_back(p);
    }
    if (waiting.empty()) return;
    model::Constraints asked = world_.shape(shape).constraints;
    auto works = [&](const model::GpuRequest& request) {
      model::Constraints fewer = asked;
      fewer.gpu = request;
      ShapeId other = world_.intern(fewer, world_.job(job_).noun.ns);
      return starts([&] {
        for (PodId p : waiting) world_.set_shape(p, other);
      });
    };
    for (model::GpuRequest request : smaller_requests(asked.gpu)) {
      if (!works(request)) continue;
      if (request.kind == model::GpuRequest::Kind::Portion) refine(request, asked.gpu.milli, works);
      std::int64_t saved = model::charged_milli(asked.gpu, 81920) - model::charged_milli(request, 81920);
      add(saved * static_cast<std::int64_t>(waiting.size()), {"workload", "gpu", gpu_value(request)});
      return;
    }
  }

  std::vector<Remedy> take() {
    std::stable_sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Remedy> out;
    for (auto& [size, remedy] : found_) out.push_back(std::move(remedy));
    return out;
  }

 private:
  // Largest first.
  static std::vector<model::GpuRequest> smaller_requests(const model::GpuRequest& asked) {
    std::vector<model::GpuRequest> out;
    if (asked.kind == model::GpuRequest::Kind::Whole) {
      for (int n = asked.devices - 1; n >= 1; --n) {
        out.push_back(asked);
        out.back().devices = n;
      }
    } else if (asked.kind == model::GpuRequest::Kind::Portion) {
      for (int milli = (asked.milli - 1) / 50 * 50; milli >= 50; milli -= 50) {
        out.push_back(asked);
        out.back().milli = milli, out.back().milli_limit = 0;
      }
    }
    return out;
  }
  // The largest portion below `asked` in hundredths, between one that works and the next in twentieths.
  static void refine(model::GpuRequest& request, std::int32_t asked,
                     const std::function<bool(const model::GpuRequest&)>& works) {
    for (std::int32_t more = 40; more > 0; more -= 10) {
      model::GpuRequest larger = request;
      larger.milli += more;
      if (larger.milli >= asked || !works(larger)) continue;
      request = larger;
      return;
    }
  }
  static std::variant<double, std::string, std::nullptr_t> gpu_value(const model::GpuRequest& request) {
    if (request.kind == model::GpuRequest::Kind::Whole) return static_cast<double>(request.devices);
    if (request.devices == 1) return static_cast<double>(request.milli) / 1000.0;
    return model::to_text(request);
  }
  void add(std::int64_t size, Remedy remedy) { found_.emplace_back(size, std::move(remedy)); }

  World& world_;
  order::Lines& lines_;
  JobId job_;
  Time now_;
  std::vector<std::pair<std::int64_t, Remedy>> found_;
};

int resource_of(const World& world, const std::string& name) {
  for (int r = 1; r < 3 + static_cast<int>(world.named_resources.size()); ++r)
    if (world.resource_name(r) == name) return r;
  return 0;
}

}  // namespace

std::vector<Remedy> remedies(World& world, order::Lines& lines, JobId j, const model::Verdict& verdict, Time now) {
  Remedies search(world, lines, j, now);
  QueueId q = world.find_queue(verdict.queue);
  int r = resource_of(world, verdict.resource);
  switch (verdict.reason) {
    case Reason::OverLimit:
      if (!q.is_none()) search.try_bound(q, r, &QueueRow::limit, "limit");
      search.try_fewer_gpus();
      break;
    case Reason::NonPreemptibleOverQuota:
      if (!q.is_none()) search.try_bound(q, r, &QueueRow::quota, "quota");
      search.try_preemptible();
      search.try_fewer_gpus();
      break;
    case Reason::ReclaimNotAllowed:
    case Reason::VictimsInsufficient:
    case Reason::InsufficientResources: {
      QueueId own = world.job(j).queue;
      if (verdict.reason != Reason::InsufficientResources && !own.is_none())
        search.try_bound(own, r, &QueueRow::quota, "quota");
      search.try_fewer_gpus();
      break;
    }
    case Reason::TopologyUnsatisfied:
      search.try_fewer_gpus();
      break;
    default:
      break;
  }
  return search.take();
}

}  // namespace muster::sched::explain
