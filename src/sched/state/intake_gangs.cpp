// Deltas of gangs: the tree of sub-groups, its minima, and where it queues.

#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "sched/state/world.h"

namespace muster::sched {

using model::Gang;

namespace {

Result<void> check(const Gang& gang) {
  auto wrong = [&](const std::string& what) {
    return invalid(fmt::format("gang \"{}/{}\": {}", gang.ns, gang.name, what));
  };
  if (gang.name.empty()) return invalid("gang without a name");
  if (gang.min_member && *gang.min_member < 0) return wrong("minMember is below 0");
  std::set<std::string> names;
  for (const auto& g : gang.sub_groups)
    if (g.name.empty() || !names.insert(g.name).second)
      return wrong(fmt::format("sub-group \"{}\" is named twice", g.name));
  std::set<std::string> inner;
  for (const auto& g : gang.sub_groups) {
    if (!g.parent.empty() && !names.contains(g.parent))
      return wrong(fmt::format("sub-group \"{}\" has an unknown parent \"{}\"", g.name, g.parent));
    inner.insert(g.parent);
  }
  for (const auto& g : gang.sub_groups) {
    if (g.min_member && *g.min_member < 0) return wrong(fmt::format("sub-group \"{}\": minMember is below 0", g.name));
    if (inner.contains(g.name) && g.min_member)
      return wrong(fmt::format("sub-group \"{}\" has sub-groups, so it takes minSubGroup, not minMember", g.name));
    if (!inner.contains(g.name) && g.min_sub_group)
      return wrong(fmt::format("sub-group \"{}\" has no sub-groups, so it takes minMember, not minSubGroup", g.name));
    std::string up = g.parent;
    for (std::size_t steps = 0; !up.empty(); ++steps) {
      if (steps > gang.sub_groups.size()) return wrong(fmt::format("sub-group \"{}\" is in a circle", g.name));
      auto it =
          std::find_if(gang.sub_groups.begin(), gang.sub_groups.end(), [&](const auto& o) { return o.name == up; });
      up = it->parent;
    }
  }
  return {};
}

auto outline(const model::SubGroup& g) { return std::tie(g.name, g.parent, g.min_member, g.min_sub_group, g.topology); }

bool same_tree(const Gang& a, const Gang& b) {
  if (a.min_member != b.min_member || a.min_sub_group != b.min_sub_group || !(a.topology == b.topology)) return false;
  if (a.segments.has_value() != b.segments.has_value()) return false;
  if (a.segments && (a.segments->size != b.segments->size || a.segments->required != b.segments->required ||
                     a.segments->preferred != b.segments->preferred))
    return false;
  return std::equal(a.sub_groups.begin(), a.sub_groups.end(), b.sub_groups.begin(), b.sub_groups.end(),
                    [](const auto& x, const auto& y) { return outline(x) == outline(y); });
}

}  // namespace

Result<void> World::upsert(const Gang& gang) {
  TRY(check(gang));
  JobId j = job_for_pod(gang.ns, gang.name);
  bool fresh = !job(j).known;
  bool rebuild = fresh || !same_tree(job(j).noun, gang);
  model::Preemptibility kind = gang.preemptibility.value_or(model::preemptibility_of(gang.priority));
  bool recharge =
      rebuild || kind != job(j).preemptibility || gang.queue != job(j).noun.queue || gang.pools != job(j).noun.pools;
  std::vector<PodId> members;
  if (recharge) {
    members = job(j).pods;
    for (PodId p : members) account(p, -1);
    // What a semi-preemptible job guards goes with the pods.
    refresh_guarded(j);
    delist(j);
  }
  JobRow& row = job(j);
  if (gang.pools != row.noun.pools) row.pool_turn = 0;
  row.noun = gang;
  row.known = true;
  row.preemptibility = kind;
  if (gang.last_start) row.last_start = gang.last_start->ms;
  if (gang.last_evicted) row.last_evicted = gang.last_evicted->ms;
  if (gang.stale_since) row.stale_since = gang.stale_since->ms;
  if (rebuild) build_groups(j);
  if (recharge) {
    enlist(j);
    for (PodId p : members) account(p, 1);
    refresh_guarded(j);
  }
  mark_changed(j);
  ++shares_version;
  return {};
}

void World::remove_gang(const std::string& key) {
  JobId j = find_job(key);
  if (j.is_none() || !job(j).known) return;
  std::vector<PodId> members = job(j).pods;
  for (PodId p : members) account(p, -1);
  refresh_guarded(j);
  delist(j);
  job(j).known = false;
  Gang bare;
  bare.ns = job(j).noun.ns, bare.name = job(j).noun.name;
  job(j).noun = bare;
  job(j).preemptibility = model::Preemptibility::Preemptible;
  build_groups(j);
  for (PodId p : members) account(p, 1);
  mark_changed(j);
  drop_job_if_empty(j);
  ++shares_version;
}

JobId World::job_for_pod(const std::string& ns, const std::string& gang) {
  std::string key = ns + "/" + gang;
  auto it = job_by_key_.find(key);
  if (it != job_by_key_.end()) return it->second;
  JobId j;
  if (free_jobs_.empty()) {
    j = JobId{static_cast<std::uint32_t>(jobs.size())};
    jobs.emplace_back();
  } else {
    j = free_jobs_.back();
    free_jobs_.pop_back();
    bool changed = job(j).changed;
    job(j) = {};
    job(j).changed = changed;
  }
  JobRow& row = job(j);
  row.live = true;
  row.noun.ns = ns, row.noun.name = gang;
  row.key = key;
  job_by_key_[key] = j;
  build_groups(j);
  return j;
}

void World::drop_job_if_empty(JobId j) {
  JobRow& row = job(j);
  if (row.known || !row.pods.empty()) return;
  for (GroupId g : row.groups) group(g) = {}, free_groups_.push_back(g);
  job_by_key_.erase(row.key);
  if (row.told >= 0) dropped_.push_back(row.key);
  mark_changed(j);
  row = {};
  row.changed = true;
  free_jobs_.push_back(j);
}

void World::build_groups(JobId j) {
  for (GroupId g : job(j).groups) group(g) = {}, free_groups_.push_back(g);
  job(j).groups.clear();
  auto make = [&](GroupId parent, const std::string& name) {
    GroupId g;
    if (free_groups_.empty()) {
      g = GroupId{static_cast<std::uint32_t>(groups.size())};
      groups.emplace_back();
    } else {
      g = free_groups_.back();
      free_groups_.pop_back();
    }
    GroupRow& row = group(g);
    row.live = true, row.job = j, row.parent = parent, row.name = name;
    if (!parent.is_none()) group(parent).children.push_back(g);
    job(j).groups.push_back(g);
    return g;
  };
  const Gang noun = job(j).noun;
  GroupId root = make({}, "");
  job(j).root = root;
  group(root).topology = noun.topology;
  if (noun.sub_groups.empty()) {
    group(root).min_member = noun.min_member;
  } else {
    group(root).min_sub_group = noun.min_sub_group;
  }
  // Parents first, whatever order they were given in.
  std::map<std::string, GroupId> made{{"", root}};
  for (std::size_t left = noun.sub_groups.size(); left > 0;) {
    for (const auto& s : noun.sub_groups) {
      auto parent = made.find(s.parent);
      if (made.contains(s.name) || parent == made.end()) continue;
      GroupId g = make(parent->second, s.name);
      group(g).min_member = s.min_member;
      group(g).min_sub_group = s.min_sub_group;
      group(g).topology = s.topology;
      made[s.name] = g;
      --left;
    }
  }
  for (PodId p : job(j).pods) {
    GroupId g = group_for(j, pod(p).sub_group);
    pod(p).group = g;
    group(g).pods.push_back(p);
    group(g).sorted = false;
  }
}

GroupId World::group_for(JobId j, const std::string& sub_group) {
  if (group(job(j).root).is_leaf()) return job(j).root;
  GroupId only;
  int leaves = 0;
  for (GroupId g : job(j).groups) {
    if (!group(g).is_leaf()) continue;
    if (group(g).name == sub_group) return g;
    only = g, ++leaves;
  }
  if (sub_group.empty() && leaves == 1) return only;
  // A pod of a sub-group that the gang does not have: alone, needed by nothing.
  GroupId g{static_cast<std::uint32_t>(groups.size())};
  groups.emplace_back();
  GroupRow& row = group(g);
  GroupId root = job(j).root;
  if (!group(root).min_sub_group) group(root).min_sub_group = static_cast<std::int32_t>(group(root).children.size());
  row.live = true, row.job = j, row.parent = root, row.name = sub_group, row.min_member = 0;
  group(root).children.push_back(g);
  job(j).groups.push_back(g);
  return g;
}

}  // namespace muster::sched
