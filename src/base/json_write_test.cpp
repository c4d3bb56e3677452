#include <doctest/doctest.h>

#include "base/json.h"

using namespace muster;

TEST_CASE("numbers are written as people write them") {
  CHECK(json::write(json::Array{0.5, 2.0, 1.25, -0.1, 3, 1e15, 0.0}) == "[0.5,2,1.25,-0.1,3,1e+15,0]");
  CHECK(json::write_pretty(json::Object{{"gpu", 0.5}}) == "{\n  \"gpu\": 0.5\n}");
}

TEST_CASE("what is written reads back as the same value") {
  const json::Value value =
      json::Object{{"text", "quote \" back \\ line \n tab \t bell \x07 ä 🙂"},
                   {"empty", json::Object{}},
                   {"list", json::Array{json::Array{}, nullptr, true, false, "", -7, 18446744073709551615U}},
                   {"pi", 3.141592653589793},
                   {"small", 5e-324},
                   {"large", 1.7976931348623157e308}};
  const auto read = json::parse(json::write(value));
  REQUIRE(read.has_value());
  CHECK(*read == value);
}
