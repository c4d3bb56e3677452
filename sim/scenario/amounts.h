#pragma once
// Amounts in scenario files: numbers or quantities, ages, words of closed lists. Errors name the JSON pointer.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

namespace muster::sim {

// CPU: cores as a number, or a quantity such as "500m". Thousandths.
Result<std::int64_t> read_cores(const json::Value& value, const std::string& pointer);
// Memory: bytes as a number, or a quantity.
Result<std::int64_t> read_bytes(const json::Value& value, const std::string& pointer);
// Device memory: MiB as a number, or a quantity rounded up to whole MiB.
Result<std::int64_t> read_mib(const json::Value& value, const std::string& pointer);
// Counts of devices with up to three decimals, as thousandths.
Result<std::int64_t> read_devices(const json::Value& value, const std::string& pointer);
// Other resources: whole units.
Result<std::int64_t> read_count(const json::Value& value, const std::string& pointer);
// A number of the file in thousandths, rounded to the nearest. Requires: finite.
std::int64_t milli_of(double number);

Result<Duration> read_length(std::string_view text, const std::string& pointer);
// An offset from now: "-10m".
Result<Time> read_moment(std::string_view text, Time now, const std::string& pointer);

Error unknown_word(std::string_view what, std::string_view got, std::span<const std::string> known,
                   const std::string& pointer);
// The error with the pointer in front, as every error of the reader has it.
Error at_pointer(std::string text, const std::string& pointer);

}  // namespace muster::sim
