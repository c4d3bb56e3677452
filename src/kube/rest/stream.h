#pragma once
// A watch of an API server: one JSON object per line of a response that does not end.

#include <memory>

#include "kube/api.h"
#include "net/client.h"

namespace muster::kube {

// `doing` stands in front of errors: "watching pods".
std::unique_ptr<Watch> read_watch(std::unique_ptr<net::Client::Reading> reading, std::string doing);

// The object without metadata.managedFields, which nobody of ours reads and which doubles its size.
void strip(json::Value& object);

}  // namespace muster::kube
