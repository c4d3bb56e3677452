#pragma once
// Kubernetes quantities: "500m", "64", "16Gi", "1G", "1e3". Read into integers of a fixed unit, rounded up as
// Kubernetes does.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace muster {

// Thousandths: "1" -> 1000, "500m" -> 500. For CPU cores and counts of devices.
Result<std::int64_t> parse_milli(std::string_view text);
// Whole units: bytes of memory, counts. "1Ki" -> 1024.
Result<std::int64_t> parse_units(std::string_view text);
// The shortest quantity: 1500 -> "1500m", 2000 -> "2".
std::string milli_to_text(std::int64_t milli);
// Bytes with the largest binary suffix that divides: 1073741824 -> "1Gi"; else plain digits.
std::string bytes_to_text(std::int64_t bytes);
// For people: "16 GiB", "512 MiB".
std::string bytes_to_words(std::int64_t bytes);

}  // namespace muster
