#include "sched/state/shapes.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace muster::sched {

using model::GpuRequest;

Dims::Dims() {
  of("cpu");
  of("memory");
  of("pods");
}

DimId Dims::of(std::string_view name) {
  auto [it, fresh] = by_name_.emplace(std::string(name), static_cast<DimId>(names_.size()));
  if (fresh) names_.emplace_back(name);
  return it->second;
}

std::int32_t share_of_device(const Shape& shape, std::int64_t device_mib) {
  const GpuRequest& gpu = shape.gpu();
  switch (gpu.kind) {
    case GpuRequest::Kind::Whole:
      return 1000;
    case GpuRequest::Kind::Portion:
      return gpu.milli;
    case GpuRequest::Kind::Memory:
      return model::portion_of_memory(gpu.memory_mib, device_mib);
    default:
      return 0;
  }
}

namespace {

void put(std::string& out, std::string_view text) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}
void put(std::string& out, std::int64_t n) {
  out += std::to_string(n);
  out += ';';
}

void put_class(std::string& out, const model::Constraints& c) {
  put(out, static_cast<std::int64_t>(c.gpu.kind));
  put(out, static_cast<std::int64_t>(c.node_selector.size()));
  for (const auto& [k, v] : c.node_selector) put(out, k), put(out, v);
  put(out, static_cast<std::int64_t>(c.node_affinity.size()));
  for (const auto& term : c.node_affinity) {
    put(out, static_cast<std::int64_t>(term.size()));
    for (const auto& e : term) {
      put(out, e.key), put(out, e.op), put(out, static_cast<std::int64_t>(e.values.size()));
      for (const auto& v : e.values) put(out, v);
    }
  }
  put(out, static_cast<std::int64_t>(c.tolerations.size()));
  for (const auto& t : c.tolerations) put(out, t.key), put(out, t.op), put(out, t.value), put(out, t.effect);
  for (const auto& what : c.unsupported) put(out, what);
}

void put_term(std::string& out, const std::string& key, const std::map<std::string, std::string>& labels) {
  put(out, key);
  put(out, static_cast<std::int64_t>(labels.size()));
  for (const auto& [k, v] : labels) put(out, k), put(out, v);
}

std::optional<std::int64_t> integer(const std::string& text) {
  std::int64_t n = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

bool holds(const model::NodeExpression& e, const model::Node& node) {
  auto it = node.labels.find(e.key);
  bool has = it != node.labels.end();
  if (e.op == "Exists") return has;
  if (e.op == "DoesNotExist") return !has;
  bool listed = has && std::find(e.values.begin(), e.values.end(), it->second) != e.values.end();
  if (e.op == "In") return listed;
  if (e.op == "NotIn") return !listed;
  if (!has || e.values.size() != 1) return false;
  auto have = integer(it->second), bound = integer(e.values[0]);
  if (!have || !bound) return false;
  return e.op == "Gt" ? *have > *bound : e.op == "Lt" && *have < *bound;
}

bool tolerates(const model::Toleration& t, const model::Taint& taint) {
  if (!t.effect.empty() && t.effect != taint.effect) return false;
  if (t.key.empty()) return t.op == "Exists";
  if (t.key != taint.key) return false;
  return t.op == "Exists" || t.value == taint.value;
}

const model::Taint* untolerated(const ConstraintClass& klass, const model::Node& node, bool preferred) {
  for (const auto& taint : node.taints) {
    if ((taint.effect == "PreferNoSchedule") != preferred) continue;
    bool ok = std::any_of(klass.tolerations.begin(), klass.tolerations.end(),
                          [&](const auto& t) { return tolerates(t, taint); });
    if (!ok) return &taint;
  }
  return nullptr;
}

bool selected(const ConstraintClass& klass, const model::Node& node) {
  return std::all_of(klass.selector.begin(), klass.selector.end(), [&](const auto& want) {
    auto it = node.labels.find(want.first);
    return it != node.labels.end() && it->second == want.second;
  });
}

bool affine(const ConstraintClass& klass, const model::Node& node) {
  if (klass.affinity.empty()) return true;
  return std::any_of(klass.affinity.begin(), klass.affinity.end(), [&](const auto& term) {
    return std::all_of(term.begin(), term.end(), [&](const auto& e) { return holds(e, node); });
  });
}

bool has_kind(GpuRequest::Kind kind, const model::Node& node) {
  switch (kind) {
    case GpuRequest::Kind::None:
      return true;
    case GpuRequest::Kind::Whole:
      return node.mig != model::Node::Mig::Mixed && !node.devices.empty();
    case GpuRequest::Kind::Portion:
    case GpuRequest::Kind::Memory:
      return node.mig == model::Node::Mig::Off && !node.devices.empty();
    case GpuRequest::Kind::Mig:
      return node.mig == model::Node::Mig::Mixed;
  }
  return false;
}

bool has_role(GpuRequest::Kind kind, const model::Node& node) {
  const std::string worker = kind == GpuRequest::Kind::None ? "cpu-worker" : "gpu-worker";
  return node.labels.contains("node-role.kubernetes.io/" + worker) ||
         node.labels.contains("node-role.kubernetes.io/runai-" + worker);
}

}  // namespace

