#pragma once
// Kubernetes' rules for names, label keys and label values.

#include <string>
#include <string_view>

namespace muster::kube {

// Lower case letters, digits, '-'; begins and ends with a letter or digit; at most 63.
bool is_rfc1123_label(std::string_view text);
// Such labels joined by dots, at most 253.
bool is_rfc1123_subdomain(std::string_view text);
// "name" or "prefix/name": label and annotation keys, finalizers.
bool is_qualified_name(std::string_view text);
// "" or up to 63 letters, digits, '-', '_', '.', beginning and ending with a letter or digit.
bool is_label_value(std::string_view text);

}  // namespace muster::kube
