#include "base/yaml.h"

#include <yaml.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>

namespace muster::yaml {
namespace {

constexpr std::string_view tag_prefix = "tag:yaml.org,2002:";

bool all_digits(std::string_view text, std::string_view digits) {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

std::optional<json::Value> read_integer(std::string_view text) {
  const bool minus = text.starts_with('-');
  std::string_view digits = text;
  if (minus || text.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.starts_with("0x")) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.starts_with("0o")) {
    base = 8;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0' && all_digits(digits, "01234567")) {
    base = 8;
  }
  if (!all_digits(digits, base == 16 ? "0123456789abcdefABCDEF" : base == 8 ? "01234567" : "0123456789"))
    return std::nullopt;
  std::uint64_t magnitude = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base).ec != std::errc{}) {
    // Larger than 64 bits: as a float, which is what JSON readers make of it.
    if (base != 10) return std::nullopt;
    return json::Value(std::strtod(std::string(text).c_str(), nullptr));
  }
  if (!minus) {
    if (magnitude > INT64_MAX) return json::Value(magnitude);
    return json::Value(static_cast<std::int64_t>(magnitude));
  }
  if (magnitude > static_cast<std::uint64_t>(INT64_MAX) + 1) return json::Value(-static_cast<double>(magnitude));
  return json::Value(static_cast<std::int64_t>(0 - magnitude));
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t from = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i > from;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  const bool whole = digits();
  bool fraction = false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    fraction = digits();
  }
  if (!whole && !fraction) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (!digits()) return false;
  }
  return i == text.size();
}

bool is_infinite_or_nan(std::string_view text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return true;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text == ".inf" || text == ".Inf" || text == ".INF";
}

// What a plain scalar means; nullopt: text.
std::optional<json::Value> resolve(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return json::Value(nullptr);
  if (text == "true" || text == "True" || text == "TRUE") return json::Value(true);
  if (text == "false" || text == "False" || text == "FALSE") return json::Value(false);
  if (std::string_view("-+.0123456789").find(text[0]) == std::string_view::npos) return std::nullopt;
  if (std::optional<json::Value> integer = read_integer(text)) return integer;
  if (looks_like_float(text)) return json::Value(std::strtod(std::string(text).c_str(), nullptr));
  return std::nullopt;
}

std::string_view text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string_view{} : std::string_view(reinterpret_cast<const char*>(text));
}

// One event of libyaml, which frees itself.
struct Event {
  yaml_event_t raw{};
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&raw); }
};

class Reader {
 public:
  Reader(std::string_view text, Limits limits) : limits_(limits) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { yaml_parser_delete(&parser_); }

  // The next document; nullopt at the end of the stream.
  Result<std::optional<json::Value>> next() {
    for (;;) {
      Event event;
      TRY(read(event));
      switch (event.raw.type) {
        case YAML_STREAM_END_EVENT:
          return std::optional<json::Value>();
        case YAML_DOCUMENT_START_EVENT: {
          anchors_.clear();
          Event first;
          TRY(read(first));
          json::Value value = TRY(node(first, 0));
          Event end;
          TRY(read(end));
          return std::optional<json::Value>(std::move(value));
        }
        default:
          break;
      }
    }
  }

 private:
  Result<void> read(Event& event) {
    if (yaml_parser_parse(&parser_, &event.raw) != 0) return {};
    std::string why = parser_.problem != nullptr ? parser_.problem : "cannot be read";
    // The reader's own errors (bytes that are no UTF-8) have an offset instead of a mark.
    if (parser_.error == YAML_READER_ERROR)
      return invalid("not valid YAML at byte " + std::to_string(parser_.problem_offset) + ": " + why);
    return refuse(parser_.problem_mark, why);
  }

  static Error refuse(const yaml_mark_t& mark, const std::string& why) {
    return invalid("not valid YAML at line " + std::to_string(mark.line + 1) + ", column " +
                   std::to_string(mark.column + 1) + ": " + why);
  }

  Result<void> count(std::size_t values, const Event& event) {
    nodes_ += values;
    if (nodes_ > limits_.nodes)
      return refuse(event.raw.start_mark, "more than " + std::to_string(limits_.nodes) + " values");
    return {};
  }

