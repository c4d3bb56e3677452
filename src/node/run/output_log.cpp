#include "node/run/output_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace muster::node {

namespace {
constexpr std::size_t most_waiting = 8U << 20;
}

OutputLog::OutputLog(RunFolder folder, std::int64_t segment_bytes, int segments_kept)
    : folder_(std::move(folder)),
      segment_bytes_(std::max<std::int64_t>(segment_bytes, 4096)),
      segments_kept_(std::max(segments_kept, 2)) {
  open_segment(0);
}

bool OutputLog::open_segment(int number) {
  Fd fd(::open(folder_.segment(number).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd.is_open()) return false;
  fd_ = std::move(fd);
  number_ = number;
  size_ = 0;
  return true;
}

void OutputLog::append(std::string_view bytes) {
  if (flush()) bytes.remove_prefix(write(bytes));
  const std::size_t room = dropped_ > 0 ? 0 : most_waiting - std::min(most_waiting, waiting_.size());
  waiting_ += bytes.substr(0, room);
  if (bytes.size() > room) dropped_ += bytes.size() - room;
}

bool OutputLog::flush() {
  if (!waiting_.empty()) {
    waiting_.erase(0, write(waiting_));
    if (!waiting_.empty()) return false;
  }
  if (dropped_ > 0) {
    waiting_ = "\n[muster: " + std::to_string(dropped_) + " bytes of output are lost here: no space left on device]\n";
    dropped_ = 0;
    waiting_.erase(0, write(waiting_));
  }
  return waiting_.empty();
}

std::size_t OutputLog::write(std::string_view bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    if (!fd_.is_open() && !open_segment(0)) return written;
    if (size_ >= segment_bytes_) {
      if (!open_segment(number_ + 1)) return written;
      ::unlink(folder_.segment(number_ - segments_kept_).c_str());
    }
    const std::size_t room = static_cast<std::size_t>(segment_bytes_ - size_);
    const std::string_view piece = bytes.substr(written, room);
    const ssize_t n = ::write(fd_.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return written;
    written += static_cast<std::size_t>(n);
    size_ += n;
  }
  return written;
}

}  // namespace muster::node
