#include "sim/trace/mix.h"

#include <algorithm>
#include <bit>
#include <map>

namespace muster::sim::trace {
namespace {

struct Counted {
  Shape shape;
  std::int64_t count = 0;
};

std::vector<Counted> most_frequent(const std::vector<PodLine>& pods) {
  std::map<Shape, std::int64_t> counts;
  for (const PodLine& pod : pods) {
    Shape shape = pod.shape;
    shape.memory = 0;
    ++counts[shape];
  }
  std::vector<Counted> order;
  for (const auto& [shape, count] : counts) order.push_back({shape, count});
  std::stable_sort(order.begin(), order.end(), [](const Counted& a, const Counted& b) {
    const auto key = [](const Counted& c) {
      return std::tuple(-c.count, c.shape.cpu, c.shape.milli, c.shape.gpus, c.shape.models);
    };
    return key(a) < key(b);
  });
  const std::int64_t wanted = static_cast<std::int64_t>(pods.size()) * 95;
  std::int64_t covered = 0;
  std::size_t n = 0;
  while (n < order.size() && covered * 100 < wanted) covered += order[n++].count;
  order.resize(n);
  return order;
}

template <class T>
std::size_t index_in(const std::vector<T>& sorted, const T& value) {
  return static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin());
}

template <class T>
void sort_unique(std::vector<T>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

}  // namespace

Result<Mix> Mix::create(const std::vector<PodLine>& pods, const std::vector<std::string>& models) {
  Mix out;
  TRY(out.fill(pods, models));
  return out;
}

Result<void> Mix::fill(const std::vector<PodLine>& pods, const std::vector<std::string>& models) {
  const std::vector<Counted> mix = most_frequent(pods);
  shapes_ = mix.size();
  std::int64_t covered = 0;
  std::vector<std::pair<std::int32_t, std::int32_t>> kinds;
  for (const Counted& m : mix) {
    covered += m.count;
    if (m.shape.gpus == 0) continue;
    thresholds_.push_back(m.shape.milli);
    levels_.push_back(m.shape.cpu);
    kinds.emplace_back(m.shape.gpus, m.shape.milli);
  }
  sort_unique(thresholds_);
  sort_unique(levels_);
  sort_unique(kinds);
  if (thresholds_.size() > most_thresholds) {
    return invalid("pod list: asks for " + std::to_string(thresholds_.size()) +
                   " different shares of a device, at most " + std::to_string(most_thresholds) + " are understood");
  }
  for (const auto& [gpus, milli] : kinds) {
    kinds_.push_back(
        {.gpus = gpus, .milli = milli, .threshold = static_cast<std::int32_t>(index_in(thresholds_, milli))});
  }
  // levels_[i] is the least CPU with which level i + 1 is reached: level 0 serves no shape.
  fits_.assign(models.size() * (levels_.size() + 1) * kinds_.size(), 0);
  for (const Counted& m : mix) {
    const double weight = static_cast<double>(m.count) / static_cast<double>(covered);
    if (m.shape.gpus == 0) {
      cpu_only_ += weight;
      continue;
    }
    const std::size_t kind = index_in(kinds, {m.shape.gpus, m.shape.milli});
    kinds_[kind].weight += weight;
    for (std::size_t model = 0; model < models.size(); ++model) {
      if ((m.shape.models >> model & 1U) == 0) continue;
      for (std::size_t at = index_in(levels_, m.shape.cpu) + 1; at <= levels_.size(); ++at) {
        fits_[(model * (levels_.size() + 1) + at) * kinds_.size() + kind] += weight;
      }
    }
  }
  std::size_t picky = 0;
  for (const PodLine& pod : pods) picky += pod.shape.gpus > 0 && pod.shape.models != UINT32_MAX ? 1 : 0;
  picky_ = static_cast<double>(picky) / static_cast<double>(pods.size());
  return {};
}

std::size_t Mix::level(std::int32_t cpu) const {
  return static_cast<std::size_t>(std::upper_bound(levels_.begin(), levels_.end(), cpu) - levels_.begin());
}

const double* Mix::fits(std::uint32_t model, std::size_t at) const {
  const std::size_t index = static_cast<std::size_t>(std::countr_zero(model));
  return fits_.data() + (index * (levels_.size() + 1) + at) * kinds_.size();
}

Mix::Sums Mix::sums(const Room& room) const {
  Sums out;
  for (std::int32_t g = 0; g < room.gpus; ++g) out.free += room.free[static_cast<std::size_t>(g)];
  for (std::size_t t = 0; t < thresholds_.size(); ++t) {
    std::int32_t count = 0, small = 0;
    for (std::int32_t g = 0; g < room.gpus; ++g) {
      const std::int32_t r = room.free[static_cast<std::size_t>(g)];
      const bool enough = r >= thresholds_[t];
      count += enough ? 1 : 0;
      small += enough ? 0 : r;
    }
    out.count[t] = count;
    out.small[t] = small;
  }
  return out;
}

double Mix::total(const Sums& sums, const double* fits) const {
  const double all = sums.free;
  double fragment = cpu_only_ * all;
  for (std::size_t k = 0; k < kinds_.size(); ++k) {
    const Kind& kind = kinds_[k];
    const std::size_t t = static_cast<std::size_t>(kind.threshold);
    // Those whom CPU or model turn away lose all that is free; the others what lies in devices that are too full.
    const double served = sums.count[t] >= kind.gpus ? fits[k] : 0;
    fragment += served * sums.small[t] + (kind.weight - served) * all;
  }
  return fragment;
}

double Mix::fragment(const Room& room) const { return total(sums(room), fits(room.model, level(room.cpu))); }

void Mix::fragment_after_share(const Room& room, std::int32_t cpu, std::int32_t milli,
                               std::array<double, most_devices>& out) const {
  const Sums before = sums(room);
  const double* served = fits(room.model, level(room.cpu - cpu));
  for (std::size_t g = 0; g < static_cast<std::size_t>(room.gpus); ++g) {
    const std::int32_t r = room.free[g];
    if (r < milli) continue;
    std::size_t same = 0;
    while (room.free[same] != r) ++same;
    if (same < g) {  // an equal device has been worked out
      out[g] = out[same];
      continue;
    }
    Sums after = before;
    after.free -= milli;
    const std::int32_t left = r - milli;
    for (std::size_t t = 0; t < thresholds_.size(); ++t) {
      const bool was = r >= thresholds_[t], is = left >= thresholds_[t];
      after.count[t] += (is ? 1 : 0) - (was ? 1 : 0);
      after.small[t] += (is ? 0 : left) - (was ? 0 : r);
    }
    out[g] = total(after, served);
  }
}

}  // namespace muster::sim::trace
