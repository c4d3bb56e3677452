#include "base/schema_check.h"

#include <cmath>
#include <map>

#include "base/ids.h"
#include "base/text.h"
#include "base/time.h"

namespace muster::schema {
namespace {

std::string shown(const json::Value& value) {
  std::string text = json::write(value);
  if (text.size() <= 60) return text;
  std::size_t end = 57;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string shown(std::string_view text) { return shown(json::Value(text)); }

std::size_t code_points(std::string_view text) {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return n;
}

bool is_integer(const json::Value& value) {
  if (!value.is_double()) return value.is_int64() || value.is_uint64();
  return std::isfinite(value.get_double()) && std::floor(value.get_double()) == value.get_double();
}

std::string number_text(double number) {
  if (std::floor(number) == number && std::abs(number) < 1e15) return std::to_string(static_cast<std::int64_t>(number));
  return json::write_pretty(json::Value(number));
}

std::string words_of(const Node& node) {
  if (!node.expected.empty()) return node.expected;
  if (node.int_or_string) return "an integer or a string";
  switch (node.type) {
    case Type::Object:
      return "an object";
    case Type::Array:
      return "a list";
    case Type::String:
      return "a string";
    case Type::Integer:
      return "an integer";
    case Type::Number:
      return "a number";
    case Type::Boolean:
      return "true or false";
    case Type::Any:
      return "a value";
  }
  return "a value";
}

bool has_type(const Node& node, const json::Value& value) {
  if (node.int_or_string) return value.is_string() || is_integer(value);
  switch (node.type) {
    case Type::Object:
      return value.is_object();
    case Type::Array:
      return value.is_array();
    case Type::String:
      return value.is_string();
    case Type::Integer:
      return is_integer(value);
    case Type::Number:
      return value.is_number();
    case Type::Boolean:
      return value.is_bool();
    case Type::Any:
      return true;
  }
  return true;
}

// One level of the pointer to the value at hand.
class Place {
 public:
  explicit Place(std::string& pointer) : pointer_(pointer), length_(pointer.size()) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { pointer_.resize(length_); }
  void step(std::string_view name) {
    pointer_.resize(length_);
    pointer_ += '/';
    pointer_ += name.find_first_of("~/") == std::string_view::npos ? std::string(name) : json::escape_step(name);
  }

 private:
  std::string& pointer_;
  std::size_t length_;
};

class Checker {
 public:
  // `fields_matter`: unknown fields are errors. Inside anyOf, oneOf and not they are not: those restate parts only.
  Checker(const std::vector<Node>& nodes, std::size_t most, bool fields_matter)
      : nodes_(nodes), most_(most), fields_matter_(fields_matter) {}

  void check(std::size_t index, const json::Value& value) {
    const Node& node = nodes_[index];
    if (value.is_null()) {
      if (!node.nullable && (node.type != Type::Any || node.int_or_string))
        refuse("expected " + words_of(node) + ", got null");
      return;
    }
    if (!has_type(node, value)) return refuse("expected " + words_of(node) + ", got " + shown(value));
    if (!node.choices.empty() && std::find(node.choices.begin(), node.choices.end(), value) == node.choices.end())
      return refuse_choice(node, value);
    if (value.is_string()) check_text(node, value.get_string());
    else if (value.is_number()) check_number(node, value);
    else if (value.is_array()) check_list(node, value.get_array());
    else if (value.is_object()) check_object(node, value.get_object());
    if (!node.any_of.empty() || !node.one_of.empty() || !node.negated.empty()) check_junctors(node, value);
  }

  std::vector<Error>& errors() { return errors_; }

 private:
  bool full() const { return errors_.size() >= most_; }

  void refuse(const std::string& why) { refuse_at(pointer_, why); }
  void refuse_at(const std::string& pointer, const std::string& why) {
    if (!full()) errors_.push_back(invalid((pointer.empty() ? "document" : pointer) + ": " + why, pointer));
  }

  void refuse_choice(const Node& node, const json::Value& value) {
    std::vector<std::string> known;
    std::string list;
    for (std::size_t i = 0; i < node.choices.size(); ++i) {
      if (node.choices[i].is_string()) known.emplace_back(node.choices[i].get_string());
      if (i < 20) list += (i == 0 ? "" : ", ") + json::write(node.choices[i]);
    }
    if (node.choices.size() > 20) list += ", ...";
    const std::string near = value.is_string() ? did_you_mean(value.get_string(), known) : "";
    refuse((node.choices.size() == 1 ? "expected " : "expected one of ") + list + ", got " + shown(value) + near);
  }

  // Whether `have` lies in the bounds; says so otherwise.
  bool in_bounds(std::size_t have, std::size_t least, std::size_t most, std::string_view what) {
    if (have < least) {
      refuse("expected at least " + count_of(static_cast<std::int64_t>(least), what) + ", got " + std::to_string(have));
      return false;
    }
    if (have > most) {
      refuse("expected at most " + count_of(static_cast<std::int64_t>(most), what) + ", got " + std::to_string(have));
      return false;
    }
    return true;
  }

  void check_text(const Node& node, std::string_view text) {
    if ((node.least_length != 0 || node.most_length != SIZE_MAX) &&
        !in_bounds(code_points(text), node.least_length, node.most_length, "character"))
      return;
    for (const Shape& shape : node.shapes) {
      if (!shape.pattern.is_in(text))
        return refuse("expected " + (node.expected.empty() ? "text that matches " + shape.text : node.expected) +
                      ", got " + shown(text));
    }
    if (node.format == Format::Uuid && !is_uuid(text)) return refuse("expected a UUID, got " + shown(text));
    if (node.format == Format::DateTime && !parse_rfc3339(text).has_value())
      return refuse("expected a time such as 2026-11-24T08:15:30Z, got " + shown(text));
  }

  void check_number(const Node& node, const json::Value& value) {
    const double number = value.to_number<double>();
    if (node.format == Format::Int32 && (number < INT32_MIN || number > INT32_MAX))
      return refuse("expected an integer of 32 bits, got " + shown(value));
    if (node.least && (node.least_is_excluded ? number <= *node.least : number < *node.least))
      return refuse((node.least_is_excluded ? "expected more than " : "expected at least ") + number_text(*node.least) +
                    ", got " + shown(value));
    if (node.most && (node.most_is_excluded ? number >= *node.most : number > *node.most))
      return refuse((node.most_is_excluded ? "expected less than " : "expected at most ") + number_text(*node.most) +
                    ", got " + shown(value));
    if (node.multiple_of && std::abs(std::remainder(number, *node.multiple_of)) > 1e-9 * *node.multiple_of)
      return refuse("expected a multiple of " + number_text(*node.multiple_of) + ", got " + shown(value));
  }

  void check_list(const Node& node, const json::Array& array) {
    if (!in_bounds(array.size(), node.least_items, node.most_items, "item")) return;
    if (node.items != none) {
      Place place(pointer_);
      for (std::size_t i = 0; i < array.size() && !full(); ++i) {
        place.step(std::to_string(i));
        check(node.items, array[i]);
      }
    }
    if (node.unique) check_unique(node, array);
  }

  void check_unique(const Node& node, const json::Array& array) {
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < array.size(); ++i) {
      std::string key = node.map_keys.empty() ? json::write(array[i]) : "";
      for (const std::string& name : node.map_keys) {
        const json::Value* part = json::member(array[i], name);
        key += (part != nullptr ? json::write(*part) : "") + " ";
      }
      const auto [first, is_new] = seen.emplace(std::move(key), i);
      if (!is_new)
        return refuse_at(pointer_ + "/" + std::to_string(i), "the same as item " + std::to_string(first->second));
    }
  }

  void check_object(const Node& node, const json::Object& object) {
    if (!in_bounds(object.size(), node.least_fields, node.most_fields, "field")) return;
    if (fields_matter_ && node.rest == Rest::Refuse) {
      for (const auto& [name, item] : object) {
        if (!node.knows(name)) refuse_unknown(node, name);
      }
    }
    {
      Place place(pointer_);
      for (const auto& [name, item] : object) {
        if (full()) return;
        const Field* field = node.field(name);
        std::size_t below = field != nullptr ? field->node : none;
        if (below == none && node.rest == Rest::Node && !node.knows(name)) below = node.rest_node;
        if (below == none) continue;
        place.step(name);
        check(below, item);
      }
    }
    for (const std::string& name : node.required) {
      if (!object.contains(name)) refuse("field \"" + name + "\" is required");
    }
  }

  void refuse_unknown(const Node& node, std::string_view name) {
    std::vector<std::string> known;
    for (const Field& field : node.fields) known.push_back(field.name);
    std::string hint = did_you_mean(name, known);
    if (hint.empty() && !known.empty() && known.size() <= 8) hint = "; known are " + join(known, ", ");
    refuse_at(pointer_ + "/" + json::escape_step(name), "unknown field \"" + std::string(name) + "\"" + hint);
  }

  std::vector<Error> try_branch(std::size_t index, const json::Value& value) const {
    Checker branch(nodes_, 1, false);
    branch.pointer_ = pointer_;
    branch.check(index, value);
    return std::move(branch.errors_);
  }

  void check_junctors(const Node& node, const json::Value& value) {
    const auto fitting = [&](const std::vector<std::size_t>& branches, std::string& reasons) {
      std::size_t n = 0;
      for (const std::size_t branch : branches) {
        const std::vector<Error> errors = try_branch(branch, value);
        n += errors.empty();
        if (!errors.empty()) reasons += (reasons.empty() ? "" : "; or ") + errors[0].text;
      }
      return n;
    };
    for (const std::vector<std::size_t>& branches : node.any_of) {
      std::string reasons;
      if (fitting(branches, reasons) == 0) refuse("fits none of its forms: " + reasons);
    }
    for (const std::vector<std::size_t>& branches : node.one_of) {
      std::string reasons;
      const std::size_t n = fitting(branches, reasons);
      if (n == 0) refuse("fits none of its forms: " + reasons);
      if (n > 1) refuse("fits " + std::to_string(n) + " of its forms; exactly one is wanted");
    }
    for (const std::size_t negated : node.negated) {
      if (try_branch(negated, value).empty()) refuse("has a form that is not allowed here");
    }
  }

  const std::vector<Node>& nodes_;
  std::size_t most_;
  bool fields_matter_;
  std::string pointer_;
  std::vector<Error> errors_;
};

}  // namespace

std::vector<Error> check(const std::vector<Node>& nodes, const json::Value& value, std::size_t most) {
  Checker checker(nodes, most, true);
  checker.check(0, value);
  return std::move(checker.errors());
}

}  // namespace muster::schema
