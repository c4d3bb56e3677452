#include "control/door/listing.h"

#include <array>
#include <charconv>
#include <cmath>

namespace muster::control {
namespace {

constexpr std::size_t largest_page = 500;
constexpr std::size_t most_conditions = 50;
constexpr std::array<std::pair<std::string_view, Op>, 8> ops = {{{"==", Op::Equal},
                                                                 {"!=", Op::NotEqual},
                                                                 {"<=", Op::AtMost},
                                                                 {">=", Op::AtLeast},
                                                                 {"=@", Op::Contains},
                                                                 {"!@", Op::ContainsNot},
                                                                 {"=^", Op::StartsWith},
                                                                 {"=$", Op::EndsWith}}};

Error wrong(std::string_view parameter, const std::string& text) {
  return invalid(std::string(parameter) + ": " + text);
}

std::vector<std::string> words_of(const FieldNames& fields) {
  std::vector<std::string> out;
  for (const auto& [name, kind] : fields) out.push_back(name);
  return out;
}

Result<std::size_t> find_field(std::string_view parameter, const std::string& name, const FieldNames& fields) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& one) { return one.first == name; });
  if (found != fields.end()) return static_cast<std::size_t>(found - fields.begin());
  const std::vector<std::string> known = words_of(fields);
  return wrong(parameter, "there is no field \"" + name.substr(0, 80) + "\"" + did_you_mean(name, known) +
                              "; fields are " + join(known, ", "));
}

// Where the operator of "name=@train" begins; npos without one.
std::size_t operator_at(std::string_view item) {
  std::size_t end = 0;
  while (end < item.size() && ((item[end] >= 'a' && item[end] <= 'z') || (item[end] >= 'A' && item[end] <= 'Z') ||
                               (item[end] >= '0' && item[end] <= '9'))) {
    ++end;
  }
  if (end == 0) return std::string_view::npos;
  const std::string_view op = item.substr(end, 2);
  const bool known = std::any_of(ops.begin(), ops.end(), [&](const auto& one) { return one.first == op; });
  return known ? end : std::string_view::npos;
}

// Items are separated by commas; a comma inside a value is one that no field and operator follow.
std::vector<std::string> items_of(const std::string& text) {
  std::vector<std::string> out;
  for (const std::string_view piece : split(text, ',')) {
    if (!out.empty() && operator_at(piece) == std::string_view::npos) {
      out.back() += "," + std::string(piece);
    } else {
      out.emplace_back(piece);
    }
  }
  return out;
}

Result<Condition> read_condition(const std::string& item, const FieldNames& fields) {
  const std::size_t at = operator_at(item);
  if (at == std::string::npos) {
    return wrong("filterBy", "\"" + item.substr(0, 80) +
                                 "\" is not understood; expected field, operator and value, as in name=@train "
                                 "(operators == != <= >= =@ !@ =^ =$)");
  }
  Condition out;
  out.field = TRY(find_field("filterBy", item.substr(0, at), fields));
  for (const auto& [text, op] : ops) {
    if (item.compare(at, 2, text) == 0) out.op = op;
  }
  const std::string value = item.substr(at + 2);
  const auto& [name, kind] = fields[out.field];
  if (value.empty()) return wrong("filterBy", "\"" + item.substr(0, 80) + "\" has no value");
  if (kind == FieldKind::Text) {
    const bool exact = out.op == Op::Equal || out.op == Op::NotEqual || out.op == Op::AtMost || out.op == Op::AtLeast;
    out.value = exact ? value : to_lower(value);
    return out;
  }
  if (out.op != Op::Equal && out.op != Op::NotEqual && out.op != Op::AtMost && out.op != Op::AtLeast) {
    return wrong("filterBy", name + " takes the operators == != <= >= alone");
  }
  if (kind == FieldKind::Moment) {
    const Result<Time> time = parse_rfc3339(value);
    if (!time.has_value()) return wrong("filterBy", name + " takes a time such as 2026-11-24T08:15:30Z");
    out.value = static_cast<double>(time->ms);
    return out;
  }
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(number)) {
    return wrong("filterBy", name + " takes a number");
  }
  out.value = number;
  return out;
}

Result<std::size_t> read_count(const net::Request& request, std::string_view name, std::size_t least, std::size_t most,
                               std::size_t otherwise) {
  const std::string* text = request.query_value(name);
  if (text == nullptr) return otherwise;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < least || value > most) {
    return wrong(name, "expected a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

}  // namespace

bool contains_text(std::string_view text, std::string_view lower_case_part) {
  return to_lower(text).find(lower_case_part) != std::string::npos;
}

Result<Query> read_query(const net::Request& request, const FieldNames& fields, bool descending_default) {
  Query query;
  query.descending = descending_default;
  for (const auto& [name, value] : request.query) {
    if (name != "filterBy" || value.empty()) continue;
    for (const std::string& item : items_of(value)) {
      query.conditions.push_back(TRY(read_condition(item, fields)));
      if (query.conditions.size() > most_conditions) {
        return wrong("filterBy", "at most " + std::to_string(most_conditions) + " conditions are taken");
      }
    }
  }
  if (const std::string* sort = request.query_value("sortBy"); sort != nullptr && !sort->empty()) {
    query.sort_by = TRY(find_field("sortBy", *sort, fields));
  }
  if (const std::string* order = request.query_value("sortOrder"); order != nullptr && !order->empty()) {
    if (*order != "asc" && *order != "desc") return wrong("sortOrder", "expected asc or desc");
    query.descending = *order == "desc";
  }
  if (const std::string* search = request.query_value("search")) query.search = to_lower(*search);
  query.offset = TRY(read_count(request, "offset", 0, 1'000'000'000, 0));
  query.limit = TRY(read_count(request, "limit", 1, largest_page, 50));
  return query;
}

bool holds(const Condition& condition, const FieldValue& value) {
  if (std::holds_alternative<std::monostate>(value)) {
    return condition.op == Op::NotEqual || condition.op == Op::ContainsNot;
  }
  switch (condition.op) {
    case Op::Equal:
      return value == condition.value;
    case Op::NotEqual:
      return value != condition.value;
    case Op::AtMost:
      return value <= condition.value;
    case Op::AtLeast:
      return value >= condition.value;
    default:
      break;
  }
  const std::string text = to_lower(std::get<std::string>(value));
  const std::string& part = std::get<std::string>(condition.value);
  switch (condition.op) {
    case Op::Contains:
      return text.find(part) != std::string::npos;
    case Op::ContainsNot:
      return text.find(part) == std::string::npos;
    case Op::StartsWith:
      return text.starts_with(part);
    default:
      return text.ends_with(part);
  }
}

Page page_of(const Query& query, std::size_t total) {
  Page page;
  page.begin = std::min(query.offset, total);
  page.end = std::min(page.begin + query.limit, total);
  if (page.end < total) page.next = page.end;
  return page;
}

}  // namespace muster::control
