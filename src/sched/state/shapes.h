#pragma once
// Shapes: what of a pod decides where it may go, interned, so that pods of one template are one row; and constraint
// classes, the part of a shape that only labels and taints of nodes answer, kept as a set of nodes.

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/node.h"
#include "model/pod.h"
#include "sched/state/ids.h"
#include "sched/state/node_set.h"

namespace muster::sched {

inline constexpr DimId dim_cpu = 0, dim_memory = 1, dim_pods = 2;

// Names of the resources that nodes offer beyond GPUs. MIG profiles are among them.
class Dims {
 public:
  Dims();
  DimId of(std::string_view name);
  std::size_t size() const { return names_.size(); }
  const std::string& name(DimId d) const { return names_[d]; }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, DimId> by_name_;
};

struct ConstraintClass {
  std::map<std::string, std::string> selector;
  std::vector<std::vector<model::NodeExpression>> affinity;
  std::vector<model::Toleration> tolerations;
  model::GpuRequest::Kind gpu = model::GpuRequest::Kind::None;
  std::vector<std::string> unsupported;
  NodeSet nodes;    // usable nodes where such a pod may run, resources aside
  NodeSet avoided;  // of these, the ones that ask not to be used (PreferNoSchedule)
};

struct Shape {
  model::Constraints constraints;
  std::string ns;  // "" unless a term speaks of other pods
  ClassId klass;
  std::vector<std::pair<DimId, std::int64_t>> need;  // cpu, memory, one pod, extended, MIG
  std::vector<TermId> affinity, anti_affinity, spread;
  bool is_dynamic = false;  // depends on which pods are where: ports, terms
  std::int64_t mig_milli = 0;
  std::array<std::int64_t, model::named_resources> named{};
  std::int32_t pods = 0;  // that have this shape

  const model::GpuRequest& gpu() const { return constraints.gpu; }
  bool wants_gpu() const { return constraints.gpu.kind != model::GpuRequest::Kind::None; }
};

// Thousandths of one device that a pod of the shape takes of a device with this memory.
std::int32_t share_of_device(const Shape& shape, std::int64_t device_mib);

// Bytes that are equal exactly for equal constraints.
std::string canonical(const model::Constraints& constraints, std::string_view ns);
std::string canonical_class(const model::Constraints& constraints);

// Labels, taints, affinity and the kind of GPUs; not resources. `predicates` false: only the node's own readiness.
// `by_role`: GPU pods only on nodes of role gpu-worker, others only on cpu-worker.
bool class_admits(const ConstraintClass& klass, const model::Node& node, bool predicates, bool by_role);
bool is_avoided(const ConstraintClass& klass, const model::Node& node);
// The first cause that speaks against the node, in words for people; "" when none does.
std::string refusal(const ConstraintClass& klass, const model::Node& node, bool by_role);

}  // namespace muster::sched
