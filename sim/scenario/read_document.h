#pragma once
// A document that was made, not read: the same checks and defaults without its text.

#include "base/result.h"
#include "sim/scenario/document.h"
#include "sim/scenario/scenario.h"

namespace muster::sim {

Result<Scenario> read_document(const document::Scenario& file);

}  // namespace muster::sim
