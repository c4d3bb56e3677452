#pragma once
// kube::Api: the one interface through which all cluster code sees a cluster. Two homes: kube/local (embedded store,
// one machine) and kube/rest (a real API server over HTTPS). Semantics are those of Kubernetes; tests/contract runs one
// suite against both. Objects are JSON values with apiVersion, kind and metadata. A writer creates, or sends a merge
// patch; each field has one writer (table in README.md). Nobody keeps decoded structs to write them back. Thread
// contract: every method may be called from any thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace muster::kube {

// A kind that the cluster knows. kinds.h holds the fixed table (kinds::pod, kinds::node ...).
struct Kind {
  std::string group;    // "" = core
  std::string version;  // "v1"
  std::string kind;     // "Pod"
  std::string plural;   // "pods"
  bool namespaced = true;
  bool has_status = true;  // status is a subresource
  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
};

struct Key {
  std::string ns;  // "" for cluster-scoped kinds
  std::string name;
};

struct ListOptions {
  std::string ns;              // "" = all namespaces
  std::string label_selector;  // Kubernetes syntax: "a=b,c in (d,e),!f"
  std::string field_selector;  // "metadata.name=x,spec.nodeName=y,status.phase!=Running"
  int limit = 0;               // page size; 0 = everything
  std::string continue_token;
};

struct List {
  std::vector<json::Value> items;
  std::string resource_version;
  std::string continue_token;  // "" on the last page
};

struct Event {
  enum class Type { Added, Modified, Deleted, Bookmark };
  Type type = Type::Added;
  json::Value object;  // Bookmark: only metadata.resourceVersion
};

// A running watch. Ends by destruction. One thread reads it; cancel() may be called from any.
class Watch {
 public:
  virtual ~Watch() = default;
  // Waits for the next event. nullopt: the deadline passed, nothing happened. not_found with status 410: too old, list
  // again. unavailable: the connection ended; resume from the last seen resourceVersion.
  virtual Result<std::optional<Event>> next(Deadline deadline) = 0;
  virtual void cancel() = 0;
};

struct WatchOptions {
  std::string ns;
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;  // "" = from now, beginning with Added events for what exists
  bool bookmarks = true;
  // The server ends the watch after this long (0 = when it likes), with a bookmark about 2 s before.
  std::int64_t timeout_seconds = 0;
};

enum class Propagation { Background, Foreground, Orphan };

struct DeleteOptions {
  std::optional<std::int64_t> grace_seconds;  // nullopt = the object's own; 0 = at once
  Propagation propagation = Propagation::Background;
  std::string uid;               // precondition; "" = none
  std::string resource_version;  // precondition; "" = none
};

struct Binding {
  std::string node;
  // Annotations set in the same write as the node (muster.dev/devices). On a real API server the Binding's
  // metadata.annotations are copied to the pod by the server itself.
  std::vector<std::pair<std::string, std::string>> annotations;
  std::string uid;               // precondition; "" = none
  std::string resource_version;  // precondition; "" = none
};

class Api {
 public:
  virtual ~Api() = default;

  virtual Result<json::Value> get(const Kind& kind, const Key& key) = 0;
  virtual Result<List> list(const Kind& kind, const ListOptions& options) = 0;
  virtual Result<std::unique_ptr<Watch>> watch(const Kind& kind, const WatchOptions& options) = 0;
  // The server sets uid, resourceVersion, creationTimestamp, generation, defaults; metadata.generateName is honoured.
  // conflict: the name is taken.
  virtual Result<json::Value> create(const Kind& kind, json::Value object) = 0;
  // Replaces everything but status. conflict (409) unless metadata.resourceVersion is the current one (absent: last
  // write wins).
  virtual Result<json::Value> update(const Kind& kind, json::Value object) = 0;
  // RFC 7396. metadata.resourceVersion inside the patch is a precondition.
  virtual Result<json::Value> patch(const Kind& kind, const Key& key, const json::Value& patch) = 0;
  // The same on the status subresource: only `status` (and the precondition) of the patch is taken.
  virtual Result<json::Value> patch_status(const Kind& kind, const Key& key, const json::Value& patch) = 0;
  // With finalizers or a grace period the object stays with metadata.deletionTimestamp until they are gone.
  virtual Result<void> remove(const Kind& kind, const Key& key, const DeleteOptions& options) = 0;

  // pods/binding. conflict: already bound (or a precondition failed).
  virtual Result<void> bind(const Key& pod, const Binding& binding) = 0;
  // pods/eviction. exhausted (429): a disruption budget forbids it now.
  virtual Result<void> evict(const Key& pod, const DeleteOptions& options) = 0;
};

struct LogOptions {
  bool follow = false;
  std::optional<std::int64_t> tail_lines;
  bool previous = false;  // the instance before the last restart
  std::string container = "main";
};

// A byte stream that ends. read() gives some bytes, "" at the end, timed_out when the deadline passed.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual Result<std::string> read(Deadline deadline) = 0;
  virtual void cancel() = 0;
};

// Logs (later exec, attach, port-forward) of pods. On one machine node/run implements it; on a cluster kube/rest does.
class PodStreams {
 public:
  virtual ~PodStreams() = default;
  virtual Result<std::unique_ptr<ByteStream>> logs(const Key& pod, const LogOptions& options) = 0;
};

}  // namespace muster::kube
