#include "cluster/feed.h"

#include <algorithm>

#include "base/check.h"

namespace muster::cluster {

void Feeds::subscribe(const kube::Kind& kind, Deliver deliver) {
  for (const std::unique_ptr<Feed>& feed : feeds_) {
    if (feed->kind->kind == kind.kind && feed->kind->group == kind.group) {
      CHECK(feed->reflector == nullptr, "parts subscribe before the feeds start");
      feed->readers.push_back(std::move(deliver));
      return;
    }
  }
  auto feed = std::make_unique<Feed>();
  feed->kind = &kind;
  feed->readers.push_back(std::move(deliver));
  feeds_.push_back(std::move(feed));
}

void Feeds::start() {
  for (const std::unique_ptr<Feed>& feed : feeds_) {
    feed->reflector =
        std::make_unique<kube::Reflector>(api_, *feed->kind, kube::WatchOptions{},
                                          [this, one = feed.get()](kube::Change change) { hand_out(*one, change); });
  }
}

void Feeds::stop() {
  for (const std::unique_ptr<Feed>& feed : feeds_) feed->reflector.reset();
}

bool Feeds::is_synced() const {
  Lock lock(mutex_);
  return synced_.size() == feeds_.size();
}

void Feeds::hand_out(Feed& feed, const kube::Change& change) {
  for (const Deliver& reader : feed.readers) reader(change);
  if (change.type != kube::Change::Type::Synced) return;
  Lock lock(mutex_);
  if (std::find(synced_.begin(), synced_.end(), &feed) == synced_.end()) synced_.push_back(&feed);
}

}  // namespace muster::cluster
