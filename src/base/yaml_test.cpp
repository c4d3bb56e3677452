#include "base/yaml.h"

#include <doctest/doctest.h>

#include <string>

namespace muster::yaml {
namespace {

json::Value read(std::string_view text) {
  const Result<json::Value> value = parse(text);
  REQUIRE_MESSAGE(value.has_value(), (value.has_value() ? "" : value.error().text));
  return *value;
}

json::Value js(std::string_view text) { return *json::parse(text); }

std::string refusal(std::string_view text, Limits limits = {}) {
  const Result<json::Value> value = parse(text, limits);
  REQUIRE_FALSE(value.has_value());
  CHECK(value.error().kind == ErrorKind::Invalid);
  return value.error().text;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE("a manifest is read into the JSON that kubectl would send") {
  const json::Value pod = read(
      "apiVersion: v1\n"
      "kind: Pod   # a comment\n"
      "metadata:\n"
      "  name: train-1-0\n"
      "  labels: {project: vision, \"gpu\": 'yes'}\n"
      "spec:\n"
      "  containers:\n"
      "  - name: main\n"
      "    image: host\n"
      "    args: [\"-c\", 'echo it''s']\n"
      "    script: |\n"
      "      a\n"
      "       b\n"
      "    folded: >-\n"
      "      one\n"
      "      two\n"
      "  terminationGracePeriodSeconds: 30\n");
  CHECK(pod ==
        js(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"train-1-0","labels":{"project":"vision","gpu":"yes"}},
    "spec":{"containers":[{"name":"main","image":"host","args":["-c","echo it's"],"script":"a\n b\n","folded":"one two"}],
    "terminationGracePeriodSeconds":30}})"));
}

TEST_CASE("plain scalars mean what the core schema says") {
  CHECK(read("[true, True, FALSE, yes, no, on, off, y, N]") ==
        js(R"([true,true,false,"yes","no","on","off","y","N"])"));
  CHECK(read("{a: ~, b: null, c: [Null, NULL, nil], d: , e}") ==
        js(R"({"a":null,"b":null,"c":[null,null,"nil"],"d":null,"e":null})"));
  CHECK(read("[0, -7, +7, 0x1F, 0o17, 0644, 089, 9223372036854775807, -9223372036854775808]") ==
        js(R"([0,-7,7,31,15,420,89,9223372036854775807,-9223372036854775808])"));
  CHECK(read("18446744073709551615").is_uint64());
  CHECK(read("99999999999999999999").is_double());
  CHECK(read("[1.5, .5, 1., 1e3, -2.5E-1]") == js("[1.5,0.5,1.0,1000.0,-0.25]"));
  CHECK(read("[1.2.3, 1e, e1, 0x, 0xg, 1_000, 2026-11-24, 12:30, -, 500m, 16Gi, .]") ==
        js(R"(["1.2.3","1e","e1","0x","0xg","1_000","2026-11-24","12:30","-","500m","16Gi","."])"));
  CHECK(read("['1', \"true\", '~', !!str 5, !!int \"5\", !!float 2, !!bool true, !!null ~, ! 7]") ==
        js(R"(["1","true","~","5",5,2.0,true,null,"7"])"));
}

TEST_CASE("keys are text whatever they look like") {
  CHECK(read("1: a\ntrue: b\nnull: c\n") == js(R"({"1":"a","true":"b","null":"c"})"));
}

TEST_CASE("aliases and merge keys are followed") {
  CHECK(read("a: &x {k: 1}\nb: *x\n") == js(R"({"a":{"k":1},"b":{"k":1}})"));
  CHECK(read("base: &b {k: 1, l: 2}\nc: {<<: *b, k: 3}\nd: {<<: [{k: 9}, *b]}\n") ==
        js(R"({"base":{"k":1,"l":2},"c":{"k":3,"l":2},"d":{"k":9,"l":2}})"));
  CHECK(has(refusal("a: *nowhere\n"), "*nowhere"));
  CHECK(has(refusal("a: &a [*a]\n"), "*a"));
  CHECK(has(refusal("{<<: 5}"), "mapping"));
}

TEST_CASE("aliases cannot blow a small text up") {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k) bomb += "," + before;
    bomb += "]\n";
  }
  CHECK(has(refusal(bomb), "more than 100000 values"));
}

