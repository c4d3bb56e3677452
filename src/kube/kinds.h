#pragma once
// The fixed table of kinds (interface 6).

#include <span>

#include "kube/api.h"

namespace muster::kube::kinds {

extern const Kind ns;  // Namespace
extern const Kind node, pod, event, config_map, secret, service, persistent_volume_claim;
extern const Kind priority_class;
extern const Kind lease;
extern const Kind crd;
extern const Kind queue, pod_group;                // scheduling.run.ai v2, v2alpha2
extern const Kind department, project, node_pool;  // muster.dev/v1alpha1, cluster scope
extern const Kind training;                        // muster.dev/v1alpha1
extern const Kind topology;                        // kai.scheduler/v1alpha1, cluster scope

std::span<const Kind* const> all();

}  // namespace muster::kube::kinds
