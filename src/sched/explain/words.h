#pragma once
// Words: quantities as people read them, for messages of verdicts and decisions.

#include <cstdint>
#include <string>

#include "sched/state/world.h"

namespace muster::sched::explain {

std::string gpus(std::int64_t milli);  // "2 GPUs", "0.5 GPU"
std::string amount(const World& world, int resource,
                   std::int64_t value);               // "4 GPUs", "16 CPU cores", "32 GiB of memory"
std::string plain(int resource, std::int64_t value);  // "4", "16", "32 GiB"; "unlimited"
double number(int resource, std::int64_t value);      // devices, cores, bytes

}  // namespace muster::sched::explain
