#pragma once
// Phase: what a person is told of a workload (product rule 4.10).

#include <string_view>

namespace muster::model {

enum class Phase {
  Creating,
  Pending,
  Initializing,
  Resuming,
  Running,
  Updating,
  Degraded,
  Stopping,
  Stopped,
  Completed,
  Failed,
  Deleting,
  Terminating,
  Unknown
};

std::string_view to_text(Phase phase);
bool parse(std::string_view text, Phase& out);
// Completed, Failed.
bool is_final(Phase phase);

}  // namespace muster::model
