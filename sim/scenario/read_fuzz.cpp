// Scenario files come from anywhere: whatever their bytes, reading ends with a scenario or an error that names a place.

#include <cstdint>
#include <string_view>

#include "sim/scenario/read.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const muster::Result<muster::sim::Scenario> scenario =
      muster::sim::read_scenario(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!scenario.has_value() && scenario.error().text.empty()) __builtin_trap();
  return 0;
}
