#include "base/json.h"

#include <boost/json/src.hpp>

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace muster::json {
namespace {

// Boost reads 1e400 as infinity and 0e9000 as no number at all. Where such a value stands; false when there is none.
bool find_infinite(const Value& value, std::string& pointer) {
  if (value.is_double()) return !std::isfinite(value.get_double());
  const std::size_t length = pointer.size();
  if (const Object* object = value.if_object()) {
    for (const auto& [name, item] : *object) {
      if (!item.is_double() && !item.is_structured()) continue;
      pointer += '/' + escape_step(name);
      if (find_infinite(item, pointer)) return true;
      pointer.resize(length);
    }
  } else if (const Array* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (!(*array)[i].is_double() && !(*array)[i].is_structured()) continue;
      pointer += '/' + std::to_string(i);
      if (find_infinite((*array)[i], pointer)) return true;
      pointer.resize(length);
    }
  }
  return false;
}

}  // namespace

Result<Value> parse(std::string_view text, Limits limits) {
  if (text.size() > limits.bytes) {
    Error error = invalid("document has " + std::to_string(text.size()) + " bytes; at most " +
                          std::to_string(limits.bytes) + " are taken");
    error.status = 413;
    return error;
  }
  boost::json::parse_options options;
  options.max_depth = limits.depth;
  boost::json::stream_parser parser({}, options);
  boost::system::error_code ec;
  const std::size_t used = parser.write_some(text.data(), text.size(), ec);
  std::size_t at = used;
  if (!ec && used < text.size()) {
    // Only white space may follow the document.
    const std::string_view rest = trim(text.substr(used));
    if (!rest.empty()) {
      ec = boost::json::error::extra_data;
      at = static_cast<std::size_t>(rest.data() - text.data());
    }
  }
  if (!ec) parser.finish(ec);
  if (ec) {
    std::size_t line = 1, column = 1;
    for (std::size_t i = 0; i < at && i < text.size(); ++i) {
      if (text[i] == '\n') {
        ++line;
        column = 1;
      } else {
        ++column;
      }
    }
    const std::string why =
        ec == boost::json::error::too_deep ? "nested deeper than " + std::to_string(limits.depth) : ec.message();
    return invalid("not valid JSON at line " + std::to_string(line) + ", column " + std::to_string(column) + ": " +
                   why);
  }
  Value value = parser.release();
  std::string pointer;
  if (find_infinite(value, pointer))
    return invalid((pointer.empty() ? "document" : pointer) + ": the number is out of range", pointer);
  return value;
}

namespace {

// 0.5 and 2 rather than 5E-1 and 2E0: people and shell scripts read our answers too.
void append_number(double number, std::string& out) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number);
  out.append(buffer, error == std::errc() ? end : buffer);
}

void append_text(std::string_view text, std::string& out) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    out += '\\';
    if (c == '"' || c == '\\') {
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += 'n';
    } else if (c == '\t') {
      out += 't';
    } else if (c == '\r') {
      out += 'r';
    } else {
      out += "u00";
      out += hex[c >> 4];
      out += hex[c & 15U];
    }
  }
  out.append(text, plain);
  out += '"';
}

void append(const Value& value, std::string& out) {
  switch (value.kind()) {
    case boost::json::kind::null:
      out += "null";
      return;
    case boost::json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return;
    case boost::json::kind::int64:
      out += std::to_string(value.get_int64());
      return;
    case boost::json::kind::uint64:
      out += std::to_string(value.get_uint64());
      return;
    case boost::json::kind::double_:
      append_number(value.get_double(), out);
      return;
    case boost::json::kind::string:
      append_text(value.get_string(), out);
      return;
    case boost::json::kind::array: {
      char between = '[';
      for (const Value& item : value.get_array()) {
        out += between;
        between = ',';
        append(item, out);
      }
      out += between == '[' ? "[]" : "]";
      return;
    }
    case boost::json::kind::object: {
      char between = '{';
      for (const auto& [name, item] : value.get_object()) {
        out += between;
        between = ',';
        append_text(name, out);
        out += ':';
        append(item, out);
      }
      out += between == '{' ? "{}" : "}";
      return;
    }
  }
}

}  // namespace

std::string write(const Value& value) {
  std::string out;
  append(value, out);
  return out;
}

namespace {

void write_pretty(const Value& value, std::string& out, std::size_t indent) {
  if (value.is_object() && !value.get_object().empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& [name, item] : value.get_object()) {
      if (!first) out += ",\n";
      first = false;
      out.append(indent + 2, ' ');
      append_text(name, out);
      out += ": ";
      write_pretty(item, out, indent + 2);
    }
    out += "\n";
    out.append(indent, ' ');
    out += "}";
  } else if (value.is_array() && !value.get_array().empty()) {
    out += "[\n";
    bool first = true;
    for (const Value& item : value.get_array()) {
      if (!first) out += ",\n";
      first = false;
      out.append(indent + 2, ' ');
      write_pretty(item, out, indent + 2);
    }
    out += "\n";
    out.append(indent, ' ');
    out += "]";
  } else {
    append(value, out);
  }
}

}  // namespace

