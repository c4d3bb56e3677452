#pragma once
// Registration: this machine's offers as Node objects. Labels, taints and cordons that others set stay. A node of an
// earlier start that is not offered any more is removed; while something still runs on it, it is only closed to new
// pods, and opened again when it is offered again.

#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kube/api.h"
#include "node/offer.h"

namespace muster::node {

Result<void> register_node(kube::Api& api, const Offer& offer, Time now);
// Names of process nodes that are known to the cluster and not among the offers.
Result<std::vector<std::string>> nodes_left_over(kube::Api& api, const std::vector<Offer>& offers);
void retire_nodes(kube::Api& api, const std::vector<std::string>& left_over, const std::set<std::string>& busy);

}  // namespace muster::node
