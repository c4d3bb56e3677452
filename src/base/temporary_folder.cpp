#include "base/temporary_folder.h"

#include <cstdlib>
#include <filesystem>

#include "base/check.h"

namespace muster {

TemporaryFolder::TemporaryFolder() {
  const char* base = std::getenv("TMPDIR");
  path_ = std::string(base != nullptr && *base != 0 ? base : "/tmp") + "/muster-XXXXXX";
  CHECK(::mkdtemp(path_.data()) != nullptr, "the folder for temporary files can be written");
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // what cannot be removed stays: nothing depends on it
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace muster
