#pragma once
// Where the tests of sim find files: the repository they were built from, and the cases and traces beside it.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace muster::sim {

// The folder at or above the current one that holds the rooms.
inline std::string repository() {
  std::filesystem::path folder = std::filesystem::current_path();
  while (!std::filesystem::exists(folder / "src" / "ROOMS") && folder.has_relative_path())
    folder = folder.parent_path();
  return folder.string();
}

// MUSTER_SHARED, else the folder beside the repository; "" where it is absent.
inline std::string shared_folder() {
  const char* named = std::getenv("MUSTER_SHARED");
  const std::string path = named != nullptr ? named : repository() + "/../shared";
  return std::filesystem::is_directory(path) ? path : "";
}

inline std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> out;
  if (!std::filesystem::is_directory(folder)) return out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".json") out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace muster::sim
