#include "base/pattern.h"

#include <doctest/doctest.h>

#include <string>

namespace muster {
namespace {

bool occurs(std::string_view pattern, std::string_view text) {
  const Result<Pattern> compiled = Pattern::compile(pattern);
  REQUIRE_MESSAGE(compiled.has_value(), (compiled.has_value() ? "" : compiled.error().text));
  return compiled->is_in(text);
}

std::string refusal(std::string_view pattern) {
  const Result<Pattern> compiled = Pattern::compile(pattern);
  REQUIRE_FALSE(compiled.has_value());
  return compiled.error().text;
}

TEST_CASE("a pattern is found anywhere unless anchors bind it") {
  CHECK(occurs("b", "abc"));
  CHECK_FALSE(occurs("^b", "abc"));
  CHECK_FALSE(occurs("b$", "abc"));
  CHECK(occurs("^abc$", "abc"));
  CHECK(occurs("", ""));
  CHECK(occurs("", "abc"));
  CHECK_FALSE(occurs("^$", "a"));
  CHECK(occurs("^a|b$", "xb"));
  CHECK(occurs("0[0-7]{3}", "0644"));
}

TEST_CASE("repeats, classes, groups and choices work as in ECMA") {
  CHECK(occurs("^a*$", ""));
  CHECK(occurs("^a+$", "aaa"));
  CHECK_FALSE(occurs("^a+$", ""));
  CHECK(occurs("^colou?r$", "color"));
  CHECK(occurs("^a{2,3}$", "aaa"));
  CHECK_FALSE(occurs("^a{2,3}$", "aaaa"));
  CHECK_FALSE(occurs("^a{2}$", "a"));
  CHECK(occurs("^a{2,}$", "aaaaa"));
  CHECK(occurs("^(ab|cd)*$", "abcdab"));
  CHECK_FALSE(occurs("^(ab|cd)*$", "abc"));
  CHECK(occurs("^(?:x|)$", ""));
  CHECK(occurs("^[^0-9]$", "x"));
  CHECK_FALSE(occurs("^[^0-9]$", "5"));
  CHECK(occurs("^[-._A-Za-z0-9]+$", "a-b_c.D"));
  CHECK(occurs("^[a-z0-9-]$", "-"));
  CHECK(occurs("^[\\]\\-]+$", "]-"));
  CHECK(occurs("^\\d+\\.\\d$", "12.5"));
  CHECK_FALSE(occurs("^\\w+$", "a b"));
  CHECK(occurs("\\s", "a\tb"));
  CHECK(occurs("^.*?[a-z]+?$", "1a"));
  CHECK(occurs("^(\\x2F[a-z\\x2F]*)?$", "/a/b"));
  CHECK(occurs("\\bcat\\b", "a cat."));
  CHECK_FALSE(occurs("\\bcat\\b", "concat"));
  CHECK(occurs("(a*)*b", "aaab"));
  CHECK(occurs("^(a{0,2}){2}$", "aaaa"));
}

TEST_CASE("looking ahead takes nothing from the text") {
  const std::string_view no_space = "^(?!.*\\s).*?[a-zA-Z].*$";
  CHECK(occurs(no_space, "12a4"));
  CHECK_FALSE(occurs(no_space, "12 a4"));
  CHECK_FALSE(occurs(no_space, "1234"));
  CHECK(occurs("^(?=.*\\d)[a-z0-9]+$", "ab1"));
  CHECK_FALSE(occurs("^(?=.*\\d)[a-z0-9]+$", "abc"));
}

TEST_CASE("the patterns of Kubernetes' names and quantities work") {
  const std::string_view label = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
  CHECK(occurs(label, "train-1"));
  CHECK_FALSE(occurs(label, "train-"));
  CHECK_FALSE(occurs(label, "Train"));
  const std::string_view quantity = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$";
  for (const std::string_view text : {"1", "500m", "16Gi", "-1.5e3", "1E+2"}) CHECK(occurs(quantity, text));
  for (const std::string_view text : {"", "Gi", "1 Gi", "1Z"}) CHECK_FALSE(occurs(quantity, text));
  CHECK(occurs("^(0|[+]?((\\d+(\\.\\d+)?)(ns|us|µs|μs|ms|s|m|h|d|w))+$)", "1h30m"));
}

TEST_CASE("no text makes a pattern slow") {
  CHECK_FALSE(occurs("^(a|a)*$", std::string(20'000, 'a') + "b"));
  CHECK_FALSE(occurs("^(([a-z])+.)+[A-Z]([a-z])+$", std::string(5'000, 'a')));
}

TEST_CASE("what is not understood is refused with its place") {
  CHECK(refusal("a(b").find("at 4") != std::string::npos);
  CHECK(refusal("a)b").find("unmatched") != std::string::npos);
  refusal("[a");
  refusal("*a");
  refusal("a**");
  refusal("a{2");
  refusal("a{3,2}");
  refusal("(?<x>a)");
  refusal("(?<=a)b");
  refusal("\\1");
  refusal("\\");
  refusal("[z-a]");
  refusal("[µ]");
  refusal("((a{1000}){1000}){1000}");
  refusal(std::string(1000, '(') + std::string(1000, ')'));
}

}  // namespace
}  // namespace muster
