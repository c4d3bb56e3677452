#pragma once
// YAML as Kubernetes manifests and configuration files use it, read into JSON values and written from them. Plain
// scalars mean what YAML 1.2's core schema says: only true and false are booleans (yes, no, on, off stay text), ~ and
// null and nothing are null, the rest are integers, floats or text; a leading 0 is octal, as Kubernetes reads file
// modes. Anchors, aliases and merge keys work within limits; keys are text. Duplicate keys are refused. Comments are
// not kept. Owns libyaml.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace muster::yaml {

struct Limits {
  std::size_t depth = 64;
  std::size_t bytes = 1 << 20;
  std::size_t nodes = 100'000;  // values after aliases have been followed
};

// One document; empty text is null. Errors name line and column. A second document is invalid.
Result<json::Value> parse(std::string_view text, Limits limits = {});
// Every document of a stream that "---" divides; empty ones are left out.
Result<std::vector<json::Value>> parse_all(std::string_view text, Limits limits = {});
// Block style, two spaces of indent, ends with a newline. parse() reads the same value back.
std::string write(const json::Value& value);

}  // namespace muster::yaml
