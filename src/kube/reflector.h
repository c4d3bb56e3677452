#pragma once
// Reflector: list, then watch, resume after breaks, list again after 410; hands each change to one callback on its own
// thread. What every controller of cluster/ and node/ stands on.

#include <functional>
#include <memory>
#include <string>

#include "kube/api.h"

namespace muster::kube {

struct Change {
  enum class Type {
    Upsert,
    Remove,
    Synced
  };  // Synced: everything of the first list (or of a new list after 410) has been handed over
  Type type = Type::Upsert;
  // Remove: the last known state, but only its identity, labels and owners when it vanished between two lists; Synced:
  // null.
  json::Value object;
};

class Reflector {
 public:
  // `deliver` is called from the reflector's thread, one call at a time. After a new list, objects that vanished come
  // as Remove.
  Reflector(Api& api, const Kind& kind, WatchOptions options, std::function<void(Change)> deliver);
  // Stops and joins; no callback runs afterwards.
  ~Reflector();
  Reflector(const Reflector&) = delete;

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace muster::kube
