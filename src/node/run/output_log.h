#pragma once
// OutputLog: what a job printed, as it was printed, in segments of a bounded size of which the newest few are kept.
// Written by the shim. While the disk is full, output waits in memory (some MiB); what does not fit is dropped and the
// log says how much, so that a full disk neither stops the job nor lies.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"
#include "node/run/folder.h"

namespace muster::node {

class OutputLog {
 public:
  OutputLog(RunFolder folder, std::int64_t segment_bytes, int segments_kept);
  void append(std::string_view bytes);
  // Tries again to write what waits. True when nothing waits.
  bool flush();
  bool is_waiting() const { return !waiting_.empty() || dropped_ > 0; }

 private:
  // Bytes written; fewer than given when the disk is full.
  std::size_t write(std::string_view bytes);
  bool open_segment(int number);

  RunFolder folder_;
  std::int64_t segment_bytes_;
  int segments_kept_;
  int number_ = 0;
  std::int64_t size_ = 0;
  Fd fd_;
  std::string waiting_;
  std::uint64_t dropped_ = 0;
};

}  // namespace muster::node
