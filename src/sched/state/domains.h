#pragma once
// Domains: the values of node labels by which pods are kept together or apart, and counts of pods per domain for
// each selector that some pod asks about. Counts are cells of the undo log.

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/node.h"
#include "model/pod.h"
#include "sched/state/ids.h"
#include "sched/state/undo.h"

namespace muster::sched {

inline constexpr std::string_view hostname_key = "kubernetes.io/hostname";
inline constexpr std::int32_t no_domain = -1;

// Nodes by the value of one label. A node without a hostname label is its own host.
struct LabelKey {
  std::string key;
  std::unordered_map<std::string, std::int32_t> values;
  Column<NodeId, std::int32_t> of;
};

// "Pods of this namespace with these labels, per value of this node label".
struct Term {
  std::string ns;
  std::uint32_t key = 0;  // index of the LabelKey
  std::map<std::string, std::string> labels;
  std::vector<std::int32_t> now, future;                // pods that match, per domain
  std::vector<std::int32_t> repels_now, repels_future;  // pods that keep such pods away (anti-affinity), per domain
  std::vector<std::int32_t> relied;                     // nominated pods that are there for the sake of such pods
  std::int32_t total_future = 0;                        // pods that match, anywhere
};

class Domains {
 public:
  std::uint32_t key(std::string_view label);
  TermId term(std::string_view ns, std::string_view label, const std::map<std::string, std::string>& labels);
  void set_node(NodeId n, const model::Node& node);
  void drop_node(NodeId n);
  // After nodes were renumbered: `to` by old id, none for those that are gone; `count` nodes are left.
  void renumber(const std::vector<NodeId>& to, std::size_t count);

  std::int32_t of(std::uint32_t key, NodeId n) const {
    const auto& column = keys_[key].of;
    return n.value < column.size() ? column[n] : no_domain;
  }
  std::size_t domain_count(std::uint32_t key) const { return keys_[key].values.size(); }
  std::string_view value_of(std::uint32_t key, std::int32_t domain) const;
  Term& operator[](TermId t) { return terms_[t.value]; }
  const Term& operator[](TermId t) const { return terms_[t.value]; }
  std::size_t term_count() const { return terms_.size(); }
  std::vector<TermId> matching(std::string_view ns, const std::map<std::string, std::string>& labels) const;
  bool matches(TermId t, std::string_view ns, const std::map<std::string, std::string>& labels) const;

 private:
  void place(LabelKey& key, NodeId n, const model::Node* node);
  void widen(Term& term);

  std::vector<LabelKey> keys_;
  std::vector<Term> terms_;
  std::vector<const model::Node*> nodes_;  // by id; owned by the node table
};

}  // namespace muster::sched
