#pragma once
// Nursery: where shims are born. Loading this program for every run costs some milliseconds of processor time (it links
// many libraries); the nursery is loaded once, stays small, and forks a shim for each folder that it is sent. It ends
// with its Muster, its shims do not. Without it (or where systemd must start the shim) spawn.h does the same slowly.

#include <sys/types.h>

#include <memory>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "node/run/folder.h"

namespace muster::node {

class Nursery {
 public:
  // `runs` stands in its command line, so that a person sees whose it is.
  static Result<Nursery> start(const std::string& program, const std::string& runs);
  Nursery(Nursery&&) = default;
  Nursery& operator=(Nursery&&) = delete;
  ~Nursery();
  // The pidfd of the new shim. Unavailable when the nursery is gone: then start another.
  Result<Fd> begin(const RunFolder& folder);

 private:
  Nursery(Fd socket, pid_t pid) : socket_(std::move(socket)), pid_(pid) {}
  Fd socket_;
  pid_t pid_ = 0;
};

// main of `muster shim --nursery`: the socket is descriptor 3. `be_shim` is run in each child and never returns here.
int nursery_main(int argc, char** argv, int (*be_shim)(const std::string& folder));

}  // namespace muster::node
