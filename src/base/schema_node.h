#pragma once
// What a schema is compiled into: nodes that name each other by index. Inside of base/schema; nobody else includes it.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/pattern.h"
#include "base/schema.h"

namespace muster::schema {

inline constexpr std::size_t none = SIZE_MAX;

enum class Type { Any, Object, Array, String, Integer, Number, Boolean };
enum class Format { None, Int32, Uuid, DateTime };
// What fields may an object have beside the named ones: none, any, or any of one schema.
enum class Rest { Refuse, Keep, Node };

struct Shape {
  std::string text;
  Pattern pattern;
};

struct Field {
  std::string name;
  std::size_t node = none;
};

struct Node {
  Type type = Type::Any;
  Format format = Format::None;
  bool nullable = false;
  bool int_or_string = false;
  bool is_resource = false;  // apiVersion, kind and metadata are known and not looked at

  std::vector<Field> fields;  // by name
  std::vector<std::string> required;
  Rest rest = Rest::Keep;
  std::size_t rest_node = none;
  std::size_t least_fields = 0, most_fields = SIZE_MAX;

  std::size_t items = none;
  std::size_t least_items = 0, most_items = SIZE_MAX;
  bool unique = false;
  std::vector<std::string> map_keys;  // with unique: the fields that make an item what it is

  std::vector<json::Value> choices;
  std::vector<Shape> shapes;
  std::string expected;  // words for people instead of a shape
  std::size_t least_length = 0, most_length = SIZE_MAX;
  std::optional<double> least, most, multiple_of;
  bool least_is_excluded = false, most_is_excluded = false;

  std::vector<std::vector<std::size_t>> any_of, one_of;  // one list for each keyword met
  std::vector<std::size_t> negated;
  std::optional<json::Value> otherwise;  // the default
  bool has_defaults = false;             // here or anywhere below

  const Field* field(std::string_view name) const {
    const auto at = std::lower_bound(fields.begin(), fields.end(), name,
                                     [](const Field& field, std::string_view wanted) { return field.name < wanted; });
    return at != fields.end() && at->name == name ? &*at : nullptr;
  }
  bool knows(std::string_view name) const {
    return field(name) != nullptr || (is_resource && (name == "apiVersion" || name == "kind" || name == "metadata"));
  }
};

// Node 0 is the root.
Result<std::vector<Node>> compile(const json::Value& document, std::string_view pointer, Schema::Options options);

}  // namespace muster::schema

namespace muster {

struct Schema::Compiled {
  std::vector<schema::Node> nodes;
};

}  // namespace muster
