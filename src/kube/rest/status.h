#pragma once
// What an API server's refusal means: its Status object as an Error with kind, HTTP status and JSON pointer.

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace muster::kube {

// `doing` stands in front: "creating pod ns/name". `body` may be no Status at all (a proxy's page).
Error error_of_answer(std::string_view doing, int status, std::string_view body);
Error error_of_status(std::string_view doing, int status, const json::Value& object);
// "spec.parts[1].weight" -> "/spec/parts/1/weight"; "metadata.labels[a.b/c]" -> "/metadata/labels/a.b~1c".
std::string pointer_of_field(std::string_view field);

}  // namespace muster::kube