std::string write_pretty(const Value& value) {
  std::string out;
  write_pretty(value, out, 0);
  return out;
}

const Value* find(const Value& value, std::string_view pointer) {
  const Value* at = &value;
  while (!pointer.empty()) {
    if (pointer[0] != '/') return nullptr;
    pointer.remove_prefix(1);
    const std::size_t end = pointer.find('/');
    const std::string_view raw = pointer.substr(0, end);
    pointer = end == std::string_view::npos ? std::string_view{} : pointer.substr(end);
    std::string step;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '~' && i + 1 < raw.size() && (raw[i + 1] == '0' || raw[i + 1] == '1')) {
        step += raw[++i] == '0' ? '~' : '/';
      } else {
        step += raw[i];
      }
    }
    if (const Object* object = at->if_object()) {
      at = object->if_contains(step);
    } else if (const Array* array = at->if_array()) {
      std::size_t index = 0;
      if (step.empty() || step.size() > 9 || step.find_first_not_of("0123456789") != std::string::npos) return nullptr;
      index = std::stoul(step);
      at = index < array->size() ? &(*array)[index] : nullptr;
    } else {
      return nullptr;
    }
    if (at == nullptr) return nullptr;
  }
  return at;
}

Value* find(Value& value, std::string_view pointer) {
  return const_cast<Value*>(find(static_cast<const Value&>(value), pointer));
}

const Value* member(const Value& value, std::string_view name) {
  const Object* object = value.if_object();
  return object != nullptr ? object->if_contains(name) : nullptr;
}

std::optional<std::string> text_at(const Value& value, std::string_view pointer) {
  const Value* at = find(value, pointer);
  if (at == nullptr || !at->is_string()) return std::nullopt;
  return std::string(at->get_string());
}

std::optional<std::int64_t> integer_at(const Value& value, std::string_view pointer) {
  const Value* at = find(value, pointer);
  if (at == nullptr) return std::nullopt;
  if (at->is_int64()) return at->get_int64();
  if (at->is_uint64() && at->get_uint64() <= INT64_MAX) return static_cast<std::int64_t>(at->get_uint64());
  if (at->is_double() && std::floor(at->get_double()) == at->get_double() && std::abs(at->get_double()) < 9e15) {
    return static_cast<std::int64_t>(at->get_double());
  }
  return std::nullopt;
}

std::optional<double> number_at(const Value& value, std::string_view pointer) {
  const Value* at = find(value, pointer);
  if (at == nullptr || !at->is_number()) return std::nullopt;
  return at->to_number<double>();
}

std::optional<bool> bool_at(const Value& value, std::string_view pointer) {
  const Value* at = find(value, pointer);
  if (at == nullptr || !at->is_bool()) return std::nullopt;
  return at->get_bool();
}

std::string text_or(const Value& value, std::string_view pointer, std::string_view otherwise) {
  std::optional<std::string> text = text_at(value, pointer);
  return text ? *std::move(text) : std::string(otherwise);
}

void set_at(Value& value, std::string_view pointer, Value what) {
  Value* at = &value;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::size_t end = pointer.find('/');
    std::string step;
    const std::string_view raw = pointer.substr(0, end);
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '~' && i + 1 < raw.size() && (raw[i + 1] == '0' || raw[i + 1] == '1'))
        step += raw[++i] == '0' ? '~' : '/';
      else step += raw[i];
    }
    pointer = end == std::string_view::npos ? std::string_view{} : pointer.substr(end);
    if (!at->is_object()) at->emplace_object();
    at = &at->get_object()[step];
  }
  *at = std::move(what);
}

void merge_patch(Value& target, const Value& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target.emplace_object();
  Object& object = target.get_object();
  for (const auto& [name, item] : patch.get_object()) {
    if (item.is_null()) {
      // erase() would move the last member into the gap; rebuild order is kept by stable_erase.
      if (auto it = object.find(name); it != object.end()) object.stable_erase(it);
    } else {
      merge_patch(object[name], item);
    }
  }
}

Value diff_merge_patch(const Value& from, const Value& to) {
  if (!from.is_object() || !to.is_object()) return to;
  Object patch;
  for (const auto& [name, item] : from.get_object()) {
    if (!to.get_object().contains(name)) patch[name] = nullptr;
  }
  for (const auto& [name, item] : to.get_object()) {
    const Value* old = from.get_object().if_contains(name);
    if (old == nullptr) {
      patch[name] = item;
    } else if (*old != item) {
      patch[name] = diff_merge_patch(*old, item);
    }
  }
  return patch;
}

std::string escape_step(std::string_view step) {
  std::string out;
  for (const char c : step) {
    if (c == '~') out += "~0";
    else if (c == '/') out += "~1";
    else out += c;
  }
  return out;
}

}  // namespace muster::json
