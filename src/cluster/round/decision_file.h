#pragma once
// DecisionFile: where the record of decisions goes: <folder>/decisions/NNNNNN.log, one file per engine (a start of
// Muster, or a new engine when a file has grown too large), the newest few kept. Written without waiting for the disk;
// when it cannot be written, scheduling goes on without it.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"

namespace muster::cluster {

class DecisionFile {
 public:
  // "" = no log.
  explicit DecisionFile(std::string folder);
  // A new file for a new engine; drops the oldest.
  void begin();
  void append(std::string_view bytes);
  bool is_full() const { return bytes_ >= most_bytes; }
  bool is_on() const { return !folder_.empty(); }

 private:
  static constexpr std::uint64_t most_bytes = 32ULL << 20;
  static constexpr std::uint64_t most_files = 4;

  void give_up(std::string_view doing, int number);

  std::string folder_;
  Fd file_;
  std::uint64_t number_ = 0, bytes_ = 0;
};

}  // namespace muster::cluster