TEST_CASE("size, depth and number of values are bounded") {
  CHECK(refusal("aaaa", {.bytes = 3}) == "document has 4 bytes; at most 3 are taken");
  CHECK(parse("aaaa", {.bytes = 3}).error().status == 413);
  CHECK(has(refusal(std::string(100, '[') + std::string(100, ']')), "nested deeper than 64"));
  CHECK(has(refusal(std::string(100'000, '[')), "nested deeper than 64"));
  CHECK(parse(std::string(64, '[') + std::string(64, ']')).has_value());
  CHECK(has(refusal("a: &a [[[1]]]\nb: [[[*a]]]\n", {.depth = 5}), "nested deeper"));
  CHECK(has(refusal("[1,2,3]", {.nodes = 3}), "more than 3 values"));
}

TEST_CASE("mistakes are named with line and column") {
  CHECK(has(refusal("a: 1\nb: 2\na: 3\n"), "line 3, column 1: key \"a\" stands twice"));
  CHECK(has(refusal("a: 1\n  b: 2\n"), "line 2"));
  CHECK(has(refusal("a: [1, 2\nb: 3"), "line 2"));
  CHECK(has(refusal("a:\n\t- b\n"), "line 2"));
  CHECK(has(refusal("? [a]\n: b\n"), "a key must be text"));
  CHECK(has(refusal("a: !secret x"), "unknown tag \"!secret\""));
  CHECK(has(refusal("a: .inf"), "no form in JSON"));
  CHECK(has(refusal("a: 1e999"), "too large"));
  CHECK(has(refusal("a: !!int x"), "!!int"));
  CHECK(has(refusal("a: \xff\xfe"), "byte 3"));
  CHECK(has(refusal(std::string_view("a: \0b", 5)), "byte"));
}

TEST_CASE("a stream gives its documents, empty ones left out") {
  const Result<std::vector<json::Value>> documents = parse_all("---\na: 1\n---\n# nothing\n---\nb: 2\n...\n");
  REQUIRE(documents.has_value());
  REQUIRE(documents->size() == 2);
  CHECK((*documents)[1] == js(R"({"b":2})"));
  CHECK(parse_all("")->empty());
  CHECK(read("").is_null());
  CHECK(has(refusal("a: 1\n---\nb: 2\n"), "one YAML document"));
  CHECK_FALSE(parse_all("a: 1\n---\nb: [\n").has_value());
}

TEST_CASE("an anchor does not outlive its document") { CHECK_FALSE(parse_all("a: &x 1\n---\nb: *x\n").has_value()); }

TEST_CASE("values are written for people to read") {
  CHECK(
      write(js(
          R"({"name":"vision","gpu":{"quota":4,"limit":null,"weight":0.5},"members":["ann","bob"],"empty":{},"none":[],
    "jobs":[{"name":"a","args":["x","1"]},{"name":"b"},[1,[2]],[]]})")) ==
      "name: vision\n"
      "gpu:\n"
      "  quota: 4\n"
      "  limit: null\n"
      "  weight: 0.5\n"
      "members:\n"
      "- ann\n"
      "- bob\n"
      "empty: {}\n"
      "none: []\n"
      "jobs:\n"
      "- name: a\n"
      "  args:\n"
      "  - x\n"
      "  - \"1\"\n"
      "- name: b\n"
      "- - 1\n"
      "  - - 2\n"
      "- []\n");
  CHECK(write(js(R"({"text":"a\nb\n","open":"a\n\n  b"})")) == "text: |\n  a\n  b\nopen: |-\n  a\n\n    b\n");
  CHECK(write(js("\"x\"")) == "x\n");
}

TEST_CASE("what is written is read back as it was") {
  for (const std::string_view text : {R"("")",
                                      R"("yes")",
                                      R"("null")",
                                      R"("0644")",
                                      R"("1e3")",
                                      R"(".5")",
                                      R"("-")",
                                      R"("a: b")",
                                      R"("a #b")",
                                      R"("# c")",
                                      R"("  lead")",
                                      R"("trail ")",
                                      R"("tab\there")",
                                      R"("cr\r\n")",
                                      R"("\n")",
                                      R"("a\n\n")",
                                      R"("a\n b\n\nc")",
                                      R"(" a\nb")",
                                      R"("nul\u0000")",
                                      R"("del\u007f\u0085\u2028\ufeff")",
                                      R"("grüße 🙂")",
                                      R"("*x")",
                                      R"("&x")",
                                      R"("!x")",
                                      R"("%x")",
                                      R"("@x")",
                                      R"("`x")",
                                      R"("{a")",
                                      R"("a, b")",
                                      R"("a]")",
                                      R"("'x'")",
                                      R"("\"x\"")",
                                      R"("back\\slash")",
                                      R"("?")",
                                      R"("- a")",
                                      R"("http://h:80/p?q=1")",
                                      R"("12:30")",
                                      R"("2026-11-24")",
                                      R"("---")",
                                      R"("...")",
                                      R"("<<")",
                                      R"("=")",
                                      R"("a:")",
                                      R"(1.0)",
                                      R"(-0.5)",
                                      R"(1e300)",
                                      R"(18446744073709551615)",
                                      R"({"<<":1,"a b":2,"":3,"\n":4,"x":{"<<":[]}})",
                                      R"([[],{},[{}],[[{"a":[[1]]}]]])",
                                      R"({"a":"x\ny","b":["p\nq\n",{"c":"r\n s"}]})"}) {
    const json::Value value = js(text);
    const std::string written = write(value);
    CAPTURE(written);
    const Result<json::Value> back = parse(written);
    REQUIRE_MESSAGE(back.has_value(), (back.has_value() ? "" : back.error().text));
    CHECK(*back == value);
  }
}

}  // namespace
}  // namespace muster::yaml
