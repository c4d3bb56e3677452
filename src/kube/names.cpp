// Character by character, no patterns.
#include "kube/names.h"

#include "base/text.h"

namespace muster::kube {

namespace {

bool is_lower(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alphanumeric(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

// The part of a qualified name after the prefix, and a label value that is not empty.
bool is_name_part(std::string_view text) {
  if (text.empty() || text.size() > 63) return false;
  if (!is_alphanumeric(text.front()) || !is_alphanumeric(text.back())) return false;
  for (const char c : text) {
    if (!is_alphanumeric(c) && c != '-' && c != '_' && c != '.') return false;
  }
  return true;
}

}  // namespace

bool is_rfc1123_label(std::string_view text) {
  if (text.empty() || text.size() > 63 || !is_lower(text.front()) || !is_lower(text.back())) return false;
  for (const char c : text) {
    if (!is_lower(c) && c != '-') return false;
  }
  return true;
}

bool is_rfc1123_subdomain(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (const std::string_view part : split(text, '.')) {
    if (part.empty() || !is_lower(part.front()) || !is_lower(part.back())) return false;
    for (const char c : part) {
      if (!is_lower(c) && c != '-') return false;
    }
  }
  return true;
}

bool is_qualified_name(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_name_part(text);
  return is_rfc1123_subdomain(text.substr(0, slash)) && is_name_part(text.substr(slash + 1));
}

bool is_label_value(std::string_view text) { return text.empty() || is_name_part(text); }

}  // namespace muster::kube
