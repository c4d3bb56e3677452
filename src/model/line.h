#pragma once
// The line between control plane and cluster. Downward: desired objects, in order. Upward: facts about them. Questions
// (why, plan) are asked and answered on it. On one machine it is two in-process queues; later it is one HTTP connection
// with the same words. Both sides hold this interface; neither includes the other.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace muster::model {

// One change that the control plane wants: create or replace the spec of a muster.dev object, or delete it.
struct Desired {
  std::uint64_t sequence = 0;  // grows; the cluster remembers the last it applied
  std::string kind;            // Department | Project | NodePool | Training | Topology
  std::string ns;              // "" for cluster-scoped kinds
  std::string name;
  bool remove = false;
  // The whole object (apiVersion, kind, metadata with labels and annotations, spec). Stop and resume are `spec.suspend`
  // of the same object.
  json::Value object;
};

// What the cluster saw. The control plane keeps the newest of each key.
struct Fact {
  // workload: phase and pods of one Training; queue: use and share of one queue; node: one node with its devices;
  // event: something happened; synced: everything known at (re)connection has been sent.
  std::string kind;  // "workload" | "queue" | "node" | "event" | "synced"
  std::string key;   // workload id (UUID), queue name, node name, event id
  bool gone = false;
  json::Value body;  // shapes: docs/line.md
};

// The control plane's end.
class LineToCluster {
 public:
  virtual ~LineToCluster() = default;
  // Queues changes; returns when they are taken over, not applied. Unavailable when the cluster is away.
  virtual Result<void> send(std::vector<Desired> changes) = 0;
  // A question: {"ask":"why","id":"..."} or {"ask":"plan", ...}; answered by the part that has the solver.
  virtual Result<json::Value> ask(const json::Value& question, Deadline deadline) = 0;
};

// The cluster's end. Called from the cluster's threads; must not block for long.
class LineToControl {
 public:
  virtual ~LineToControl() = default;
  virtual void report(std::vector<Fact> facts) = 0;
  // The cluster has applied everything up to this sequence durably.
  virtual void applied(std::uint64_t sequence) = 0;
};

}  // namespace muster::model
