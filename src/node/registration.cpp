#include "node/registration.h"

#include <algorithm>

#include "base/log.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "model/names.h"

namespace muster::node {

namespace {
// On a node that we closed ourselves, so that a person's cordon is never lifted by us.
constexpr std::string_view retired = "muster.dev/retired";
}  // namespace

Result<void> register_node(kube::Api& api, const Offer& offer, Time now) {
  const kube::Key key{"", offer.name};
  json::Value object = node_object(offer);
  auto present = api.get(kube::kinds::node, key);
  if (!present.has_value()) {
    if (present.error().kind != ErrorKind::NotFound) return std::move(present).error();
    TRY(api.create(kube::kinds::node, std::move(object)).at("registering node " + offer.name));
  } else {
    json::Object metadata{{"labels", *json::find(object, "/metadata/labels")},
                          {"annotations", *json::find(object, "/metadata/annotations")}};
    json::Object& labels = metadata["labels"].get_object();
    if (!offer.simulated) labels[model::keys::simulated_label] = nullptr;
    json::Object patch;
    if (!kube::annotation_of(*present, retired).empty()) {
      metadata["annotations"].get_object()[retired] = nullptr;
      patch["spec"] = json::Object{{"unschedulable", nullptr}};
    }
    patch["metadata"] = std::move(metadata);
    TRY(api.patch(kube::kinds::node, key, patch).at("registering node " + offer.name));
  }
  TRY(api.patch_status(kube::kinds::node, key, json::Object{{"status", node_status(offer, now)}})
          .at("registering node " + offer.name));
  return {};
}

Result<std::vector<std::string>> nodes_left_over(kube::Api& api, const std::vector<Offer>& offers) {
  const std::string selector = std::string(model::keys::runtime_label) + "=process";
  const kube::List list = TRY(api.list(kube::kinds::node, {.label_selector = selector}));
  std::vector<std::string> names;
  for (const json::Value& node : list.items) {
    const std::string name = kube::name_of(node);
    const bool is_offered =
        std::any_of(offers.begin(), offers.end(), [&](const Offer& offer) { return offer.name == name; });
    if (!is_offered) names.push_back(name);
  }
  return names;
}

void retire_nodes(kube::Api& api, const std::vector<std::string>& left_over, const std::set<std::string>& busy) {
  for (const std::string& name : left_over) {
    Result<void> done;
    if (busy.contains(name)) {
      const json::Object patch{{"metadata", json::Object{{"annotations", json::Object{{retired, "true"}}}}},
                               {"spec", json::Object{{"unschedulable", true}}}};
      if (auto patched = api.patch(kube::kinds::node, {"", name}, patch); !patched.has_value()) done = patched.error();
    } else {
      done = api.remove(kube::kinds::node, {"", name}, {});
    }
    log::info("node_retired", {{"node", name}, {"busy", busy.contains(name)}});
    if (!done.has_value()) log::warn("node_retire_failed", {{"node", name}, {"error", done.error().text}});
  }
}

}  // namespace muster::node
