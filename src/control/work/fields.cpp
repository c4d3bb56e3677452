#include "control/work/fields.h"

#include <algorithm>
#include <cmath>

#include "base/quantity.h"
#include "base/text.h"

namespace muster::control {

Error unknown_field(const std::string& name, const std::vector<std::string>& known, const std::string& pointer) {
  return invalid("unknown field \"" + name.substr(0, 80) + "\"" + did_you_mean(name, known), pointer);
}

Result<void> Fields::only(const std::vector<std::string>& known) const {
  if (!value_->is_object()) return invalid("expected an object", pointer_);
  for (const auto& [name, item] : value_->get_object()) {
    if (std::find(known.begin(), known.end(), std::string_view(name)) == known.end()) {
      return unknown_field(std::string(name), known, at(name));
    }
  }
  return {};
}

const json::Value* Fields::find(std::string_view name) const {
  const json::Value* value = json::member(*value_, name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Result<std::optional<std::string>> Fields::text(std::string_view name) const {
  const json::Value* value = find(name);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return invalid("expected a string", at(name));
  if (value->get_string().size() > 65536) return invalid("the text is longer than 64 KiB", at(name));
  return std::optional(std::string(value->get_string()));
}

Result<std::optional<bool>> Fields::boolean(std::string_view name) const {
  const json::Value* value = find(name);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_bool()) return invalid("expected true or false", at(name));
  return std::optional(value->get_bool());
}

Result<std::optional<std::int64_t>> Fields::integer(std::string_view name, std::int64_t least,
                                                    std::int64_t most) const {
  const json::Value* value = find(name);
  if (value == nullptr) return std::optional<std::int64_t>();
  const std::optional<std::int64_t> number = json::integer_at(*value, "");
  if (!number || *number < least || *number > most) {
    return invalid("expected an integer from " + std::to_string(least) + " to " + std::to_string(most), at(name));
  }
  return number;
}

Result<std::optional<double>> Fields::number(std::string_view name, double least, double most) const {
  const json::Value* value = find(name);
  if (value == nullptr) return std::optional<double>();
  const double number = value->is_number() ? value->to_number<double>() : NAN;
  if (!(number >= least && number <= most)) {
    return invalid("expected a number from " + json::write(least) + " to " + json::write(most), at(name));
  }
  return std::optional(number);
}

Result<std::optional<std::string>> Fields::one_of(std::string_view name, const std::vector<std::string>& words) const {
  const std::optional<std::string> said = TRY(text(name));
  if (!said || std::find(words.begin(), words.end(), *said) != words.end()) return said;
  return invalid("\"" + said->substr(0, 80) + "\" is not known here" + did_you_mean(*said, words) + "; expected " +
                     join(words, ", "),
                 at(name));
}

Result<std::optional<std::int64_t>> Fields::bytes(std::string_view name, std::int64_t least) const {
  const std::optional<std::string> said = TRY(text(name));
  if (!said) return std::optional<std::int64_t>();
  const Result<std::int64_t> read = parse_units(*said);
  if (!read.has_value()) return invalid(read.error().text, at(name));
  if (*read < least) {
    return invalid(least > 0 ? "expected an amount above 0, such as 512Mi or 10Gi" : "expected an amount such as 512Mi",
                   at(name));
  }
  return std::optional(*read);
}

Result<const json::Array*> Fields::list(std::string_view name) const {
  const json::Value* value = find(name);
  if (value == nullptr) return static_cast<const json::Array*>(nullptr);
  if (!value->is_array()) return invalid("expected a list", at(name));
  return &value->get_array();
}

}  // namespace muster::control
