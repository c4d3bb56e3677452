#pragma once
// Core: the tables of the embedded store behind one mutex, written through to disk, with the indexes by uid and owner
// and the list of chores that a write leaves for the collector. Everything that outlives a LocalApi (its watches) holds
// the Core.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/clock.h"
#include "base/threads.h"
#include "kube/local/disk.h"
#include "kube/local/rules.h"
#include "kube/local/store.h"
#include "kube/local/table.h"

namespace muster::kube::local {

using TablePtr = std::shared_ptr<Table>;

// Something to look at because of a write.
struct Chore {
  enum class What { Object, OwnerGone, Namespace, Definition };
  What what = What::Object;
  std::string table, path;  // Object; Definition: the table's name
  std::string name;         // OwnerGone: uid; Namespace: name
  friend auto operator<=>(const Chore&, const Chore&) = default;
};

class Core {
 public:
  // Opens the file, registers the kinds and loads every object.
  static Result<std::shared_ptr<Core>> open(const std::string& path, Clock& clock);

  // not_found for a kind that is neither in the table nor registered.
  Result<TablePtr> table_of(const Kind& kind) EXCLUDES(mutex);
  std::shared_ptr<const Contract> contract_of(const Table& table) EXCLUDES(mutex);
  Result<Pin> get(const Table& table, const Key& key) EXCLUDES(mutex);
  // `object` without a name gets one from generateName.
  Result<Pin> create(Table& table, json::Value object) EXCLUDES(mutex);
  // Applies `verb` to the present state until nobody was faster. null: the object is gone now.
  using Verb = std::function<Result<Next>(const Contract&, const Version&)>;
  Result<Pin> change(Table& table, const Key& key, const Verb& verb) EXCLUDES(mutex);
  Result<void> remove(Table& table, const Key& key, const DeleteOptions& options) EXCLUDES(mutex);

  // Fault switches: slows a call down; every n-th write is refused.
  void slow_down() EXCLUDES(mutex);
  Result<void> maybe_conflict() EXCLUDES(mutex);
  void set_faults(const Faults& faults) EXCLUDES(mutex);
  // Ends all watches with unavailable.
  void close() EXCLUDES(mutex);

  Clock& clock;
  Mutex mutex;
  std::map<std::string, TablePtr, std::less<>> tables GUARDED_BY(mutex);  // by table_name
  std::int64_t revision GUARDED_BY(mutex) = 0;
  bool closed GUARDED_BY(mutex) = false;
  Faults faults GUARDED_BY(mutex);
  std::int64_t watch_events GUARDED_BY(mutex) = 0;
  // Where each uid lives, and the uids that name it as their owner.
  struct Place {
    Table* table = nullptr;
    std::string path;
  };
  std::unordered_map<std::string, Place> by_uid GUARDED_BY(mutex);
  std::unordered_map<std::string, std::unordered_set<std::string>> dependents GUARDED_BY(mutex);
  std::set<Chore> chores GUARDED_BY(mutex);
  bool unsynced GUARDED_BY(mutex) = false;  // written since the last sync of the disk
  Condition chores_changed;
  // Any thread, no mutex needed: works on a connection of its own.
  Result<void> sync_disk() { return disk_->sync(); }

 private:
  explicit Core(Clock& its_clock) : clock(its_clock) {}
  Result<void> load() EXCLUDES(mutex);
  Result<void> load_row(Disk::Stored row) REQUIRES(mutex);
  Result<void> check_room(const Table& table, const json::Value& object) REQUIRES(mutex);
  // A pod's priority is the number of its class, or of the default class.
  Result<void> take_priority(json::Value& pod) EXCLUDES(mutex);
  // The one place where a state changes: disk first, then memory, then who waits for it. before null: new.
  Result<Pin> record(Table& table, const std::string& path, const Pin& before, Next next) REQUIRES(mutex);
  void index(Table& table, const std::string& path, const Pin& before, const Pin& after, bool removed) REQUIRES(mutex);
  void leave_chores(Table& table, const std::string& path, const Pin& after, bool removed) REQUIRES(mutex);
  void follow_definition(const Pin& after, bool removed) REQUIRES(mutex);

  std::unique_ptr<Disk> disk_;
  std::size_t objects_ GUARDED_BY(mutex) = 0;
  std::int64_t writes_ GUARDED_BY(mutex) = 0;
};

}  // namespace muster::kube::local
