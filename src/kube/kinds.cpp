// The fixed table of kinds: plain values, in the order of interface 6.
#include "kube/kinds.h"

namespace muster::kube::kinds {

const Kind ns{"", "v1", "Namespace", "namespaces", false, true};
const Kind node{"", "v1", "Node", "nodes", false, true};
const Kind pod{"", "v1", "Pod", "pods", true, true};
const Kind event{"", "v1", "Event", "events", true, false};
const Kind config_map{"", "v1", "ConfigMap", "configmaps", true, false};
const Kind secret{"", "v1", "Secret", "secrets", true, false};
const Kind service{"", "v1", "Service", "services", true, true};
const Kind persistent_volume_claim{"", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true, true};
const Kind priority_class{"scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", false, false};
const Kind lease{"coordination.k8s.io", "v1", "Lease", "leases", true, false};
const Kind crd{"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false, true};
const Kind queue{"scheduling.run.ai", "v2", "Queue", "queues", false, true};
const Kind pod_group{"scheduling.run.ai", "v2alpha2", "PodGroup", "podgroups", true, true};
const Kind department{"muster.dev", "v1alpha1", "Department", "departments", false, true};
const Kind project{"muster.dev", "v1alpha1", "Project", "projects", false, true};
const Kind node_pool{"muster.dev", "v1alpha1", "NodePool", "nodepools", false, true};
const Kind training{"muster.dev", "v1alpha1", "Training", "trainings", true, true};
const Kind topology{"kai.scheduler", "v1alpha1", "Topology", "topologies", false, false};

std::span<const Kind* const> all() {
  static constexpr const Kind* table[] = {&ns,
                                          &node,
                                          &pod,
                                          &event,
                                          &config_map,
                                          &secret,
                                          &service,
                                          &persistent_volume_claim,
                                          &priority_class,
                                          &lease,
                                          &crd,
                                          &queue,
                                          &pod_group,
                                          &department,
                                          &project,
                                          &node_pool,
                                          &training,
                                          &topology};
  return table;
}

}  // namespace muster::kube::kinds
