#pragma once
// HTTP nouns shared by server and client.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace muster::net {

using Headers = std::vector<std::pair<std::string, std::string>>;
// Case-insensitive; nullptr when absent.
const std::string* find_header(const Headers& headers, std::string_view name);

// Percent-decoding of one path or query component; '+' is a space only in queries.
Result<std::string> decode_component(std::string_view text, bool plus_is_space);
std::string encode_component(std::string_view text);
// "a=1&b=x%20y" in order. Malformed escapes are invalid.
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

}  // namespace muster::net
