#pragma once
// main of `muster cluster`: the cluster's parts on a real API server.

#include <string>
#include <vector>

namespace muster::cluster {

// Parses its own flags, answers --help; returns the exit status (interface 4).
int cluster_main(const std::vector<std::string>& arguments);

}  // namespace muster::cluster
