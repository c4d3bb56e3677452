#pragma once
// GpuRequest: what one pod asks of GPUs: whole devices, a portion of one or several devices, device memory, or MIG
// instances. One grammar for the command line, the submit form and the scenario files: "2", "0.5", "2x0.5", "10Gi",
// "2x10Gi".

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace muster::model {

struct GpuRequest {
  enum class Kind { None, Whole, Portion, Memory, Mig };
  Kind kind = Kind::None;
  std::int32_t devices = 0;                 // how many different devices of one node; Mig: 0
  std::int32_t milli = 0;                   // Portion: thousandths of each device, 1..999; Whole: 1000
  std::int64_t memory_mib = 0;              // Memory: MiB of each device
  std::int32_t milli_limit = 0;             // Portion: burst bound per device; 0 = as the request
  std::int64_t memory_limit_mib = 0;        // Memory: burst bound per device; 0 = as the request
  std::map<std::string, std::int32_t> mig;  // Mig: "nvidia.com/mig-1g.10gb" -> instances

  friend bool operator==(const GpuRequest&, const GpuRequest&) = default;
  bool is_shared() const { return kind == Kind::Portion || kind == Kind::Memory; }
};

// "0" is None. A portion has at most three decimals; "1.5" is refused with a hint to ask for whole devices or "2x0.75".
Result<GpuRequest> parse_gpu_request(std::string_view text);
// The text that parse_gpu_request reads back: "0.5", "2x0.5", "10Gi". Mig: "mig-1g.10gb", with "2x" in front for two.
std::string to_text(const GpuRequest& request);
// Devices charged in thousandths: devices x milli; Memory: by a device of `device_mib` (rounded up to 0.01 of it); Mig:
// N GPUs for each "Ng." instance (product rule 3.9.2).
std::int64_t charged_milli(const GpuRequest& request, std::int64_t device_mib);
// Thousandths of one device of `device_mib` that a request for `memory_mib` takes: rounded up to 0.01 (product
// rule 3.4.5).
std::int32_t portion_of_memory(std::int64_t memory_mib, std::int64_t device_mib);

}  // namespace muster::model
