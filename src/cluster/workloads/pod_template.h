#pragma once
// PodTemplate: the pod of one attempt at a training: `spec` is the REST spec verbatim, what comes out is a plain pod.
// Pure. Identity (runAsUser, runAsGroup) comes from the annotations that the control plane wrote, never from the spec.

#include "base/json.h"
#include "base/result.h"
#include "cluster/workloads/settle.h"

namespace muster::cluster {

// Invalid when the spec cannot become a pod (an unclosed quote in `command`, a share of a GPU above 1 ...).
Result<json::Value> make_pod(const json::Value& training, const NewPod& pod);

}  // namespace muster::cluster
