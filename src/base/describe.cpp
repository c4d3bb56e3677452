#include "base/describe.h"

#include "base/text.h"

namespace muster::json::detail {

std::string camel(std::string_view snake) {
  std::string out;
  bool upper = false;
  for (const char c : snake) {
    if (c == '_') {
      upper = true;
    } else {
      out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      upper = false;
    }
  }
  return out;
}

Error wrong_type(std::string_view expected, const Value& got, const std::string& pointer) {
  std::string shown = write(got);
  if (shown.size() > 60) shown = shown.substr(0, 57) + "...";
  return invalid((pointer.empty() ? "document" : pointer) + ": expected " + std::string(expected) + ", got " + shown,
                 pointer);
}

Error unknown_member(std::string_view name, const std::vector<std::string>& known, const std::string& pointer) {
  return invalid(pointer + ": unknown field \"" + std::string(name) + "\"" + did_you_mean(name, known), pointer);
}

Error missing_member(std::string_view name, const std::string& pointer) {
  return invalid((pointer.empty() ? "document" : pointer) + ": field \"" + std::string(name) + "\" is required",
                 pointer);
}

}  // namespace muster::json::detail
