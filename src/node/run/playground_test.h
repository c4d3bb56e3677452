#pragma once
// What the tests of runs share: a run folder of its own, real shims (this test program is its own `muster shim`, see
// playground_test.cpp), and looks at the processes of the machine.

#include <string>
#include <vector>

#include "base/clock.h"
#include "node/run/folder.h"

namespace muster::node::testing {

// mkdtemp, removed at the end. Open for other accounts to enter when tests run as root.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string this_program();
// An order for `sh -c script` with a marker of its own.
RunOrder order_of(const std::string& uid, const std::string& script);
// Writes the order into <folder>/<uid> and starts a shim. Its pid; the test's child, reaped by wait_for_exit.
pid_t start_shim(const RunFolder& folder);
// Fails the test when the run has not ended in 20 s.
ExitRecord wait_for_exit(const RunFolder& folder);
bool wait_until(const std::function<bool()>& holds, Duration patience = seconds(10));
std::string output_of(const RunFolder& folder);
// Live processes whose environment holds the run's marker.
int count_marked(const std::string& uid);
bool is_root();

}  // namespace muster::node::testing