  Result<json::Value> node(Event& event, std::size_t depth) {
    if (depth > limits_.depth)
      return refuse(event.raw.start_mark, "nested deeper than " + std::to_string(limits_.depth));
    const std::size_t before = nodes_;
    TRY(count(1, event));
    std::string anchor;
    json::Value value;
    switch (event.raw.type) {
      case YAML_ALIAS_EVENT:
        return alias(event, depth);
      case YAML_SCALAR_EVENT:
        anchor = text_of(event.raw.data.scalar.anchor);
        value = TRY(scalar(event));
        break;
      case YAML_SEQUENCE_START_EVENT:
        anchor = text_of(event.raw.data.sequence_start.anchor);
        value = TRY(sequence(event, depth));
        break;
      case YAML_MAPPING_START_EVENT:
        anchor = text_of(event.raw.data.mapping_start.anchor);
        value = TRY(mapping(event, depth));
        break;
      default:
        return refuse(event.raw.start_mark, "expected a value");
    }
    if (!anchor.empty()) anchors_[anchor] = Anchor{value, nodes_ - before, depth_of(value)};
    return value;
  }

  Result<json::Value> alias(const Event& event, std::size_t depth) {
    const std::string name(text_of(event.raw.data.alias.anchor));
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) return refuse(event.raw.start_mark, "alias *" + name + " has no anchor before it");
    TRY(count(found->second.nodes, event));
    if (depth + found->second.depth > limits_.depth)
      return refuse(event.raw.start_mark, "nested deeper than " + std::to_string(limits_.depth));
    return found->second.value;
  }

  static std::size_t depth_of(const json::Value& value) {
    std::size_t deepest = 0;
    if (value.is_array()) {
      for (const json::Value& item : value.get_array()) deepest = std::max(deepest, 1 + depth_of(item));
    } else if (value.is_object()) {
      for (const auto& [name, item] : value.get_object()) deepest = std::max(deepest, 1 + depth_of(item));
    }
    return deepest;
  }

  static Result<json::Value> scalar(const Event& event) {
    const auto& raw = event.raw.data.scalar;
    const std::string_view text(reinterpret_cast<const char*>(raw.value), raw.length);
    const bool plain = raw.style == YAML_PLAIN_SCALAR_STYLE;
    std::string_view tag = text_of(raw.tag);
    if (tag.empty() || tag == "!") {
      if (!plain || tag == "!") return json::Value(text);
      if (is_infinite_or_nan(text))
        return refuse(event.raw.start_mark, "\"" + std::string(text) + "\" has no form in JSON");
      std::optional<json::Value> value = resolve(text);
      if (value && value->is_double() && !std::isfinite(value->get_double()))
        return refuse(event.raw.start_mark, "the number is too large");
      return value ? *std::move(value) : json::Value(text);
    }
    if (!tag.starts_with(tag_prefix)) return refuse(event.raw.start_mark, "unknown tag \"" + std::string(tag) + "\"");
    tag.remove_prefix(tag_prefix.size());
    if (tag == "str") return json::Value(text);
    const std::optional<json::Value> value = resolve(text);
    if (value) {
      if (tag == "null" && value->is_null()) return *value;
      if (tag == "bool" && value->is_bool()) return *value;
      if (tag == "int" && (value->is_int64() || value->is_uint64())) return *value;
      if (tag == "float" && value->is_number() && std::isfinite(value->to_number<double>()))
        return json::Value(value->to_number<double>());
    }
    return refuse(event.raw.start_mark, "\"" + std::string(text) + "\" cannot be read as !!" + std::string(tag));
  }

  Result<json::Value> sequence(const Event& event, std::size_t depth) {
    const std::string_view tag = text_of(event.raw.data.sequence_start.tag);
    if (!tag.empty() && tag != "!" && tag != "tag:yaml.org,2002:seq")
      return refuse(event.raw.start_mark, "unknown tag \"" + std::string(tag) + "\" of a list");
    json::Array array;
    for (;;) {
      Event item;
      TRY(read(item));
      if (item.raw.type == YAML_SEQUENCE_END_EVENT) return json::Value(std::move(array));
      array.push_back(TRY(node(item, depth + 1)));
    }
  }

  Result<json::Value> mapping(const Event& event, std::size_t depth) {
    const std::string_view tag = text_of(event.raw.data.mapping_start.tag);
    if (!tag.empty() && tag != "!" && tag != "tag:yaml.org,2002:map")
      return refuse(event.raw.start_mark, "unknown tag \"" + std::string(tag) + "\" of a mapping");
    json::Object object;
    std::vector<json::Value> merged;
    for (;;) {
      Event key;
      TRY(read(key));
      if (key.raw.type == YAML_MAPPING_END_EVENT) break;
      if (key.raw.type != YAML_SCALAR_EVENT) return refuse(key.raw.start_mark, "a key must be text");
      const auto& scalar = key.raw.data.scalar;
      const std::string name(reinterpret_cast<const char*>(scalar.value), scalar.length);
      if (name.empty() && scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return refuse(key.raw.start_mark, "a key is missing");
      Event item;
      TRY(read(item));
      json::Value value = TRY(node(item, depth + 1));
      if (name == "<<" && scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        TRY(add_merged(merged, std::move(value), key));
        continue;
      }
      if (!object.emplace(name, std::move(value)).second)
        return refuse(key.raw.start_mark, "key \"" + name + "\" stands twice");
      if (scalar.anchor != nullptr) anchors_[std::string(text_of(scalar.anchor))] = Anchor{json::Value(name), 1, 0};
    }
    // What the mapping says itself wins, then the merged mapping that was named first.
    for (const json::Value& base : merged) {
      for (const auto& [name, value] : base.get_object()) object.emplace(name, value);
    }
    return json::Value(std::move(object));
  }

  static Result<void> add_merged(std::vector<json::Value>& merged, json::Value value, const Event& key) {
    if (value.is_object()) {
      merged.push_back(std::move(value));
      return {};
    }
    if (!value.is_array()) return refuse(key.raw.start_mark, "<< takes a mapping or a list of mappings");
    for (json::Value& item : value.get_array()) {
      if (!item.is_object()) return refuse(key.raw.start_mark, "<< takes a mapping or a list of mappings");
      merged.push_back(std::move(item));
    }
    return {};
  }

  struct Anchor {
    json::Value value;
    std::size_t nodes = 0;
    std::size_t depth = 0;
  };

  Limits limits_;
  yaml_parser_t parser_{};
  std::map<std::string, Anchor> anchors_;
  std::size_t nodes_ = 0;
};

