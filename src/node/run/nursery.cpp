#include "node/run/nursery.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "node/run/spawn.h"

namespace muster::node {

namespace {

constexpr int socket_fd = 3;
constexpr std::size_t longest_path = 1024;

// Sends one byte and, when there is one, a descriptor.
bool send_fd(int socket, int fd) {
  char byte = fd >= 0 ? '+' : '-';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

Fd receive_fd(int socket) {
  char byte = 0;
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return Fd();
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return Fd();
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return Fd(fd);
}

// The words after the program's name, where ps reads them: written over, so that it shows whose process this is.
class Title {
 public:
  Title(int argc, char** argv)
      : begin_(argv[0]), room_(static_cast<std::size_t>(argv[argc - 1] + std::strlen(argv[argc - 1]) - argv[0])) {}
  void show(const std::string& word, const std::string& folder) {
    const std::string text = word + '\0' + folder;
    std::memset(begin_, 0, room_);
    std::memcpy(begin_, text.data(), std::min(text.size(), room_));
  }

 private:
  char* begin_;
  std::size_t room_;
};

void reap() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

}  // namespace

Result<Nursery> Nursery::start(const std::string& program, const std::string& runs) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return system_error(errno, "starting the nursery of shims");
  }
  Fd ours(ends[0]);
  const Fd theirs(ends[1]);
  // Nobody waits for a nursery that hangs.
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(ours.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  // The spaces are room for the longest folder that a shim will show in its place.
  const pid_t pid = TRY(spawn_quietly({program, "shim", "--nursery", runs, std::string(128, ' ')}, theirs.get())
                            .at("starting the nursery of shims"));
  return Nursery(std::move(ours), pid);
}

Nursery::~Nursery() {
  if (!socket_.is_open()) return;
  socket_.close();
  // It ends by the closed socket. One that does not is a bug of ours, and its shims do not need it.
  for (int i = 0; i < 200; ++i) {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) return;
    ::usleep(1000);
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Result<Fd> Nursery::begin(const RunFolder& folder) {
  const std::string& path = folder.path();
  if (path.size() > longest_path) return invalid("run folder " + path + ": its path is too long");
  if (::send(socket_.get(), path.data(), path.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(path.size())) {
    return unavailable("the nursery of shims is gone");
  }
  Fd pidfd = receive_fd(socket_.get());
  if (!pidfd.is_open()) return unavailable("the nursery of shims could not start one");
  return pidfd;
}

int nursery_main(int argc, char** argv, int (*be_shim)(const std::string& folder)) {
  Title title(argc, argv);
  title.show("nursery", std::string(argv[2]));
  sigset_t held;
  ::sigemptyset(&held);
  ::sigaddset(&held, SIGCHLD);
  // Inherited by every shim: a stop that comes early waits until it listens.
  ::sigaddset(&held, SIGTERM);
  ::sigprocmask(SIG_SETMASK, &held, nullptr);
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGCHLD);
  const Fd signals(::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
  ::prctl(PR_SET_NAME, "muster-nursery");
  for (;;) {
    pollfd fds[2] = {{socket_fd, POLLIN, 0}, {signals.get(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return 1;
    signalfd_siginfo signal{};
    while (::read(signals.get(), &signal, sizeof signal) > 0) {
    }
    if (fds[0].revents != 0) {
      std::string folder(longest_path, '\0');
      const ssize_t n = ::recv(socket_fd, folder.data(), folder.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return 0;
      folder.resize(static_cast<std::size_t>(n));
      const pid_t pid = ::fork();
      if (pid == 0) {
        title.show("shim", folder);
        ::_exit(be_shim(folder));
      }
      // Not reaped yet, so the number is the child's.
      const Fd pidfd(pid > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1);
      send_fd(socket_fd, pidfd.get());
    }
    reap();
  }
}

}  // namespace muster::node
