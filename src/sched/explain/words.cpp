#include "sched/explain/words.h"

#include <fmt/core.h>

#include "base/quantity.h"
#include "sched/state/ids.h"

namespace muster::sched::explain {

namespace {
// 1500 -> "1.5"
std::string decimal(std::int64_t milli) {
  std::string out = fmt::format("{}", milli / 1000);
  if (std::int64_t rest = milli % 1000; rest != 0) {
    out += fmt::format(".{:03}", rest < 0 ? -rest : rest);
    while (out.back() == '0') out.pop_back();
  }
  return out;
}
}  // namespace

std::string gpus(std::int64_t milli) { return decimal(milli) + (milli == 0 || milli > 1000 ? " GPUs" : " GPU"); }

std::string plain(int resource, std::int64_t value) {
  if (value == unlimited) return "unlimited";
  if (resource > 2) return std::to_string(value);
  return resource == 2 ? bytes_to_words(value) : decimal(value);
}

std::string amount(const World& world, int resource, std::int64_t value) {
  if (value == unlimited) return "unlimited";
  if (resource == 0) return gpus(value);
  if (resource == 1) return decimal(value) + (value == 1000 ? " CPU core" : " CPU cores");
  if (resource > 2) return fmt::format("{} of {}", value, world.resource_name(resource));
  return bytes_to_words(value) + " of memory";
}

double number(int resource, std::int64_t value) {
  return resource >= 2 ? static_cast<double>(value) : static_cast<double>(value) / 1000.0;
}

}  // namespace muster::sched::explain
