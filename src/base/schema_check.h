#pragma once
// Checking a value against compiled nodes. Inside of base/schema; nobody else includes it.

#include <vector>

#include "base/schema_node.h"

namespace muster::schema {

// At most `most` errors, in the order of the document.
std::vector<Error> check(const std::vector<Node>& nodes, const json::Value& value, std::size_t most);

}  // namespace muster::schema
