#include "node/run/poller.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

namespace muster::node {

namespace {

bool add(const Fd& epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Result<Poller> Poller::create() {
  Poller poller;
  poller.epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  poller.woken_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  poller.inotify_ = Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!poller.epoll_.is_open() || !poller.woken_.is_open() || !poller.inotify_.is_open() ||
      !add(poller.epoll_, poller.woken_.get()) || !add(poller.epoll_, poller.inotify_.get())) {
    return system_error(errno, "watching runs (inotify and epoll)");
  }
  return poller;
}

void Poller::wake() {
  const std::uint64_t one = 1;
  // A full counter is a wake-up that is pending already.
  if (::write(woken_.get(), &one, sizeof one) < 0) return;
}

void Poller::watch_process(const std::string& of, Fd pidfd) {
  forget_process(of);
  add(epoll_, pidfd.get());
  process_of_fd_[pidfd.get()] = of;
  processes_[of] = std::move(pidfd);
}

void Poller::forget_process(const std::string& of) {
  const auto at = processes_.find(of);
  if (at == processes_.end()) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, at->second.get(), nullptr);
  process_of_fd_.erase(at->second.get());
  processes_.erase(at);
}

const Fd* Poller::process(const std::string& of) const {
  const auto at = processes_.find(of);
  return at == processes_.end() ? nullptr : &at->second;
}

void Poller::watch_folder(const std::string& of, const std::string& path) {
  forget_folder(of);
  const int watch = ::inotify_add_watch(inotify_.get(), path.c_str(), IN_MOVED_TO);
  if (watch >= 0) folders_[watch] = of;
}

void Poller::forget_folder(const std::string& of) {
  const auto at = std::find_if(folders_.begin(), folders_.end(), [&](const auto& each) { return each.second == of; });
  if (at == folders_.end()) return;
  ::inotify_rm_watch(inotify_.get(), at->first);
  folders_.erase(at);
}

std::vector<Poller::Event> Poller::wait(Deadline deadline) {
  std::vector<Event> events;
  epoll_event ready[64];
  const int ms =
      deadline.monotonic_ms == INT64_MAX ? -1 : static_cast<int>(std::min<std::int64_t>(deadline.left_ms(), 1 << 30));
  const int count = ::epoll_wait(epoll_.get(), ready, 64, ms);
  for (int i = 0; i < count; ++i) {
    const int fd = ready[i].data.fd;
    if (fd == woken_.get()) {
      std::uint64_t times = 0;
      if (::read(fd, &times, sizeof times) > 0) events.push_back({Event::What::Woken, ""});
    } else if (fd == inotify_.get()) {
      alignas(inotify_event) char buffer[16384];
      std::set<std::string> changed;
      for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;) {
        for (const char* at = buffer; at < buffer + n;) {
          const auto* event = reinterpret_cast<const inotify_event*>(at);
          if (const auto of = folders_.find(event->wd); of != folders_.end()) changed.insert(of->second);
          at += sizeof(inotify_event) + event->len;
        }
      }
      for (const std::string& of : changed) events.push_back({Event::What::FolderChanged, of});
    } else if (const auto of = process_of_fd_.find(fd); of != process_of_fd_.end()) {
      events.push_back({Event::What::ProcessEnded, of->second});
    }
  }
  return events;
}

}  // namespace muster::node
