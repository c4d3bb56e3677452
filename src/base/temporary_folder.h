#pragma once
// TemporaryFolder: a folder of its own that vanishes with the value. For tests, and for work that is renamed into
// place.

#include <string>

namespace muster {

class TemporaryFolder {
 public:
  // Below TMPDIR or /tmp, mode 0700.
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace muster
