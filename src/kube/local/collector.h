#pragma once
// Collector: the thread that finishes what deletions begin (owner references, namespaces, definitions), lets old events
// expire and has the disk synced. It sleeps until a write leaves it a chore.

#include <memory>
#include <stop_token>
#include <thread>

#include "kube/local/core.h"

namespace muster::kube::local {

class Collector {
 public:
  explicit Collector(std::shared_ptr<Core> core);
  ~Collector();
  Collector(const Collector&) = delete;

 private:
  void run();
  // Waits for work; the chores that are there, none when the time for a sync or for expiring events has come.
  std::set<Chore> wait() EXCLUDES(core_->mutex);
  Result<void> do_chore(const Chore& chore);
  Result<void> look_at_object(const Chore& chore);
  Result<void> let_dependents_go(Table& table, const Key& key, const Version& owner, std::string_view finalizer);
  Result<void> judge_by_owners(Table& table, const Key& key, const Version& object);
  Result<void> owner_gone(const std::string& uid);
  Result<void> empty_namespace(const std::string& name);
  Result<void> empty_definition(const std::string& name);
  void expire_events();
  Result<void> remove_quietly(Table& table, const Key& key, const DeleteOptions& options);

  const std::shared_ptr<Core> core_;
  std::int64_t next_expiry_ms_ = 0;  // monotonic
  std::int64_t sync_at_ms_ = 0;      // monotonic; 0 = nothing to sync
  std::thread thread_;
};

}  // namespace muster::kube::local
