#include "base/describe.h"

#include <doctest/doctest.h>

namespace {

struct Inner {
  std::string key_name;
  std::int32_t count = 5;
};
MUSTER_DESCRIBE(Inner, key_name, count)

struct Outer {
  std::string name;
  std::optional<double> gpu_quota;
  muster::json::Patch<std::int64_t> limit;
  std::vector<Inner> items;
  std::map<std::string, std::string> labels;
  muster::json::Value anything;
  bool is_on = false;
};
MUSTER_DESCRIBE(Outer, name, gpu_quota, limit, items, labels, anything, is_on)

}  // namespace

namespace muster::json {
namespace {

Result<Outer> read(std::string_view text, Unknown unknown = Unknown::Ignore) {
  return decode<Outer>(*parse(text), unknown);
}

TEST_CASE("members are snake_case in C++ and camelCase in JSON") {
  const Result<Outer> outer = read(
      R"({"name":"a","gpuQuota":1.5,"items":[{"keyName":"k"},{"count":7}],"labels":{"x":"y"},"anything":[1],"isOn":true,"more":1})");
  REQUIRE(outer.has_value());
  CHECK(outer->gpu_quota == 1.5);
  CHECK(outer->items[0].key_name == "k");
  CHECK(outer->items[0].count == 5);
  CHECK(outer->items[1].count == 7);
  CHECK(outer->labels.at("x") == "y");
  CHECK(outer->is_on);
}

TEST_CASE("a patch tells absent, null and a value apart; an optional does not") {
  CHECK_FALSE(read("{}")->limit.present);
  CHECK(read(R"({"limit":null})")->limit.present);
  CHECK_FALSE(read(R"({"limit":null})")->limit.value.has_value());
  CHECK(read(R"({"limit":3})")->limit.value == 3);
  CHECK_FALSE(read(R"({"gpuQuota":null})")->gpu_quota.has_value());
}

TEST_CASE("wrong types and unknown members are named with their pointer") {
  CHECK(read(R"({"name":5})").error().text == "/name: expected a string, got 5");
  CHECK(read(R"({"items":[{"count":"x"}]})").error().pointer == "/items/0/count");
  CHECK(read(R"({"items":[{"count":3000000000}]})").error().pointer == "/items/0/count");
  CHECK(read(R"({"labels":{"a/b":1}})").error().pointer == "/labels/a~1b");
  CHECK(read("[]").error().text == "document: expected an object, got []");
  const Result<Outer> typo = read(R"({"nmae":"a"})", Unknown::Refuse);
  REQUIRE_FALSE(typo.has_value());
  CHECK(typo.error().text == "/nmae: unknown field \"nmae\" (did you mean \"name\"?)");
}

TEST_CASE("what is encoded decodes to the same") {
  Outer outer{.name = "n", .items = {{"k", 1}}, .labels = {{"a", "b"}}, .anything = Object{{"x", 1}}};
  outer.limit = {.present = true, .value = std::nullopt};
  const Value value = encode(outer);
  CHECK(
      value ==
      *parse(
          R"({"name":"n","limit":null,"items":[{"keyName":"k","count":1}],"labels":{"a":"b"},"anything":{"x":1},"isOn":false})"));
  const Result<Outer> back = decode<Outer>(value, Unknown::Refuse);
  REQUIRE(back.has_value());
  CHECK(encode(*back) == value);
}

}  // namespace
}  // namespace muster::json