std::string canonical_class(const model::Constraints& c) {
  std::string out;
  put_class(out, c);
  return out;
}

std::string canonical(const model::Constraints& c, std::string_view ns) {
  std::string out;
  out.reserve(128);
  put(out, ns);
  put(out, c.gpu.devices), put(out, c.gpu.milli), put(out, c.gpu.memory_mib), put(out, c.gpu.milli_limit);
  put(out, c.gpu.memory_limit_mib);
  for (const auto& [k, n] : c.gpu.mig) put(out, k), put(out, n);
  out += '|';
  put(out, c.cpu), put(out, c.memory);
  for (const auto& [k, n] : c.extended) put(out, k), put(out, n);
  out += '|';
  put_class(out, c);
  for (const auto& t : c.pod_affinity) put_term(out, t.topology_key, t.labels);
  out += '|';
  for (const auto& t : c.pod_anti_affinity) put_term(out, t.topology_key, t.labels);
  out += '|';
  for (const auto& t : c.spread) put_term(out, t.topology_key, t.labels), put(out, t.max_skew), put(out, t.hard);
  out += '|';
  for (auto port : c.host_ports) put(out, port);
  return out;
}

bool class_admits(const ConstraintClass& klass, const model::Node& node, bool predicates, bool by_role) {
  if (!klass.unsupported.empty() || !node.ready || node.unschedulable) return false;
  if (by_role && !has_role(klass.gpu, node)) return false;
  if (!has_kind(klass.gpu, node)) return false;
  if (!predicates) return true;
  return selected(klass, node) && affine(klass, node) && untolerated(klass, node, false) == nullptr;
}

bool is_avoided(const ConstraintClass& klass, const model::Node& node) {
  return untolerated(klass, node, true) != nullptr;
}

std::string refusal(const ConstraintClass& klass, const model::Node& node, bool by_role) {
  if (!klass.unsupported.empty()) return klass.unsupported.front();
  if (!node.ready) return "not ready";
  if (node.unschedulable) return "cordoned";
  if (by_role && !has_role(klass.gpu, node)) return "node role";
  if (!selected(klass, node)) return "node selector";
  if (!affine(klass, node)) return "node affinity";
  if (const auto* taint = untolerated(klass, node, false)) return "taint " + taint->key;
  if (!has_kind(klass.gpu, node)) {
    if (klass.gpu == GpuRequest::Kind::Mig) return "no MIG instances";
    return node.devices.empty() ? "no GPUs" : "MIG mode";
  }
  return "";
}

}  // namespace muster::sched
