#include "base/error.h"

#include <array>

namespace muster {
namespace {

struct Row {
  ErrorKind kind;
  std::string_view name;
  int status;
  int exit;
  bool retry;
};

constexpr std::array rows = {
    Row{ErrorKind::Invalid, "invalid", 400, 2, false},
    Row{ErrorKind::Unauthenticated, "unauthenticated", 401, 4, false},
    Row{ErrorKind::Denied, "denied", 403, 5, false},
    Row{ErrorKind::NotFound, "not_found", 404, 3, false},
    Row{ErrorKind::Conflict, "conflict", 409, 6, true},
    Row{ErrorKind::Timeout, "timeout", 504, 7, true},
    Row{ErrorKind::Exhausted, "exhausted", 429, 8, true},
    Row{ErrorKind::Unavailable, "unavailable", 503, 8, true},
    Row{ErrorKind::Internal, "internal", 500, 1, false},
};

const Row& row_of(ErrorKind kind) {
  for (const Row& row : rows) {
    if (row.kind == kind) return row;
  }
  return rows.back();
}

Error make(ErrorKind kind, std::string text, std::string pointer = "") {
  return Error{.kind = kind, .text = std::move(text), .pointer = std::move(pointer)};
}

}  // namespace

Error Error::at(std::string_view context) const& {
  Error copy = *this;
  copy.text = std::string(context) + ": " + text;
  return copy;
}

Error invalid(std::string text, std::string pointer) {
  return make(ErrorKind::Invalid, std::move(text), std::move(pointer));
}
Error unauthenticated(std::string text) { return make(ErrorKind::Unauthenticated, std::move(text)); }
Error denied(std::string text) { return make(ErrorKind::Denied, std::move(text)); }
Error not_found(std::string text) { return make(ErrorKind::NotFound, std::move(text)); }
Error conflict(std::string text) { return make(ErrorKind::Conflict, std::move(text)); }
Error timed_out(std::string text) { return make(ErrorKind::Timeout, std::move(text)); }
Error exhausted(std::string text) { return make(ErrorKind::Exhausted, std::move(text)); }
Error unavailable(std::string text) { return make(ErrorKind::Unavailable, std::move(text)); }
Error internal(std::string text) { return make(ErrorKind::Internal, std::move(text)); }

int http_status(const Error& error) { return error.status != 0 ? error.status : row_of(error.kind).status; }
int exit_code(ErrorKind kind) { return row_of(kind).exit; }
std::string_view name_of(ErrorKind kind) { return row_of(kind).name; }
bool is_retryable(ErrorKind kind) { return row_of(kind).retry; }

ErrorKind kind_of_status(int status) {
  switch (status) {
    case 401:
      return ErrorKind::Unauthenticated;
    case 403:
      return ErrorKind::Denied;
    case 404:
    case 410:
      return ErrorKind::NotFound;
    case 409:
    case 412:
      return ErrorKind::Conflict;
    case 408:
    case 504:
      return ErrorKind::Timeout;
    case 429:
      return ErrorKind::Exhausted;
    case 502:
    case 503:
      return ErrorKind::Unavailable;
    case 501:
      return ErrorKind::Invalid;
    default:
      return status >= 500 ? ErrorKind::Internal : ErrorKind::Invalid;
  }
}

}  // namespace muster
