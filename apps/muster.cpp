// The one program: the command line with the rows that need more than a server's address. Wiring only.

#include <string_view>

#include "apps/up.h"
#include "cli/cli.h"
#include "cluster/main.h"
#include "node/node.h"
#include "sim/sim.h"

int main(int argc, char** argv) {
  using muster::cli::Command;
  // The shim has no patience for a table of commands: it is started for every run.
  if (argc > 1 && std::string_view(argv[1]) == "shim") return muster::node::shim_main(argc - 1, argv + 1);
  std::vector<Command> rows = {
      {"up", "start Muster on this machine", muster::apps::up_main},
      {"down", "stop Muster on this machine; workloads go on", muster::apps::down_main},
      {"cluster", "run the cluster parts against a Kubernetes API server", muster::cluster::cluster_main},
  };
  for (const muster::sim::Row& row : muster::sim::rows()) rows.push_back({row.name, row.summary, row.run});
  return muster::cli::run(argc, argv, rows);
}
