#include "base/error.h"

#include <doctest/doctest.h>

#include "base/result.h"

namespace muster {
namespace {

TEST_CASE("one table maps kinds to names, HTTP status, exit status and retry") {
  struct Row {
    Error error;
    const char* name;
    int status, exit;
    bool retry;
  };
  const Row rows[] = {
      {invalid("x"), "invalid", 400, 2, false},    {unauthenticated("x"), "unauthenticated", 401, 4, false},
      {denied("x"), "denied", 403, 5, false},      {not_found("x"), "not_found", 404, 3, false},
      {conflict("x"), "conflict", 409, 6, true},   {timed_out("x"), "timeout", 504, 7, true},
      {exhausted("x"), "exhausted", 429, 8, true}, {unavailable("x"), "unavailable", 503, 8, true},
      {internal("x"), "internal", 500, 1, false},
  };
  for (const Row& row : rows) {
    CHECK(name_of(row.error.kind) == row.name);
    CHECK(http_status(row.error) == row.status);
    CHECK(exit_code(row.error.kind) == row.exit);
    CHECK(is_retryable(row.error.kind) == row.retry);
    CHECK(kind_of_status(row.status) == row.error.kind);
  }
}

TEST_CASE("statuses that share a kind are understood") {
  for (const int status : {400, 413, 415, 422, 501, 418}) CHECK(kind_of_status(status) == ErrorKind::Invalid);
  CHECK(kind_of_status(410) == ErrorKind::NotFound);
  CHECK(kind_of_status(412) == ErrorKind::Conflict);
  CHECK(kind_of_status(408) == ErrorKind::Timeout);
  CHECK(kind_of_status(502) == ErrorKind::Unavailable);
  CHECK(kind_of_status(599) == ErrorKind::Internal);
  Error gone = not_found("x");
  gone.status = 410;
  CHECK(http_status(gone) == 410);
}

Result<int> half(int number) {
  if (number % 2 != 0) return invalid("halving " + std::to_string(number) + ": it is odd", "/number");
  return number / 2;
}

Result<void> both(int a, int b) {
  TRY(half(a));
  TRY(half(b).at("second"));
  return {};
}

TEST_CASE("an error goes up through TRY with the context that was added and its pointer") {
  CHECK(*half(4) == 2);
  CHECK(both(2, 4).has_value());
  const Result<void> failed = both(2, 3);
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().text == "second: halving 3: it is odd");
  CHECK(failed.error().pointer == "/number");
}

}  // namespace
}  // namespace muster
