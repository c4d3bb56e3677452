#pragma once
// Fields: reads members of one JSON object by name and type, each mistake with its pointer. Null counts as absent.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace muster::control {

class Fields {
 public:
  // Requires: `value` outlives the reader.
  Fields(const json::Value& value, std::string pointer) : value_(&value), pointer_(std::move(pointer)) {}

  // That it is an object with these members only.
  Result<void> only(const std::vector<std::string>& known) const;
  Result<std::optional<std::string>> text(std::string_view name) const;
  Result<std::optional<bool>> boolean(std::string_view name) const;
  Result<std::optional<std::int64_t>> integer(std::string_view name, std::int64_t least, std::int64_t most) const;
  Result<std::optional<double>> number(std::string_view name, double least, double most) const;
  Result<std::optional<std::string>> one_of(std::string_view name, const std::vector<std::string>& words) const;
  // A Kubernetes quantity of bytes.
  Result<std::optional<std::int64_t>> bytes(std::string_view name, std::int64_t least) const;
  // The member when it is an array; nullptr when absent.
  Result<const json::Array*> list(std::string_view name) const;
  // The member unless absent or null.
  const json::Value* find(std::string_view name) const;
  std::string at(std::string_view name) const { return pointer_ + "/" + json::escape_step(name); }

 private:
  const json::Value* value_;
  std::string pointer_;
};

// "unknown field "x" (did you mean "y"?)" at its pointer.
Error unknown_field(const std::string& name, const std::vector<std::string>& known, const std::string& pointer);

}  // namespace muster::control
