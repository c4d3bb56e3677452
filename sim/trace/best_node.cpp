#include "sim/trace/best_node.h"

#include <algorithm>

namespace muster::sim::trace {
namespace {

constexpr std::int64_t unfit = INT64_MIN;

}  // namespace

BestNode::BestNode(const Policy& policy, const std::vector<Seat>& seats)
    : policy_(policy), seats_(seats), latest_(seats.size(), 0) {
  while (width_ < seats.size()) width_ *= 2;
}

void BestNode::changed(std::size_t node) {
  log_.push_back(static_cast<std::uint32_t>(node));
  latest_[node] = log_.size();
}

std::int64_t BestNode::score(const Shape& shape, std::size_t node) const {
  return fits(seats_[node].room, shape) ? policy_.score(seats_[node], shape) : unfit;
}

BestNode::Tournament BestNode::build(const Shape& shape) const {
  Tournament out{.scores = std::vector<std::int64_t>(2 * width_, unfit), .read = log_.size()};
  for (std::size_t n = 0; n < seats_.size(); ++n) out.scores[width_ + n] = score(shape, n);
  for (std::size_t i = width_ - 1; i > 0; --i) out.scores[i] = std::max(out.scores[2 * i], out.scores[2 * i + 1]);
  return out;
}

void BestNode::catch_up(const Shape& shape, Tournament& tournament) {
  for (; tournament.read < log_.size(); ++tournament.read) {
    const std::size_t node = log_[tournament.read];
    if (latest_[node] != tournament.read + 1) continue;  // it changed again later
    std::vector<std::int64_t>& scores = tournament.scores;
    std::size_t i = width_ + node;
    const std::int64_t now = score(shape, node);
    if (scores[i] == now) continue;
    scores[i] = now;
    for (i /= 2; i > 0; i /= 2) {
      const std::int64_t higher = std::max(scores[2 * i], scores[2 * i + 1]);
      if (scores[i] == higher) break;
      scores[i] = higher;
    }
  }
}

std::optional<std::size_t> BestNode::find(const Shape& shape) {
  auto found = tournaments_.find(shape);
  if (found == tournaments_.end()) {
    found = tournaments_.emplace(shape, build(shape)).first;
  } else {
    catch_up(shape, found->second);
  }
  const std::vector<std::int64_t>& scores = found->second.scores;
  if (scores[1] == unfit) return std::nullopt;
  std::size_t i = 1;
  while (i < width_) i = scores[2 * i] == scores[i] ? 2 * i : 2 * i + 1;
  return i - width_;
}

}  // namespace muster::sim::trace
