#include "base/json.h"

#include <doctest/doctest.h>

namespace muster {
namespace {

using json::Object;
using json::Value;

Value js(std::string_view text) {
  const Result<Value> value = json::parse(text);
  REQUIRE_MESSAGE(value.has_value(), (value.has_value() ? "" : value.error().text));
  return *value;
}

std::string refusal(std::string_view text, json::Limits limits = {}) {
  const Result<Value> value = json::parse(text, limits);
  REQUIRE_FALSE(value.has_value());
  CHECK(value.error().kind == ErrorKind::Invalid);
  return value.error().text;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE("mistakes are named with line and column") {
  CHECK(has(refusal("{\n  \"a\": 1,\n  \"b\" 2\n}"), "line 3"));
  CHECK(has(refusal("{\"a\": 1,}"), "line 1, column"));
  CHECK(has(refusal("[1] x"), "line 1, column 5"));
  CHECK(has(refusal("// no\n1"), "line 1"));
  CHECK(has(refusal(""), "not valid JSON"));
  CHECK(has(refusal("\"\xff\""), "not valid JSON"));
  CHECK(has(refusal("[01]"), "not valid JSON"));
  CHECK(has(refusal("NaN"), "not valid JSON"));
  CHECK(js(" \n 1 \t ") == 1);
}

TEST_CASE("size and depth are bounded") {
  CHECK(json::parse("[1,2,3]", {.bytes = 6}).error().status == 413);
  CHECK(has(refusal(std::string(65, '[') + std::string(65, ']')), "nested deeper than 64"));
  CHECK(json::parse(std::string(64, '[') + std::string(64, ']')).has_value());
  CHECK(has(refusal(std::string(500'000, '[')), "nested deeper"));
}

TEST_CASE("numbers that do not fit are refused where they stand") {
  for (const std::string_view number : {"1e400", "-1e400", "0e9005", "-0e9005", "123456789012345678901234567890e300"}) {
    const Result<Value> value = json::parse("{\"a\":[1," + std::string(number) + "]}");
    REQUIRE_FALSE(value.has_value());
    CHECK(value.error().pointer == "/a/1");
  }
  CHECK(js("1e308").is_double());
  CHECK(js("1e-400") == 0.0);
}

TEST_CASE("objects keep the order in which they were written") {
  CHECK(json::write(js(R"({"b":1,"a":{"d":2,"c":3}})")) == R"({"b":1,"a":{"d":2,"c":3}})");
}

TEST_CASE("pointers find what they name") {
  Value value = js(R"({"a":{"b/c":[10,{"~":true}]},"":5,"n":1.5,"i":7.0,"u":18446744073709551615,"s":"x"})");
  CHECK(*json::find(value, "/a/b~1c/0") == 10);
  CHECK(*json::find(value, "/a/b~1c/1/~0") == true);
  CHECK(*json::find(value, "/") == 5);
  CHECK(json::find(value, "") == &value);
  for (const char* pointer : {"/a/x", "/a/b~1c/2", "/a/b~1c/-", "/a/b~1c/x", "/s/x", "a"})
    CHECK(json::find(value, pointer) == nullptr);
  CHECK(json::integer_at(value, "/i") == 7);
  CHECK_FALSE(json::integer_at(value, "/n").has_value());
  CHECK_FALSE(json::integer_at(value, "/u").has_value());
  CHECK(json::number_at(value, "/n") == 1.5);
  CHECK(json::bool_at(value, "/a/b~1c/1/~0") == true);
  CHECK_FALSE(json::bool_at(value, "/n").has_value());
  CHECK(json::text_at(value, "/s") == "x");
  CHECK(json::text_or(value, "/t", "none") == "none");
  CHECK(json::member(value, "s") != nullptr);
  CHECK(json::member(Value(5), "s") == nullptr);
}

TEST_CASE("set_at makes the objects on its way") {
  Value value = Object{};
  json::set_at(value, "/metadata/labels/a~1b", "x");
  json::set_at(value, "/metadata/labels/c", 1);
  CHECK(value == js(R"({"metadata":{"labels":{"a/b":"x","c":1}}})"));
  json::set_at(value, "", nullptr);
  CHECK(value.is_null());
}

TEST_CASE("merge patches work as in RFC 7396") {
  const std::pair<std::pair<const char*, const char*>, const char*> cases[] = {
      {{R"({"a":"b"})", R"({"a":"c"})"}, R"({"a":"c"})"},
      {{R"({"a":"b"})", R"({"b":"c"})"}, R"({"a":"b","b":"c"})"},
      {{R"({"a":"b","b":"c"})", R"({"a":null})"}, R"({"b":"c"})"},
      {{R"({"a":["b"]})", R"({"a":"c"})"}, R"({"a":"c"})"},
      {{R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"}, R"({"a":{"b":"d"}})"},
      {{R"({"a":[{"b":"c"}]})", R"({"a":[1]})"}, R"({"a":[1]})"},
      {{R"(["a","b"])", R"(["c","d"])"}, R"(["c","d"])"},
      {{R"({"a":"foo"})", "null"}, "null"},
      {{R"({"e":null})", R"({"a":1})"}, R"({"e":null,"a":1})"},
      {{"[1,2]", R"({"a":"b","c":null})"}, R"({"a":"b"})"},
      {{"{}", R"({"a":{"bb":{"ccc":null}}})"}, R"({"a":{"bb":{}}})"},
  };
  for (const auto& [given, expected] : cases) {
    Value target = js(given.first);
    json::merge_patch(target, js(given.second));
    CHECK(json::write(target) == expected);
  }
}

TEST_CASE("the difference of two objects is the patch between them") {
  const Value from = js(R"({"a":1,"b":{"c":2,"d":3},"e":[1],"f":"x"})");
  const Value to = js(R"({"a":1,"b":{"c":2,"d":4,"g":5},"e":[1,2],"h":{"i":6}})");
  const Value patch = json::diff_merge_patch(from, to);
  CHECK(patch == js(R"({"f":null,"b":{"d":4,"g":5},"e":[1,2],"h":{"i":6}})"));
  Value patched = from;
  json::merge_patch(patched, patch);
  CHECK(patched == to);
  CHECK(json::diff_merge_patch(from, from) == Object{});
}

}  // namespace
}  // namespace muster
