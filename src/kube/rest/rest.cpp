// RestApi: the verbs as requests. Unknown fields are refused by the server (fieldValidation=Strict), as kube/local
// does.
#include "kube/rest/rest.h"

#include <charconv>

#include "base/text.h"
#include "base/threads.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "kube/rest/kubeconfig.h"
#include "kube/rest/status.h"
#include "kube/rest/stream.h"
#include "net/client.h"

namespace muster::kube {

namespace {

constexpr Duration call_deadline = seconds(30);
constexpr Duration longest_retry_after = seconds(5);
constexpr int most_throttled = 4;
constexpr int unconditional_attempts = 10;
// A watch ends by itself after this long, so that a connection that died unnoticed is found out.
constexpr std::int64_t watch_seconds = 300;
constexpr json::Limits answer_limits{.depth = 128, .bytes = 256 << 20};

std::string title(const Kind& kind, const Key& key) { return to_lower(kind.kind) + " " + to_text(key); }

std::string collection_path(const Kind& kind, const std::string& ns) {
  std::string path = kind.group.empty() ? "/api/" + kind.version : "/apis/" + kind.group + "/" + kind.version;
  if (!ns.empty()) path += "/namespaces/" + net::encode_component(ns);
  return path + "/" + kind.plural;
}

std::string object_path(const Kind& kind, const Key& key, std::string_view subresource = "") {
  std::string path = collection_path(kind, key.ns) + "/" + net::encode_component(key.name);
  if (!subresource.empty()) path += "/" + std::string(subresource);
  return path;
}

void add_parameter(std::string& query, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  query += (query.empty() ? "?" : "&") + std::string(name) + "=" + net::encode_component(value);
}

Result<void> check_key(const Kind& kind, const Key& key) {
  if (key.name.empty()) return invalid(to_lower(kind.kind) + ": a name is required");
  if (kind.namespaced && key.ns.empty()) return invalid(title(kind, key) + ": a namespace is required");
  if (!kind.namespaced && !key.ns.empty()) return invalid(title(kind, key) + ": the kind has no namespaces");
  return {};
}

json::Value delete_options(const DeleteOptions& options) {
  json::Object out{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (options.grace_seconds) out["gracePeriodSeconds"] = *options.grace_seconds;
  static constexpr const char* names[] = {"Background", "Foreground", "Orphan"};
  out["propagationPolicy"] = names[static_cast<int>(options.propagation)];
  json::Object preconditions;
  if (!options.uid.empty()) preconditions["uid"] = options.uid;
  if (!options.resource_version.empty()) preconditions["resourceVersion"] = options.resource_version;
  if (!preconditions.empty()) out["preconditions"] = std::move(preconditions);
  return out;
}

// 429 with Retry-After (busy, or a kind that is only just being served): waits as long as it says.
bool asks_for_patience(int status, const net::Headers& headers) {
  const std::string* after = net::find_header(headers, "retry-after");
  if (status != 429 || after == nullptr) return false;
  std::int64_t wait = 1;
  std::from_chars(after->data(), after->data() + after->size(), wait);
  sleep_until({}, Deadline::in(std::min(longest_retry_after, seconds(std::max<std::int64_t>(wait, 0)))));
  return true;
}

class HttpApi final : public RestApi {
 public:
  explicit HttpApi(std::unique_ptr<net::Client> client) : client_(std::move(client)) {}

  Result<json::Value> get(const Kind& kind, const Key& key) override {
    TRY(check_key(kind, key));
    return one("reading " + title(kind, key), {.path = object_path(kind, key)});
  }

  Result<List> list(const Kind& kind, const ListOptions& options) override;
  Result<std::unique_ptr<Watch>> watch(const Kind& kind, const WatchOptions& options) override;
  Result<json::Value> create(const Kind& kind, json::Value object) override;
  Result<json::Value> update(const Kind& kind, json::Value object) override;

  Result<json::Value> patch(const Kind& kind, const Key& key, const json::Value& patch) override {
    TRY(check_key(kind, key));
    return merge("patching " + title(kind, key), object_path(kind, key), patch);
  }

  Result<json::Value> patch_status(const Kind& kind, const Key& key, const json::Value& patch) override {
    TRY(check_key(kind, key));
    // Some status subresources would take labels and annotations along.
    json::Object only;
    if (const json::Value* status = json::member(patch, "status")) only["status"] = *status;
    const std::string version = resource_version_of(patch);
    if (!version.empty()) only["metadata"] = json::Object{{"resourceVersion", version}};
    return merge("patching the status of " + title(kind, key), object_path(kind, key, "status"), only);
  }

  Result<void> remove(const Kind& kind, const Key& key, const DeleteOptions& options) override {
    TRY(check_key(kind, key));
    TRY(one("deleting " + title(kind, key),
            {.method = "DELETE", .path = object_path(kind, key), .body = json::write(delete_options(options))}));
    return {};
  }

  Result<void> bind(const Key& pod, const Binding& binding) override;
  Result<void> evict(const Key& pod, const DeleteOptions& options) override;
  Result<std::string> server_version() override;

 private:
  Result<json::Value> one(const std::string& doing, net::Call call, bool retry_throttled = true);
  Result<json::Value> merge(const std::string& doing, const std::string& path, const json::Value& patch) {
    return one(doing, {.method = "PATCH",
                       .path = path + "?fieldValidation=Strict",
                       .body = json::write(patch),
                       .content_type = "application/merge-patch+json"});
  }
  Result<json::Value> put(const Kind& kind, const Key& key, const json::Value& object) {
    return one(
        "updating " + title(kind, key),
        {.method = "PUT", .path = object_path(kind, key) + "?fieldValidation=Strict", .body = json::write(object)});
  }

  const std::unique_ptr<net::Client> client_;
};

// Sends the call and reads the one object of the answer. A server that asks for patience gets some.
Result<json::Value> HttpApi::one(const std::string& doing, net::Call call, bool retry_throttled) {
  for (int attempt = 0;; ++attempt) {
    call.deadline = Deadline::in(call_deadline);
    const net::Answer answer = TRY(client_->call(call).at(doing));
    if (answer.status < 400) {
      json::Value object = TRY(json::parse(answer.body, answer_limits).at(doing));
      strip(object);
      return object;
    }
    if (!retry_throttled || attempt >= most_throttled || !asks_for_patience(answer.status, answer.headers)) {
      return error_of_answer(doing, answer.status, answer.body);
    }
  }
}

Result<List> HttpApi::list(const Kind& kind, const ListOptions& options) {
  if (!kind.namespaced && !options.ns.empty()) return invalid(kind.plural + " have no namespaces; ask without one");
  std::string query;
  add_parameter(query, "labelSelector", options.label_selector);
  add_parameter(query, "fieldSelector", options.field_selector);
  if (options.limit > 0) add_parameter(query, "limit", std::to_string(options.limit));
  add_parameter(query, "continue", options.continue_token);
  json::Value answer = TRY(one("listing " + kind.plural, {.path = collection_path(kind, options.ns) + query}));
  List list;
  list.resource_version = resource_version_of(answer);
  list.continue_token = json::text_or(answer, "/metadata/continue");
  json::Value* items = json::find(answer, "/items");
  if (items == nullptr || !items->is_array()) return list;
  list.items.reserve(items->get_array().size());
  for (json::Value& item : items->get_array()) {
    if (!item.is_object()) continue;
    // A list names the kind once for all.
    item.get_object()["apiVersion"] = kind.api_version();
    item.get_object()["kind"] = kind.kind;
    strip(item);
    list.items.push_back(std::move(item));
  }
  return list;
}

Result<std::unique_ptr<Watch>> HttpApi::watch(const Kind& kind, const WatchOptions& options) {
  if (!kind.namespaced && !options.ns.empty()) return invalid(kind.plural + " have no namespaces; ask without one");
  if (options.resource_version.find_first_not_of("0123456789") != std::string::npos) {
    return invalid("watching " + kind.plural + ": \"" + options.resource_version + "\" is not a resourceVersion");
  }
  std::string query = "?watch=true";
  add_parameter(query, "labelSelector", options.label_selector);
  add_parameter(query, "fieldSelector", options.field_selector);
  add_parameter(query, "resourceVersion", options.resource_version);
  if (options.bookmarks) add_parameter(query, "allowWatchBookmarks", "true");
  add_parameter(query, "timeoutSeconds",
                std::to_string(options.timeout_seconds > 0 ? options.timeout_seconds : watch_seconds));
  const std::string doing = "watching " + kind.plural;
  net::Call call{.path = collection_path(kind, options.ns) + query};
  for (int attempt = 0;; ++attempt) {
    call.deadline = Deadline::in(call_deadline);
    std::unique_ptr<net::Client::Reading> reading = TRY(client_->open(call).at(doing));
    if (reading->status() < 400) return read_watch(std::move(reading), doing);
    if (attempt < most_throttled && asks_for_patience(reading->status(), reading->headers())) continue;
    std::string body;
    while (body.size() < 1 << 20) {
      const Result<std::string> more = reading->read(Deadline::in(call_deadline));
      if (!more.has_value() || more->empty()) break;
      body += *more;
    }
    return error_of_answer(doing, reading->status(), body);
  }
}

Result<json::Value> HttpApi::create(const Kind& kind, json::Value object) {
  if (!object.is_object()) return invalid(to_lower(kind.kind) + ": the body must be an object");
  const Key key = key_of(object);
  const std::string doing = "creating " + title(kind, key);
  if (kind.namespaced && key.ns.empty()) {
    return invalid(doing + ": a namespace is required; set metadata.namespace", "/metadata/namespace");
  }
  if (!kind.namespaced && !key.ns.empty()) {
    return invalid(doing + ": the kind has no namespaces; leave out metadata.namespace", "/metadata/namespace");
  }
  // A real server calls this an internal error.
  if (!resource_version_of(object).empty()) {
    return invalid(doing + ": resourceVersion must not be set", "/metadata/resourceVersion");
  }
  object.get_object().emplace("apiVersion", kind.api_version());
  object.get_object().emplace("kind", kind.kind);
  return one(doing, {.method = "POST",
                     .path = collection_path(kind, key.ns) + "?fieldValidation=Strict",
                     .body = json::write(object)});
}

Result<json::Value> HttpApi::update(const Kind& kind, json::Value object) {
  if (!object.is_object()) return invalid(to_lower(kind.kind) + ": the body must be an object");
  const Key key = key_of(object);
  TRY(check_key(kind, key));
  object.get_object().emplace("apiVersion", kind.api_version());
  object.get_object().emplace("kind", kind.kind);
  Result<json::Value> written = put(kind, key, object);
  if (written.has_value() || !resource_version_of(object).empty() || http_status(written.error()) != 422 ||
      written.error().pointer != "/metadata/resourceVersion") {
    return written;
  }
  // Custom resources cannot be updated unconditionally: the last write wins by reading the version first.
  for (int attempt = 0; attempt < unconditional_attempts; ++attempt) {
    const json::Value present = TRY(get(kind, key));
    json::set_at(object, "/metadata/resourceVersion", json::Value(resource_version_of(present)));
    written = put(kind, key, object);
    if (written.has_value() || written.error().kind != ErrorKind::Conflict) return written;
  }
  return written;
}

Result<void> HttpApi::bind(const Key& pod, const Binding& binding) {
  TRY(check_key(kinds::pod, pod));
  // This too a real server calls an internal error.
  if (binding.node.empty()) return invalid("binding " + title(kinds::pod, pod) + ": no node is named", "/target/name");
  json::Object metadata{{"name", pod.name}, {"namespace", pod.ns}};
  if (!binding.uid.empty()) metadata["uid"] = binding.uid;
  if (!binding.resource_version.empty()) metadata["resourceVersion"] = binding.resource_version;
  if (!binding.annotations.empty()) {
    json::Object annotations;
    for (const auto& [name, value] : binding.annotations) annotations[name] = value;
    metadata["annotations"] = std::move(annotations);
  }
  const json::Value body =
      json::Object{{"apiVersion", "v1"},
                   {"kind", "Binding"},
                   {"metadata", std::move(metadata)},
                   {"target", json::Object{{"apiVersion", "v1"}, {"kind", "Node"}, {"name", binding.node}}}};
  TRY(one("binding " + title(kinds::pod, pod) + " to " + binding.node,
          {.method = "POST", .path = object_path(kinds::pod, pod, "binding"), .body = json::write(body)}));
  return {};
}

Result<void> HttpApi::evict(const Key& pod, const DeleteOptions& options) {
  TRY(check_key(kinds::pod, pod));
  const json::Value body = json::Object{{"apiVersion", "policy/v1"},
                                        {"kind", "Eviction"},
                                        {"metadata", json::Object{{"name", pod.name}, {"namespace", pod.ns}}},
                                        {"deleteOptions", delete_options(options)}};
  TRY(one("evicting " + title(kinds::pod, pod),
          {.method = "POST", .path = object_path(kinds::pod, pod, "eviction"), .body = json::write(body)}, false));
  return {};
}

Result<std::string> HttpApi::server_version() {
  return json::text_or(TRY(one("asking for the version", {.path = "/version"})), "/gitVersion");
}

}  // namespace

Result<std::unique_ptr<RestApi>> RestApi::open(const std::string& kubeconfig_path, const std::string& context) {
  Kubeconfig config = TRY(read_kubeconfig(kubeconfig_path, context));
  auto client = TRY(net::Client::create({.base_url = config.server,
                                         .bearer_token = std::move(config.token),
                                         .ca_pem = std::move(config.ca_pem),
                                         .certificate_pem = std::move(config.certificate_pem),
                                         .key_pem = std::move(config.key_pem),
                                         .insecure_skip_verify = config.insecure_skip_verify}));
  return std::make_unique<HttpApi>(std::move(client));
}

}  // namespace muster::kube
