#pragma once
// JSON: Boost.JSON behind our own names, with the limits and errors that every door of Muster uses.
// Objects keep the order in which members were written.

#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace muster::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;
using String = boost::json::string;

struct Limits {
  std::size_t depth = 64;
  std::size_t bytes = 1 << 20;
};

// Strict JSON (no comments, no trailing commas, UTF-8 checked). Errors name line and column.
Result<Value> parse(std::string_view text, Limits limits = {});
std::string write(const Value& value);
// Two spaces of indent, for people.
std::string write_pretty(const Value& value);

// The value at an RFC 6901 pointer, or nullptr.
const Value* find(const Value& value, std::string_view pointer);
Value* find(Value& value, std::string_view pointer);
// Member of an object, or nullptr when `value` is no object or lacks it.
const Value* member(const Value& value, std::string_view name);
// Convenience readers: nullopt when the path is missing or has another type. `path` is a pointer such as
// "/metadata/name".
std::optional<std::string> text_at(const Value& value, std::string_view pointer);
std::optional<std::int64_t> integer_at(const Value& value, std::string_view pointer);
std::optional<double> number_at(const Value& value, std::string_view pointer);
std::optional<bool> bool_at(const Value& value, std::string_view pointer);
// text_at or "".
std::string text_or(const Value& value, std::string_view pointer, std::string_view otherwise = "");

// Creates objects along the way. Requires: every step is an object member (no array indexes).
void set_at(Value& value, std::string_view pointer, Value what);

// RFC 7396.
void merge_patch(Value& target, const Value& patch);
// The merge patch that turns `from` into `to`; an empty object when they are equal.
Value diff_merge_patch(const Value& from, const Value& to);

// A pointer's step with '~' and '/' escaped.
std::string escape_step(std::string_view step);

}  // namespace muster::json
