#pragma once
// Submission: what a person asks for, read once from the REST body of a training (product rules 3.2, 3.3, 4.3, 4.4).
// What comes out is complete: every default is explicit in `spec`, dropped list items are gone, and the spec holds
// nothing that this machine would silently ignore.

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "model/gpu_request.h"

namespace muster::control {

struct Submission {
  std::string name;        // "" = generated
  bool as_prefix = false;  // a random suffix makes the name unique
  std::string project;     // id or name
  std::string cluster_id;  // "" = the only one
  json::Value spec;
  std::string timeout;  // duration; "" = none
};

Result<Submission> read_training(const json::Value& body);

// What lists and the scheduler's words need of a spec that read_training has completed.
struct SpecSummary {
  std::string priority_class;
  std::int32_t priority = 0;
  bool preemptible = true;
  std::string category;
  model::GpuRequest gpu;
  std::int64_t parallelism = 1, completions = 1;
  std::int64_t delete_after_seconds = 0;  // after its end
  double cpu_request = 0;                 // cores, per pod
  std::int64_t memory_request = 0;        // bytes, per pod
};
SpecSummary summarize(const json::Value& spec);

// Refuses a user or group in the spec that is not the caller's own: identity comes from the connection.
Result<void> check_identity(const json::Value& spec, std::optional<std::int64_t> uid, std::optional<std::int64_t> gid);

}  // namespace muster::control
