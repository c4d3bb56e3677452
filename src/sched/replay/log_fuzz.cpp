// Decision logs are files: any bytes must be read or refused, never more.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sched/replay/log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  muster::sched::replay::LogReader reader(std::string_view(reinterpret_cast<const char*>(bytes), size));
  for (int i = 0; i < 1000; ++i) {
    auto record = reader.next();
    if (!record.has_value() || !record->has_value()) break;
  }
  return 0;
}
