// record_event: Event objects as kubectl describe shows them. Equal ones count up instead of piling up.
#include "base/ids.h"
#include "base/log.h"
#include "kube/kinds.h"
#include "kube/objects.h"

namespace muster::kube {

namespace {

constexpr std::size_t most_message = 1024;
constexpr Duration counts_up_within = minutes(10);

struct About {
  std::string ns, kind, name, uid, reason, message, component;
};

// One name for equal events of one spell of ten minutes, so that counting up needs no search.
std::string name_of_event(const About& about, Time now) {
  const std::string same = about.kind + "|" + about.ns + "|" + about.name + "|" + about.uid + "|" + about.reason + "|" +
                           about.message + "|" + about.component + "|" + std::to_string(now.ms / counts_up_within.ms);
  std::string name = about.name;
  if (name.size() > 200) name.resize(200);
  return name + "." + uuid_of_name(same).substr(0, 18);
}

Result<void> count_up(Api& api, const Key& key, std::string_view at) {
  const json::Value present = TRY(api.get(kinds::event, key));
  const std::int64_t count = json::integer_at(present, "/count").value_or(1);
  TRY(api.patch(kinds::event, key, json::Object{{"count", count + 1}, {"lastTimestamp", at}}));
  return {};
}

}  // namespace

void record_event(Api& api, const json::Value& about, std::string_view type, std::string_view reason,
                  std::string_view message, std::string_view component, Time now) {
  const About what{.ns = namespace_of(about),
                   .kind = json::text_or(about, "/kind"),
                   .name = name_of(about),
                   .uid = uid_of(about),
                   .reason = std::string(reason),
                   .message = std::string(message.substr(0, most_message)),
                   .component = std::string(component)};
  // Events about things without a namespace stand in `default`.
  const std::string ns = what.ns.empty() ? "default" : what.ns;
  const std::string at = to_rfc3339_seconds(now);
  json::Object involved{
      {"apiVersion", json::text_or(about, "/apiVersion")}, {"kind", what.kind}, {"name", what.name}, {"uid", what.uid}};
  if (!what.ns.empty()) involved["namespace"] = what.ns;
  const Key key{ns, name_of_event(what, now)};
  const json::Value event = json::Object{{"metadata", json::Object{{"name", key.name}, {"namespace", ns}}},
                                         {"involvedObject", std::move(involved)},
                                         {"type", type},
                                         {"reason", reason},
                                         {"message", what.message},
                                         {"source", json::Object{{"component", component}}},
                                         {"reportingComponent", component},
                                         {"firstTimestamp", at},
                                         {"lastTimestamp", at},
                                         {"count", 1}};
  Result<void> recorded;
  if (const Result<json::Value> made = api.create(kinds::event, event); !made.has_value()) {
    recorded = made.error();
    if (made.error().kind == ErrorKind::Conflict) recorded = count_up(api, key, at);
  }
  if (!recorded.has_value()) {
    log::warn("kube_event", {{"about", to_text(key_of(about))}, {"reason", reason}, {"error", recorded.error().text}});
  }
}

}  // namespace muster::kube
