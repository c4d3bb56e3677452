#include "node/run/log_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace muster::node {

namespace {

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

struct Start {
  int segment = 0;
  off_t offset = 0;
};

// Where the last `lines` lines begin, reading backwards from the end.
Start start_of_tail(const RunFolder& folder, std::int64_t lines) {
  std::vector<int> segments = folder.segments();
  if (segments.empty()) return {};
  std::reverse(segments.begin(), segments.end());
  bool at_end = true;
  std::string block;
  for (const int number : segments) {
    const Fd fd(::open(folder.segment(number).c_str(), O_RDONLY | O_CLOEXEC));
    struct stat size{};
    if (!fd.is_open() || ::fstat(fd.get(), &size) != 0) continue;
    for (off_t end = size.st_size; end > 0;) {
      const off_t begin = std::max<off_t>(0, end - 65536);
      block.resize(static_cast<std::size_t>(end - begin));
      if (::pread(fd.get(), block.data(), block.size(), begin) != static_cast<ssize_t>(block.size())) return {};
      for (std::size_t at = block.size(); at > 0; --at) {
        // The newline that ends the last line begins no line after it.
        const bool last_byte = at_end;
        at_end = false;
        if (lines == 0 && last_byte) return {number, end};
        if (block[at - 1] == '\n' && !last_byte && --lines == 0) return {number, begin + static_cast<off_t>(at)};
      }
      end = begin;
    }
  }
  return {segments.back(), 0};
}

}  // namespace

LogStream::LogStream(RunFolder folder, Options options)
    : folder_(std::move(folder)),
      options_(std::move(options)),
      inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      cancelled_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  watch();
}

void LogStream::cancel() {
  const std::uint64_t one = 1;
  // An event that is pending already is as good as a new one.
  if (::write(cancelled_.get(), &one, sizeof one) < 0) return;
}

void LogStream::watch() {
  if (!options_.follow) return;
  std::string path = folder_.path();
  // The folder may appear between the failed watch and the watch above it: then try again from below.
  for (;;) {
    constexpr std::uint32_t mask = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF;
    if (::inotify_add_watch(inotify_.get(), path.c_str(), mask) >= 0) {
      if (path == folder_.path()) return;
      const std::size_t next = folder_.path().find('/', path.size() + 1);
      if (!is_there(folder_.path().substr(0, next))) return;
      path = folder_.path();
      continue;
    }
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos || slash == 0) return;
    path.resize(slash);
  }
}

void LogStream::find_start() {
  if (!is_there(folder_.path() + "/run.json")) return;
  found_ = true;
  // It may have appeared after the last watch was set on a folder above it.
  watch();
  if (!options_.tail_lines) return;
  const Start start = start_of_tail(folder_, *options_.tail_lines);
  segment_ = Fd(::open(folder_.segment(start.segment).c_str(), O_RDONLY | O_CLOEXEC));
  if (!segment_.is_open()) return;
  number_ = start.segment;
  ::lseek(segment_.get(), start.offset, SEEK_SET);
}

bool LogStream::advance() {
  for (const int number : folder_.segments()) {
    if (number <= number_) continue;
    Fd next(::open(folder_.segment(number).c_str(), O_RDONLY | O_CLOEXEC));
    if (!next.is_open()) continue;
    segment_ = std::move(next);
    number_ = number;
    return true;
  }
  return false;
}

std::string LogStream::read_some() {
  std::string bytes(65536, '\0');
  for (;;) {
    if (segment_.is_open()) {
      const ssize_t n = ::read(segment_.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n > 0) {
        bytes.resize(static_cast<std::size_t>(n));
        return bytes;
      }
    }
    // A segment is finished before the next one appears; but it may have grown since the read above.
    const int before = number_;
    Fd old = std::move(segment_);
    if (!advance()) {
      segment_ = std::move(old);
      return "";
    }
    if (before < 0) continue;
    const ssize_t n = ::read(old.get(), bytes.data(), bytes.size());
    if (n > 0) {
      ::lseek(segment_.get(), 0, SEEK_SET);
      segment_ = std::move(old);
      number_ = before;
      bytes.resize(static_cast<std::size_t>(n));
      return bytes;
    }
  }
}

bool LogStream::wait(Deadline deadline) {
  std::int64_t ms = std::min<std::int64_t>(deadline.left_ms(), 1 << 30);
  // Whether a run will ever begin is known to the cluster only, which sends nothing here.
  const bool asks = !found_ && ms > 2000;
  if (asks) ms = 2000;
  pollfd fds[2] = {{inotify_.get(), POLLIN, 0}, {cancelled_.get(), POLLIN, 0}};
  const int ready = ::poll(fds, 2, static_cast<int>(ms));
  if (fds[0].revents != 0) {
    char events[4096];
    while (::read(inotify_.get(), events, sizeof events) > 0) {
    }
    if (!found_) watch();
  }
  return ready != 0 || asks;
}

Result<std::string> LogStream::read(Deadline deadline) {
  for (;;) {
    pollfd cancelled{cancelled_.get(), POLLIN, 0};
    if (::poll(&cancelled, 1, 0) > 0) return std::string();
    if (!found_) find_start();
    if (found_) {
      std::string bytes = read_some();
      if (!bytes.empty()) return bytes;
      if (ended_ || !options_.follow) return std::string();
      ended_ = folder_.has_exit() || !is_there(folder_.path());
      if (ended_) continue;
    } else if (!options_.follow || (options_.will_never_run && options_.will_never_run())) {
      return std::string();
    }
    if (!wait(deadline)) return timed_out("reading the log of " + folder_.path() + ": nothing new in time");
  }
}

}  // namespace muster::node
