#pragma once
// DataFolder: the folder of the server on this machine: who may read it, one server at a time, which format it has, its
// token.

#include <string>

#include "base/file.h"
#include "base/result.h"

namespace muster::apps {

// MUSTER_DATA, else root: /var/lib/muster, else ${XDG_DATA_HOME:-~/.local/share}/muster (interface 1).
std::string default_data_folder();

class DataFolder {
 public:
  // Makes the folder with mode 0700 or checks that it is ours, closed to others, writable and of a format we know;
  // takes the lock. conflict: another server has it (names its pid). internal: refused (names the folder, why, and the
  // remedy).
  static Result<DataFolder> open(const std::string& path);

  const std::string& path() const { return path_; }
  // Content of owner.token; made at first start, mode 0600.
  Result<std::string> owner_token() const;
  // endpoint.json, renamed in last: whoever sees it finds a server that answers.
  Result<void> publish(const std::string& endpoint_json) const;
  void unpublish() const;

 private:
  std::string path_;
  Fd lock_;
};

}  // namespace muster::apps
