#pragma once
// Table: all objects of one kind in memory, with the recent history from which watches and pages are served.
// Thread contract: everything mutable is guarded by the mutex of the Core that owns the table.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/threads.h"
#include "kube/api.h"
#include "kube/local/contract.h"

namespace muster::kube::local {

// One state of one object. Never changed after it was made; readers hold it without a lock.
struct Version {
  json::Value object;
  std::int64_t revision = 0;
  std::int64_t row = 0;   // on disk
  std::size_t bytes = 0;  // of its text
};
using Pin = std::shared_ptr<const Version>;
// The object is copied: what is kept for long has no slack of its making.
Pin pinned(const json::Value& object, std::int64_t revision, std::int64_t row, std::size_t bytes);

// One write. before null: created; removed: `after` is the last state, with the revision of the removal.
struct Revision {
  std::int64_t revision = 0;
  Pin before, after;
  bool removed = false;
};

// "pods", "queues.scheduling.run.ai"
std::string table_name(const Kind& kind);

struct Table {
  Table(std::shared_ptr<const Contract> its_contract, std::int64_t opened_at)
      : name(table_name(its_contract->kind)), contract(std::move(its_contract)), forgotten(opened_at) {}

  const std::string name;
  std::shared_ptr<const Contract> contract;         // of its CustomResourceDefinition's present state
  std::map<std::string, Pin, std::less<>> objects;  // by path_of(key): the order of a real API server's lists
  std::deque<Revision> history;
  std::size_t history_bytes = 0;
  std::int64_t forgotten;  // the newest revision that is no longer in the history
  bool dropped = false;    // its CustomResourceDefinition is gone
  Condition changed;

  Pin find(std::string_view path) const;
  void remember(Revision revision);
  void forget_all(std::int64_t now);
  // The objects as they were at `revision`: those at or after `from` that begin with `prefix`, at most `limit` (0 =
  // all) for which `wanted` holds. Requires: revision >= forgotten. `next` becomes the path to go on at, or "".
  template <class Wanted>
  std::vector<Pin> page(std::int64_t revision, std::string_view prefix, std::string_view from, std::size_t limit,
                        const Wanted& wanted, std::string& next) const;
};

// "ns/name", or "name" without a namespace.
std::string path_of(const Key& key);

template <class Wanted>
std::vector<Pin> Table::page(std::int64_t revision, std::string_view prefix, std::string_view from, std::size_t limit,
                             const Wanted& wanted, std::string& next) const {
  // What newer writes changed is laid over the present state: path -> state at `revision` (null: it did not exist).
  std::map<std::string, Pin, std::less<>> past;
  for (auto it = history.rbegin(); it != history.rend() && it->revision > revision; ++it) {
    past[path_of({json::text_or(it->after->object, "/metadata/namespace"),
                  json::text_or(it->after->object, "/metadata/name")})] = it->before;
  }
  std::vector<Pin> found;
  next.clear();
  auto now = objects.lower_bound(std::max(prefix, from));
  auto then = past.lower_bound(std::max(prefix, from));
  const auto in_prefix = [&](const auto& it, const auto& end) { return it != end && it->first.starts_with(prefix); };
  while (true) {
    const bool has_now = in_prefix(now, objects.end());
    const bool has_then = in_prefix(then, past.end());
    if (!has_now && !has_then) return found;
    const bool use_then = has_then && (!has_now || then->first <= now->first);
    const std::string& path = use_then ? then->first : now->first;
    const Pin& pin = use_then ? then->second : now->second;
    if (pin != nullptr && wanted(*pin)) {
      if (limit != 0 && found.size() == limit) {
        next = path;
        return found;
      }
      found.push_back(pin);
    }
    if (use_then) {
      if (has_now && now->first == then->first) ++now;
      ++then;
    } else {
      ++now;
    }
  }
}

}  // namespace muster::kube::local