Result<void> check_size(std::string_view text, const Limits& limits) {
  if (text.size() <= limits.bytes) return {};
  Error error = invalid("document has " + std::to_string(text.size()) + " bytes; at most " +
                        std::to_string(limits.bytes) + " are taken");
  error.status = 413;
  return error;
}

// Words that readers of YAML 1.1 take for booleans.
bool is_old_boolean(std::string_view text) {
  static constexpr std::array<std::string_view, 8> words = {"y", "n", "yes", "no", "on", "off", "<<", "="};
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::find(words.begin(), words.end(), lower) != words.end();
}

bool can_be_plain(std::string_view text) {
  if (text.empty() || text.size() > 200 || resolve(text) || is_infinite_or_nan(text) || is_old_boolean(text))
    return false;
  const auto is_safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_./-+=@()$~^;").find(c) != std::string_view::npos;
  };
  const auto starts_safely = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/' ||
           c == '.';
  };
  if (!starts_safely(text[0]) || text.starts_with("..") || text.back() == ' ') return false;
  // "0x", "0_1", "1:30" and dates mean something to other readers.
  const bool number_like = text[0] >= '0' && text[0] <= '9';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_safe(c)) continue;
    if (c == ' ' && !number_like) continue;
    // A colon or comma inside a word means nothing in block style.
    if (c == ':' && !number_like && i + 1 < text.size() && text[i + 1] != ' ') continue;
    if (c == ',' && !number_like) continue;
    return false;
  }
  return !(number_like && all_digits(text, "0123456789-_.xobeE+"));
}

// Length of the UTF-8 sequence at `i` and its code point. Requires: valid UTF-8, which JSON strings are.
std::uint32_t code_point(std::string_view text, std::size_t i, std::size_t& length) {
  const auto byte = [&](std::size_t n) {
    return i + n < text.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(text[i + n])) : 0x80U;
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return length = 1, first;
  if (first < 0xe0) return length = 2, ((first & 0x1f) << 6) | (byte(1) & 0x3f);
  if (first < 0xf0) return length = 3, ((first & 0x0f) << 12) | ((byte(1) & 0x3f) << 6) | (byte(2) & 0x3f);
  return length = 4, ((first & 0x07) << 18) | ((byte(1) & 0x3f) << 12) | ((byte(2) & 0x3f) << 6) | (byte(3) & 0x3f);
}

bool is_printable(std::uint32_t c) {
  return (c >= 0x20 && c <= 0x7e) || (c >= 0xa0 && c <= 0xd7ff && c != 0x2028 && c != 0x2029) ||
         (c >= 0xe000 && c <= 0xfffd && c != 0xfeff) || (c >= 0x10000 && c <= 0x10ffff);
}

