#pragma once
// Error: the one way a Muster function says that it could not do what it was asked.
// A closed set of kinds, a text for people, and where the mistake stands in the input. The table from kind to HTTP
// status and exit code is pinned (interface 4) and stands in error.cpp.

#include <string>
#include <string_view>

namespace muster {

enum class ErrorKind {
  Invalid,
  Unauthenticated,
  Denied,
  NotFound,
  Conflict,
  Timeout,
  Exhausted,
  Unavailable,
  Internal
};

struct Error {
  ErrorKind kind = ErrorKind::Internal;
  // Lower case, no full stop: what was attempted on which object, then the cause, then the remedy if there is one.
  std::string text;
  // JSON pointer of the offending value in the caller's input; empty when the error is about no single value.
  std::string pointer;
  // HTTP status when it is not the kind's usual one (410 instead of 404, 413 instead of 400 ...); 0 = the usual one.
  int status = 0;

  // The same error with a line of context in front: `binding ns/pod: <text>`.
  Error at(std::string_view context) const&;
};

Error invalid(std::string text, std::string pointer = "");
Error unauthenticated(std::string text);
Error denied(std::string text);
Error not_found(std::string text);
Error conflict(std::string text);
Error timed_out(std::string text);
Error exhausted(std::string text);
Error unavailable(std::string text);
Error internal(std::string text);

int http_status(const Error& error);
int exit_code(ErrorKind kind);
// The kind that an HTTP status stands for when a server of ours or a peer answered with it. Requires: status >= 400.
ErrorKind kind_of_status(int status);
// `invalid`, `not_found` ...: the names of interface 4.
std::string_view name_of(ErrorKind kind);
// Whether trying the same call again later may succeed.
bool is_retryable(ErrorKind kind);

}  // namespace muster
