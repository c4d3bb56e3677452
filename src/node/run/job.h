#pragma once
// Job: the program of one run, started by its shim: own session, the submitter's account, walls, descriptors closed,
// working folder and executable opened after the switch.

#include <sys/types.h>

#include <string>

#include "base/file.h"
#include "base/result.h"
#include "node/run/cgroup.h"
#include "node/run/folder.h"

namespace muster::node {

struct StartedJob {
  pid_t pid = 0;
  Fd output;          // read end of what it prints, non-blocking
  int exit_code = 0;  // not 0: nothing runs (the child is reaped); 127 not found, 126 not startable
  std::string message;
};

// Returns once the exec has succeeded or failed. Requires: the caller is single-threaded and a child subreaper.
StartedJob start_job(const RunOrder& order, const Cgroup& cgroup);

}  // namespace muster::node
