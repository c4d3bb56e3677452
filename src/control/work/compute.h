#pragma once
// Compute: the block `compute` of a spec: GPUs as whole devices, portions or memory, CPU and memory (product rules 3.2,
// 3.3, 3.11, 4.4).

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "model/gpu_request.h"

namespace muster::control {

// The block with every default explicit. `compute` may be nullptr: nothing was asked.
Result<json::Value> complete_compute(const json::Value* compute, const std::string& pointer);
// Requires: a block that complete_compute has made.
model::GpuRequest gpu_request(const json::Value& compute);

}  // namespace muster::control
