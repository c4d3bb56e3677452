#pragma once
// The home that the contract suite asks: kube/local or a real API server. A case sees only kube::Api and may use
// nothing else, so that the same bits run against both.

#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "kube/api.h"
#include "kube/kinds.h"
#include "kube/objects.h"

namespace contract {

using muster::Deadline;
using muster::ErrorKind;
using muster::milliseconds;
using muster::Result;
using muster::seconds;
namespace json = muster::json;
namespace kube = muster::kube;
namespace kinds = muster::kube::kinds;

// The API under test. Set by main before the cases run.
kube::Api& api();
void set_api(kube::Api* api);

json::Value parsed(std::string_view text);
// A namespace of its own for one case, ready for pods.
std::string new_namespace();
json::Value config_map(const std::string& ns, const std::string& name, const std::string& label = "");
json::Value pod(const std::string& ns, const std::string& name);
json::Value queue(const std::string& name, double quota = 1);

json::Value made(const kube::Kind& kind, json::Value object);
// What is there now; null when nothing is.
json::Value found(const kube::Kind& kind, const kube::Key& key);
// Asks until it is true or 20 s are over.
bool eventually(const std::function<bool()>& holds);
std::vector<std::string> names_of(const std::vector<json::Value>& objects);

// The next event that is no bookmark, within 10 s.
kube::Event next_event(kube::Watch& watch);
// True when nothing but bookmarks comes within a moment.
bool stays_quiet(kube::Watch& watch);
// Everything that ends with the watch: its error.
muster::Error end_of(kube::Watch& watch);

// The error of a call that must have been refused.
template <class T>
muster::Error refusal(const Result<T>& result) {
  REQUIRE_MESSAGE(!result.has_value(), "the call was taken");
  return result.error();
}

std::string text(const json::Value& value, std::string_view pointer);
std::int64_t number(const json::Value& value, std::string_view pointer);

}  // namespace contract
