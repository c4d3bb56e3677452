#pragma once
// Files: whole-file reads and writes that survive a crash.

#include <sys/types.h>
#include <string>
#include <string_view>

#include "base/result.h"

namespace muster {

// Whole file. not_found when it is missing; `limit` bytes at most (invalid above).
Result<std::string> read_file(const std::string& path, std::size_t limit = 64U << 20);
// Writes a neighbour, syncs it, renames it over `path` and syncs the folder: readers see the old or the new bytes,
// never a part. A full disk is Internal with "space" in the text.
Result<void> write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode);
// mkdir -p; folders that are made get `mode`.
Result<void> make_folders(const std::string& path, mode_t mode);
// The text of an errno: "permission denied", "no space left on device" ...
std::string errno_text(int number);
// Error of a failed system call on a path: kinds by errno (ENOENT not_found, EACCES denied, ENOSPC internal "no space
// left" ...).
Error system_error(int number, std::string_view doing);

// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  int release();
  void close();

 private:
  int fd_ = -1;
};

}  // namespace muster
