#include "base/quantity.h"

#include <doctest/doctest.h>

namespace muster {
namespace {

TEST_CASE("quantities are read as Kubernetes reads them, rounded up") {
  CHECK(parse_milli("1") == 1000);
  CHECK(parse_milli("500m") == 500);
  CHECK(parse_milli("0.5") == 500);
  CHECK(parse_milli(".5") == 500);
  CHECK(parse_milli("1.") == 1000);
  CHECK(parse_milli("0.0001") == 1);
  CHECK(parse_milli("1n") == 1);
  CHECK(parse_milli("-500m") == -500);
  CHECK(parse_milli("+2") == 2000);
  CHECK(parse_units("16Gi") == 17179869184);
  CHECK(parse_units("1G") == 1'000'000'000);
  CHECK(parse_units("1k") == 1000);
  CHECK(parse_units("1.5Ki") == 1536);
  CHECK(parse_units("1e3") == 1000);
  CHECK(parse_units("1E3") == 1000);
  CHECK(parse_units("1E") == 1'000'000'000'000'000'000);
  CHECK(parse_units("12e-1") == 2);
  CHECK(parse_units("1m") == 1);
  CHECK(parse_units("7Ei") == 8070450532247928832);
  CHECK(parse_units("9223372036854775807") == INT64_MAX);
}

TEST_CASE("what is no quantity, or too large for one, is refused") {
  for (const std::string_view text :
       {"", "Gi", "1GB", "1 Gi", "1gi", "1..5", "--1", "1e", "1e+", "e3", "1x", "0x10", "∞"}) {
    CAPTURE(text);
    REQUIRE_FALSE(parse_units(text).has_value());
    CHECK(parse_units(text).error().text.find("no quantity") != std::string::npos);
  }
  for (const std::string_view text :
       {"9223372036854775808", "8Ei", "1e18k", "99999999999999999999999999999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_units(text).has_value());
  }
  CHECK_FALSE(parse_milli("9223372036854775807").has_value());
  CHECK_FALSE(parse_units("1e19").has_value());
}

TEST_CASE("quantities are written short and read back") {
  CHECK(milli_to_text(1500) == "1500m");
  CHECK(milli_to_text(2000) == "2");
  CHECK(milli_to_text(0) == "0");
  CHECK(bytes_to_text(1073741824) == "1Gi");
  CHECK(bytes_to_text(1536) == "1536");
  CHECK(bytes_to_text(0) == "0");
  for (const std::int64_t bytes : {std::int64_t{1}, std::int64_t{1024}, std::int64_t{5} << 40, INT64_MAX})
    CHECK(parse_units(bytes_to_text(bytes)) == bytes);
  for (const std::int64_t milli : {1, 999, 1000, 123456}) CHECK(parse_milli(milli_to_text(milli)) == milli);
}

TEST_CASE("people read sizes in the unit that fits") {
  CHECK(bytes_to_words(0) == "0 B");
  CHECK(bytes_to_words(std::int64_t{16} << 30) == "16 GiB");
  CHECK(bytes_to_words(std::int64_t{512} << 20) == "512 MiB");
  CHECK(bytes_to_words((std::int64_t{3} << 30) / 2) == "1.5 GiB");
}

}  // namespace
}  // namespace muster
