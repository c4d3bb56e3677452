#pragma once
// Starts the shim of a run: `<program> shim <run folder>`, behind systemd-run where that raises the walls.

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "node/run/cgroup.h"
#include "node/run/folder.h"

namespace muster::node {

// Starts a program with nothing of ours but PATH and the like: own session, /dev/null for stdio, SIGTERM held back
// until it listens, all descriptors closed but `keep` (-1: none), which becomes 3.
Result<pid_t> spawn_quietly(std::vector<std::string> words, int keep);

// The shim's pid, a child of this process until it ends. Nothing of this process is handed down but PATH and the like.
Result<pid_t> spawn_shim(const std::string& program, const RunFolder& folder, const Walls& walls,
                         const RunOrder& order);

}  // namespace muster::node
