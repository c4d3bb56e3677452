#pragma once
// Rules: what each verb makes of an object. Pure functions from the present state and the wish to the next state; the
// Core applies them and tries again when somebody else was faster.

#include "base/time.h"
#include "kube/local/table.h"

namespace muster::kube::local {

// What a verb decided.
struct Next {
  enum class What { Keep, Write, Remove };
  What what = What::Keep;
  json::Value object;
};

// A new object, complete but for name (generateName), resourceVersion and uid.
Result<void> prepare_create(const Contract& contract, json::Value& object, Time now);
// `next` replaces everything but status and the server's own metadata.
Result<Next> prepare_update(const Contract& contract, const Version& old, json::Value next);
// RFC 7396 on the whole object.
Result<Next> prepare_patch(const Contract& contract, const Version& old, const json::Value& patch);
Result<Next> prepare_status(const Contract& contract, const Version& old, const json::Value& patch);
Result<Next> prepare_removal(const Contract& contract, const Version& old, const DeleteOptions& options, Time now);
Result<Next> prepare_binding(const Contract& pods, const Version& old, const Binding& binding, Time now);
// The condition that tells why the pod goes; the removal follows.
Result<Next> prepare_eviction(const Contract& pods, const Version& old, const DeleteOptions& options, Time now);

// uid and resourceVersion that a caller insists on; "" = does not.
Result<void> check_preconditions(const Contract& contract, const Version& old, const std::string& uid,
                                 const std::string& resource_version);

}  // namespace muster::kube::local
