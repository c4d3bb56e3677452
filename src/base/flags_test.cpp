#include "base/flags.h"

#include <doctest/doctest.h>

using namespace muster;

TEST_CASE("flags take values with a space or an equals sign, and -- ends them") {
  const std::vector<FlagSpec> specs = {{"--listen", "ADDR", "where"}, {"--json", "", "machine form"}};
  const std::vector<std::string> arguments = {"--listen", "a:1", "x", "--json", "--listen=b:2", "--", "--raw"};
  const Result<Flags> flags = Flags::parse(arguments, specs);
  REQUIRE(flags.has_value());
  CHECK(flags->value_or("--listen", "") == "b:2");
  CHECK(flags->values("--listen").size() == 2);
  CHECK(flags->has("--json"));
  CHECK(flags->positional() == std::vector<std::string>{"x", "--raw"});
}

TEST_CASE("an unknown flag names the nearest, a missing value says what it is") {
  const std::vector<FlagSpec> specs = {{"--listen", "ADDR", "where"}};
  const Result<Flags> unknown = Flags::parse(std::vector<std::string>{"--lisen", "x"}, specs);
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().text.find("--listen") != std::string::npos);
  const Result<Flags> missing = Flags::parse(std::vector<std::string>{"--listen"}, specs);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().text.find("ADDR") != std::string::npos);
}
