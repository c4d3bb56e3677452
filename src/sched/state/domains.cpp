#include "sched/state/domains.h"

#include <algorithm>

namespace muster::sched {

void Domains::place(LabelKey& key, NodeId n, const model::Node* node) {
  if (key.of.size() <= n.value) {
    std::size_t old = key.of.size();
    key.of.grow(n.value + 1);
    for (std::size_t i = old; i < key.of.size(); ++i) key.of[NodeId{static_cast<std::uint32_t>(i)}] = no_domain;
  }
  key.of[n] = no_domain;
  if (node == nullptr) return;
  auto it = node->labels.find(key.key);
  const std::string* value = it != node->labels.end() ? &it->second : key.key == hostname_key ? &node->name : nullptr;
  if (value == nullptr) return;
  key.of[n] = key.values.emplace(*value, static_cast<std::int32_t>(key.values.size())).first->second;
}

void Domains::widen(Term& term) {
  std::size_t n = keys_[term.key].values.size();
  if (term.now.size() >= n) return;
  term.now.resize(n), term.future.resize(n), term.repels_now.resize(n), term.repels_future.resize(n),
      term.relied.resize(n);
}

std::uint32_t Domains::key(std::string_view label) {
  for (std::size_t i = 0; i < keys_.size(); ++i)
    if (keys_[i].key == label) return static_cast<std::uint32_t>(i);
  LabelKey& fresh = keys_.emplace_back();
  fresh.key = label;
  for (std::size_t n = 0; n < nodes_.size(); ++n)
    if (nodes_[n] != nullptr) place(fresh, NodeId{static_cast<std::uint32_t>(n)}, nodes_[n]);
  return static_cast<std::uint32_t>(keys_.size() - 1);
}

TermId Domains::term(std::string_view ns, std::string_view label, const std::map<std::string, std::string>& labels) {
  std::uint32_t k = key(label);
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    const Term& t = terms_[i];
    if (t.key == k && t.ns == ns && t.labels == labels) return TermId{static_cast<std::uint32_t>(i)};
  }
  Term& fresh = terms_.emplace_back();
  fresh.ns = ns, fresh.key = k, fresh.labels = labels;
  widen(fresh);
  return TermId{static_cast<std::uint32_t>(terms_.size() - 1)};
}

void Domains::set_node(NodeId n, const model::Node& node) {
  if (nodes_.size() <= n.value) nodes_.resize(n.value + 1);
  nodes_[n.value] = &node;
  for (auto& key : keys_) place(key, n, &node);
  for (auto& term : terms_) widen(term);
}

void Domains::drop_node(NodeId n) {
  nodes_[n.value] = nullptr;
  for (auto& key : keys_) place(key, n, nullptr);
}

void Domains::renumber(const std::vector<NodeId>& to, std::size_t count) {
  std::vector<const model::Node*> fresh(count);
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (i < to.size() && !to[i].is_none()) fresh[to[i].value] = nodes_[i];
  nodes_ = std::move(fresh);
  for (auto& key : keys_) {
    Column<NodeId, std::int32_t> of;
    of.grow(count);
    for (auto& domain : of) domain = no_domain;
    for (std::uint32_t i = 0; i < key.of.size(); ++i)
      if (i < to.size() && !to[i].is_none()) of[to[i]] = key.of[NodeId{i}];
    key.of = std::move(of);
  }
}

std::string_view Domains::value_of(std::uint32_t key, std::int32_t domain) const {
  for (const auto& [value, d] : keys_[key].values)
    if (d == domain) return value;
  return "";
}

bool Domains::matches(TermId t, std::string_view ns, const std::map<std::string, std::string>& labels) const {
  const Term& term = terms_[t.value];
  if (term.ns != ns) return false;
  return std::all_of(term.labels.begin(), term.labels.end(), [&](const auto& want) {
    auto it = labels.find(want.first);
    return it != labels.end() && it->second == want.second;
  });
}

std::vector<TermId> Domains::matching(std::string_view ns, const std::map<std::string, std::string>& labels) const {
  std::vector<TermId> out;
  for (std::uint32_t i = 0; i < terms_.size(); ++i)
    if (matches(TermId{i}, ns, labels)) out.push_back(TermId{i});
  return out;
}

}  // namespace muster::sched