void write_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    std::size_t length = 1;
    const std::uint32_t c = code_point(text, i, length);
    char buffer[16];
    if (c == '"') {
      out += "\\\"";
    } else if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (is_printable(c)) {
      out.append(text, i, length);
    } else {
      std::snprintf(buffer, sizeof buffer, "\\u%04x", c);
      out += buffer;
    }
    i += length;
  }
  out += '"';
}

// Several lines that a block scalar carries as they are.
bool can_be_block(std::string_view text) {
  const std::size_t line_end = text.find('\n');
  if (line_end == std::string_view::npos || line_end + 1 == text.size() || text.ends_with("\n\n")) return false;
  if (text[0] == ' ' || text[0] == '\n' || text[0] == '\t') return false;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t length = 1;
    const std::uint32_t c = code_point(text, i, length);
    if (c != '\n' && !is_printable(c)) return false;
    i += length;
  }
  return true;
}

void write_text(std::string_view text, std::size_t indent, bool may_be_block, std::string& out) {
  if (can_be_plain(text)) {
    out += text;
  } else if (may_be_block && can_be_block(text)) {
    out += text.ends_with('\n') ? "|" : "|-";
    if (text.ends_with('\n')) text.remove_suffix(1);
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      out += '\n';
      if (!line.empty()) out.append(indent, ' ').append(line);
      text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
  } else {
    write_quoted(text, out);
  }
}

void write_double(double number, std::string& out) {
  char buffer[64];
  const std::to_chars_result end = std::to_chars(buffer, buffer + sizeof buffer, number);
  std::string text(buffer, end.ptr);
  // Without a point it would be read back as an integer.
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  out += text;
}

// The value after "key:" or "-"; `indent` is that of the lines below it.
void write_value(const json::Value& value, std::size_t indent, std::string& out);

void write_object(const json::Object& object, std::size_t indent, bool first_in_line, std::string& out) {
  for (const auto& [name, item] : object) {
    if (!first_in_line) out.append(indent, ' ');
    first_in_line = false;
    write_text(name, 0, false, out);
    out += ':';
    if (item.is_object() && !item.get_object().empty()) {
      out += '\n';
      write_object(item.get_object(), indent + 2, false, out);
    } else if (item.is_array() && !item.get_array().empty()) {
      out += '\n';
      write_value(item, indent, out);
    } else {
      out += ' ';
      write_value(item, indent + 2, out);
    }
  }
}

void write_array(const json::Array& array, std::size_t indent, bool first_in_line, std::string& out) {
  for (const json::Value& item : array) {
    if (!first_in_line) out.append(indent, ' ');
    first_in_line = false;
    out += "- ";
    if (item.is_object() && !item.get_object().empty()) {
      write_object(item.get_object(), indent + 2, true, out);
    } else if (item.is_array() && !item.get_array().empty()) {
      write_array(item.get_array(), indent + 2, true, out);
    } else {
      write_value(item, indent + 2, out);
    }
  }
}

void write_value(const json::Value& value, std::size_t indent, std::string& out) {
  switch (value.kind()) {
    case boost::json::kind::object:
      if (!value.get_object().empty()) return write_object(value.get_object(), indent, false, out);
      out += "{}";
      break;
    case boost::json::kind::array:
      if (!value.get_array().empty()) return write_array(value.get_array(), indent, false, out);
      out += "[]";
      break;
    case boost::json::kind::string:
      write_text(value.get_string(), indent == 0 ? 2 : indent, true, out);
      break;
    case boost::json::kind::double_:
      write_double(value.get_double(), out);
      break;
    default:
      out += json::write(value);
      break;
  }
  out += '\n';
}

}  // namespace

Result<std::vector<json::Value>> parse_all(std::string_view text, Limits limits) {
  TRY(check_size(text, limits));
  Reader reader(text, limits);
  std::vector<json::Value> documents;
  for (;;) {
    std::optional<json::Value> document = TRY(reader.next());
    if (!document) return documents;
    if (!document->is_null()) documents.push_back(*std::move(document));
  }
}

Result<json::Value> parse(std::string_view text, Limits limits) {
  TRY(check_size(text, limits));
  Reader reader(text, limits);
  std::optional<json::Value> document = TRY(reader.next());
  if (!document) return json::Value(nullptr);
  const std::optional<json::Value> second = TRY(reader.next());
  if (second) return invalid("one YAML document is expected here, but \"---\" begins another");
  return *std::move(document);
}

std::string write(const json::Value& value) {
  std::string out;
  write_value(value, 0, out);
  return out;
}

}  // namespace muster::yaml
