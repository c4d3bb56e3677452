#pragma once
// Poller: what one thread waits for: ends of processes (pidfds), files that appear in folders (inotify), and a wake-up
// from other threads. Nothing is polled by time; an idle Muster sleeps in it.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace muster::node {

class Poller {
 public:
  struct Event {
    enum class What { Woken, ProcessEnded, FolderChanged } what = What::Woken;
    std::string of;  // what watch_*() was given
  };

  static Result<Poller> create();
  // From any thread.
  void wake();
  // Takes the pidfd over until forget(). One process and one folder for each `of`.
  void watch_process(const std::string& of, Fd pidfd);
  void watch_folder(const std::string& of, const std::string& path);
  void forget_process(const std::string& of);
  void forget_folder(const std::string& of);
  const Fd* process(const std::string& of) const;
  std::vector<Event> wait(Deadline deadline);

 private:
  Fd epoll_, woken_, inotify_;
  std::map<std::string, Fd> processes_;
  std::map<int, std::string> process_of_fd_;
  std::map<int, std::string> folders_;  // by inotify watch
};

}  // namespace muster::node
