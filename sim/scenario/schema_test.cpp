#include <doctest/doctest.h>

#include <set>

#include "base/file.h"
#include "base/schema.h"
#include "sim/scenario/document.h"
#include "sim/scenario/read.h"
#include "sim/test_paths.h"

namespace muster::sim {
namespace {

json::Value schema_document() {
  const Result<std::string> text = read_file(repository() + "/api/scenario.schema.json");
  REQUIRE(text.has_value());
  const Result<json::Value> value = json::parse(*text);
  REQUIRE(value.has_value());
  return *value;
}

template <class T>
std::set<std::string> members_of() {
  std::set<std::string> out;
  boost::mp11::mp_for_each<boost::describe::describe_members<T, boost::describe::mod_public>>(
      [&](auto member) { out.insert(json::detail::camel(member.name)); });
  return out;
}

// The schema's properties are the reader's members, and reading the schema's defaults gives what reading nothing gives.
template <class T>
void compare(const json::Value& document, const std::string& pointer) {
  CAPTURE(pointer);
  const json::Value* properties = json::find(document, pointer + "/properties");
  REQUIRE(properties != nullptr);
  std::set<std::string> names;
  json::Object defaults;
  for (const auto& [name, property] : properties->get_object()) {
    names.insert(std::string(name));
    if (const json::Value* value = json::member(property, "default")) defaults[name] = *value;
  }
  CHECK(names == members_of<T>());
  Result<T> filled = json::decode<T>(defaults, json::Unknown::Refuse);
  REQUIRE_MESSAGE(filled.has_value(), filled.error().text);
  json::Value left = json::encode(*filled), right = json::encode(T{});
  if (left.get_object().contains("actions")) left.get_object().erase("actions");
  // A member whose absence means something has its default spelled in the schema only.
  if (left.get_object().contains("maxConsolidationPreemptees")) left.get_object().erase("maxConsolidationPreemptees");
  const std::string shown = json::write(left) + " is not " + json::write(right);
  CHECK_MESSAGE(left == right, shown);
}

TEST_CASE("api/scenario.schema.json names the members and defaults that the reader has") {
  const json::Value document = schema_document();
  compare<document::Scenario>(document, "");
  compare<document::Placement>(document, "/definitions/placement");
  compare<document::Config>(document, "/definitions/config");
  compare<document::Taint>(document, "/definitions/taint");
  compare<document::Mig>(document, "/definitions/mig");
  compare<document::Node>(document, "/definitions/node");
  compare<document::QueueResource>(document, "/definitions/queueResource");
  compare<document::Usage>(document, "/definitions/usage");
  compare<document::Queue>(document, "/definitions/queue");
  compare<document::Topology>(document, "/definitions/topology");
  compare<document::PoolPlacement>(document, "/definitions/poolPlacement");
  compare<document::Pool>(document, "/definitions/pool");
  compare<document::Budget>(document, "/definitions/budget");
  compare<document::TopologyConstraint>(document, "/definitions/topologyConstraint");
  compare<document::SubGroup>(document, "/definitions/subGroup");
  compare<document::Segments>(document, "/definitions/segments");
  compare<document::Request>(document, "/definitions/request");
  compare<document::NodeExpression>(document, "/definitions/nodeExpression");
  compare<document::Toleration>(document, "/definitions/toleration");
  compare<document::PodTerm>(document, "/definitions/podTerm");
  compare<document::SpreadTerm>(document, "/definitions/spreadTerm");
  compare<document::Pod>(document, "/definitions/pod");
  compare<document::Job>(document, "/definitions/job");
  compare<document::Add>(document, "/definitions/add");
  compare<document::Remove>(document, "/definitions/remove");
  compare<document::Set>(document, "/definitions/set");
  compare<document::Step>(document, "/definitions/step");
  compare<document::Run>(document, "/definitions/run");
  compare<document::ExpectPods>(document, "/definitions/expectPods");
  compare<document::ExpectNode>(document, "/definitions/expectNode");
  compare<document::Together>(document, "/definitions/together");
  compare<document::AtMost>(document, "/definitions/atMost");
  compare<document::ExpectShare>(document, "/definitions/expectShare");
  compare<document::ExpectVerdict>(document, "/definitions/expectVerdict");
  compare<document::Expect>(document, "/definitions/expect");
}

TEST_CASE("the schema's defaults of the configuration are the engine's") {
  const json::Value document = schema_document();
  const json::Value* config = json::find(document, "/definitions/config/properties");
  REQUIRE(config != nullptr);
  json::Object defaults;
  for (const auto& [name, property] : config->get_object()) {
    if (const json::Value* value = json::member(property, "default")) defaults[name] = *value;
  }
  const Result<Scenario> named = read_scenario(json::write(json::Object{{"config", defaults}}));
  const Result<Scenario> empty = read_scenario("{}");
  REQUIRE(named.has_value());
  REQUIRE(empty.has_value());
  CHECK(named->config.actions == empty->config.actions);
  CHECK(named->config.max_consolidation_preemptees == empty->config.max_consolidation_preemptees);
  CHECK(named->config.staleness_grace == empty->config.staleness_grace);
  CHECK(named->config.history_k_milli == empty->config.history_k_milli);
}

TEST_CASE("every scenario file of the project passes the schema") {
  const Result<Schema> schema = Schema::load(schema_document(), "");
  REQUIRE_MESSAGE(schema.has_value(), schema.error().text);
  for (const std::string& file : files_below(repository() + "/scenarios")) {
    CAPTURE(file);
    const Result<std::string> text = read_file(file);
    REQUIRE(text.has_value());
    const Result<json::Value> value = json::parse(*text, {.depth = 64, .bytes = 64U << 20});
    REQUIRE(value.has_value());
    const Result<void> valid = schema->validate(*value);
    CHECK_MESSAGE(valid.has_value(), valid.error().text);
  }
}

TEST_CASE("the schema refuses what the reader refuses") {
  const Result<Schema> schema = Schema::load(schema_document(), "");
  REQUIRE(schema.has_value());
  for (const char* text :
       {R"({"nodez": []})", R"({"nodes": [{"name": "n", "gpu": 2}]})",
        R"({"jobs": [{"name": "j", "queue": "q", "pods": [{"state": "Sleeping"}]}]})",
        R"({"run": {"action": "dance"}})", R"({"expect": {"verdicts": {"j": {"reason": "Tired"}}}})"}) {
    CAPTURE(text);
    CHECK_FALSE(schema->validate(*json::parse(text)).has_value());
    CHECK_FALSE(read_scenario(text).has_value());
  }
}

}  // namespace
}  // namespace muster::sim
