// ensure_crds: the definitions of api/crds in a cluster, whichever home it has.
#include <algorithm>

#include "base/contract.h"
#include "base/threads.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "kube/rest/rest.h"

namespace muster::kube {

namespace {

constexpr Duration most_wait = seconds(30);
constexpr Duration between_looks = milliseconds(50);

bool is_established(const json::Value& crd) {
  const json::Value* conditions = json::find(crd, "/status/conditions");
  if (conditions == nullptr || !conditions->is_array()) return false;
  return std::any_of(conditions->get_array().begin(), conditions->get_array().end(), [](const json::Value& condition) {
    return json::text_or(condition, "/type") == "Established" && json::text_or(condition, "/status") == "True";
  });
}

Result<json::Value> apply(Api& api, const json::Value& wanted) {
  Result<json::Value> made = api.create(kinds::crd, wanted);
  if (made.has_value() || made.error().kind != ErrorKind::Conflict) return made;
  const json::Value* spec = json::member(wanted, "spec");
  return api.patch(kinds::crd, {"", name_of(wanted)}, json::Object{{"spec", spec == nullptr ? json::Value() : *spec}});
}

Result<void> wait_established(Api& api, const std::string& name, Deadline deadline) {
  while (true) {
    const json::Value crd = TRY(api.get(kinds::crd, {"", name}));
    if (is_established(crd)) return {};
    if (deadline.passed()) {
      return timed_out("customresourcedefinition " + name +
                       ": the server does not serve it yet; look at its conditions");
    }
    sleep_until({}, Deadline::in(between_looks));
  }
}

}  // namespace

Result<void> ensure_crds(Api& api, bool only_check) {
  std::vector<std::string> names;
  for (const std::string& path : contract::paths_below("crds/")) {
    const json::Value& wanted = *contract::document(path);
    const std::string name = name_of(wanted);
    if (!only_check) {
      TRY(apply(api, wanted).at("installing customresourcedefinition " + name));
    } else if (const Result<json::Value> present = api.get(kinds::crd, {"", name}); !present.has_value()) {
      if (present.error().kind != ErrorKind::NotFound) return present.error();
      return not_found("the cluster lacks the customresourcedefinition " + name +
                       "; start with --install-crds, or apply api/crds");
    }
    names.push_back(name);
  }
  for (const std::string& name : names) TRY(wait_established(api, name, Deadline::in(most_wait)));
  return {};
}

}  // namespace muster::kube
