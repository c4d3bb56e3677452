// LocalApi: the verbs, each a few lines over the Core.
#include "kube/local/store.h"

#include <charconv>

#include "base/text.h"
#include "kube/kinds.h"
#include "kube/local/collector.h"
#include "kube/local/core.h"
#include "kube/local/metadata.h"
#include "kube/local/watch.h"
#include "kube/objects.h"
#include "kube/rest/rest.h"

namespace muster::kube {

namespace local {

namespace {

// A continue token: the revision of the first page and the path to go on at. Neither contains a space.
struct PageMark {
  std::int64_t revision = 0;
  std::string path;
};

std::string write_mark(const PageMark& mark) { return "v1." + std::to_string(mark.revision) + "." + mark.path; }

Result<PageMark> read_mark(const std::string& token) {
  PageMark mark;
  const Error wrong = invalid("listing: the continue token is not one of this server; list from the beginning");
  if (!token.starts_with("v1.")) return wrong;
  const char* end_of_token = token.data() + token.size();
  const auto [end, error] = std::from_chars(token.data() + 3, end_of_token, mark.revision);
  if (error != std::errc() || end == end_of_token || *end != '.') return wrong;
  mark.path.assign(end + 1, end_of_token);
  return mark;
}

class LocalStore final : public LocalApi {
 public:
  explicit LocalStore(std::shared_ptr<Core> core) : core_(core), collector_(std::move(core)) {}

  Result<json::Value> get(const Kind& kind, const Key& key) override {
    core_->slow_down();
    const TablePtr table = TRY(core_->table_of(kind));
    TRY(check_key(kind, key));
    return TRY(core_->get(*table, key))->object;
  }

  Result<List> list(const Kind& kind, const ListOptions& options) override;

  Result<std::unique_ptr<Watch>> watch(const Kind& kind, const WatchOptions& options) override {
    core_->slow_down();
    return start_watch(core_, TRY(core_->table_of(kind)), options);
  }

  Result<json::Value> create(const Kind& kind, json::Value object) override {
    core_->slow_down();
    const TablePtr table = TRY(core_->table_of(kind));
    TRY(core_->maybe_conflict());
    return TRY(core_->create(*table, std::move(object)))->object;
  }

  Result<json::Value> update(const Kind& kind, json::Value object) override {
    if (!object.is_object()) return invalid("updating: the body must be an object");
    const Key key = key_of(object);
    return write(kind, key,
                 [&](const Contract& contract, const Version& old) { return prepare_update(contract, old, object); });
  }

  Result<json::Value> patch(const Kind& kind, const Key& key, const json::Value& patch) override {
    return write(kind, key,
                 [&](const Contract& contract, const Version& old) { return prepare_patch(contract, old, patch); });
  }

  Result<json::Value> patch_status(const Kind& kind, const Key& key, const json::Value& patch) override {
    if (!kind.has_status) return not_found("patching the status of " + title(kind, key) + ": the kind has none");
    return write(kind, key,
                 [&](const Contract& contract, const Version& old) { return prepare_status(contract, old, patch); });
  }

  Result<void> remove(const Kind& kind, const Key& key, const DeleteOptions& options) override {
    core_->slow_down();
    const TablePtr table = TRY(core_->table_of(kind));
    TRY(check_key(kind, key));
    TRY(core_->maybe_conflict());
    return core_->remove(*table, key, options);
  }

  Result<void> bind(const Key& pod, const Binding& binding) override {
    TRY(write(kinds::pod, pod, [&](const Contract& contract, const Version& old) {
      return prepare_binding(contract, old, binding, core_->clock.now());
    }));
    return {};
  }

  Result<void> evict(const Key& pod, const DeleteOptions& options) override {
    const json::Value marked = TRY(write(kinds::pod, pod, [&](const Contract& contract, const Version& old) {
      return prepare_eviction(contract, old, options, core_->clock.now());
    }));
    DeleteOptions rest = options;
    // The mark was a write of its own: what was insisted on held then.
    rest.uid = uid_of(marked);
    rest.resource_version.clear();
    return remove(kinds::pod, pod, rest);
  }

  void set_faults(const Faults& faults) override { core_->set_faults(faults); }

 private:
  static Result<void> check_key(const Kind& kind, const Key& key) {
    if (key.name.empty()) return invalid(to_lower(kind.kind) + ": a name is required");
    if (kind.namespaced && key.ns.empty()) return invalid(title(kind, key) + ": a namespace is required");
    if (!kind.namespaced && !key.ns.empty()) return invalid(title(kind, key) + ": the kind has no namespaces");
    return {};
  }

  Result<json::Value> write(const Kind& kind, const Key& key, const Core::Verb& verb) {
    core_->slow_down();
    const TablePtr table = TRY(core_->table_of(kind));
    TRY(check_key(kind, key));
    TRY(core_->maybe_conflict());
    // The last finalizer's removal is the object's: what it last was is the answer, as from a real server.
    json::Value last;
    const Core::Verb kept = [&](const Contract& contract, const Version& old) -> Result<Next> {
      Next next = TRY(verb(contract, old));
      if (next.what == Next::What::Remove) last = next.object;
      return next;
    };
    const Pin pin = TRY(core_->change(*table, key, kept));
    return pin == nullptr ? last : pin->object;
  }

  const std::shared_ptr<Core> core_;
  Collector collector_;
};

Result<List> LocalStore::list(const Kind& kind, const ListOptions& options) {
  core_->slow_down();
  const TablePtr table = TRY(core_->table_of(kind));
  const Filter filter = TRY(Filter::create(kind, options.ns, options.label_selector, options.field_selector));
  PageMark mark;
  if (!options.continue_token.empty()) mark = TRY(read_mark(options.continue_token));
  std::vector<Pin> found;
  std::string next;
  std::int64_t revision = 0;
  {
    const Lock lock(core_->mutex);
    revision = options.continue_token.empty() ? core_->revision : mark.revision;
    if (revision < table->forgotten) {
      Error error = not_found("listing " + table->name + ": the continue token is too old; list from the beginning");
      error.status = 410;
      return error;
    }
    const std::size_t limit = options.limit > 0 ? static_cast<std::size_t>(options.limit) : 0;
    found = table->page(
        revision, filter.prefix, mark.path, limit, [&](const Version& version) { return filter.wants(version.object); },
        next);
  }
  List list;
  list.items.reserve(found.size());
  for (const Pin& pin : found) list.items.push_back(pin->object);
  list.resource_version = std::to_string(revision);
  if (!next.empty()) list.continue_token = write_mark({revision, next});
  return list;
}

// What every cluster has from its beginning.
Result<void> seed(LocalApi& api) {
  for (const char* name : {"default", "kube-system"}) {
    const Result<json::Value> made = api.create(kinds::ns, json::Object{{"metadata", json::Object{{"name", name}}}});
    if (!made.has_value() && made.error().kind != ErrorKind::Conflict) return made.error();
  }
  return {};
}

}  // namespace

}  // namespace local

Result<std::unique_ptr<LocalApi>> LocalApi::open(const Options& options) {
  Clock& clock = options.clock != nullptr ? *options.clock : system_clock();
  auto core = TRY(local::Core::open(options.path, clock).at("opening the cluster store"));
  auto store = std::make_unique<local::LocalStore>(std::move(core));
  TRY(local::seed(*store));
  TRY(ensure_crds(*store, false));
  return store;
}

}  // namespace muster::kube
