// The shim: parent of one run (interface 9). It outlives Muster, keeps what the job prints, stops it in order when
// asked, and leaves behind how it ended. It knows its folder and the kernel, nothing else: no network, no database.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "node/node.h"
#include "node/run/cgroup.h"
#include "node/run/folder.h"
#include "node/run/job.h"
#include "node/run/nursery.h"
#include "node/run/output_log.h"

namespace muster::node {

namespace {

void pause_ms(long ms) {
  const timespec pause{.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1'000'000};
  ::nanosleep(&pause, nullptr);
}

class Shim {
 public:
  Shim(RunFolder folder, RunOrder order)
      : folder_(std::move(folder)),
        order_(std::move(order)),
        cgroup_(Cgroup::raise(order_.walls)),
        log_(folder_, order_.segment_bytes, order_.segments) {}

  void run() {
    begin();
    if (job_.pid > 0) watch();
    kill_rest();
    drain();
    leave();
  }

 private:
  void begin() {
    sigset_t watched;
    sigemptyset(&watched);
    for (const int number : {SIGCHLD, SIGTERM}) sigaddset(&watched, number);
    ::sigprocmask(SIG_BLOCK, &watched, nullptr);
    signals_ = Fd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
    end_.started_at = to_rfc3339(system_clock().now());
    job_ = start_job(order_, cgroup_);
    if (job_.pid <= 0) {
      end_.exit_code = job_.exit_code;
      end_.reason = "ContainerCannotRun";
      end_.message = job_.message;
      log_.append("muster: " + job_.message + "\n");
      return;
    }
    StartRecord record{.started_at = end_.started_at, .job = identity_of(job_.pid)};
    record.memory_enforced = cgroup_.is_memory_enforced();
    record.cpu_enforced = cgroup_.is_cpu_enforced();
    record.why_not = cgroup_.why_not();
    // Without space the start stays unsaid; the end will be said when there is space again.
    ignore(folder_.write(record), "tried again by nobody: exit.json carries startedAt as well");
  }

  // Until the job itself has ended.
  void watch() {
    while (!ended_) {
      pollfd fds[2] = {{signals_.get(), POLLIN, 0}, {job_.output.get(), POLLIN, 0}};
      ::poll(fds, output_open_ ? 2 : 1, next_wait_ms());
      if (output_open_ && fds[1].revents != 0) read_output();
      if (log_.is_waiting()) log_.flush();
      if (fds[0].revents != 0) read_signals();
      if (kill_at_ && kill_at_->passed()) kill_rest();
    }
  }

  int next_wait_ms() const {
    std::int64_t wait = -1;
    if (kill_at_) wait = kill_at_->left_ms();
    if (log_.is_waiting()) wait = wait < 0 ? 1000 : std::min<std::int64_t>(wait, 1000);
    return static_cast<int>(std::min<std::int64_t>(wait, 1 << 30));
  }

  // False when there is nothing more for now.
  bool read_output() {
    char buffer[65536];
    for (int i = 0; i < 16; ++i) {
      const ssize_t n = ::read(job_.output.get(), buffer, sizeof buffer);
      if (n > 0) {
        log_.append({buffer, static_cast<std::size_t>(n)});
        continue;
      }
      if (n < 0 && errno == EINTR) continue;
      if (n == 0) output_open_ = false;
      return false;
    }
    return true;
  }

  void read_signals() {
    signalfd_siginfo signal{};
    while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
      if (signal.ssi_signo == SIGTERM) stop_in_order();
    }
    reap();
  }

  void reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid != job_.pid) continue;
      ended_ = true;
      end_.ended_at = to_rfc3339(system_clock().now());
      end_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
      end_.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
  }

  void stop_in_order() {
    const auto stop = folder_.stop();
    const std::int64_t grace = stop.has_value() ? stop->grace_ms : order_.grace_ms;
    const Deadline until = Deadline::in(milliseconds(std::max<std::int64_t>(grace, 0)));
    if (!kill_at_ || until.monotonic_ms < kill_at_->monotonic_ms) kill_at_ = until;
    // Its session's first group; what it moved elsewhere hears of the end by SIGKILL only.
    if (!ended_ && job_.pid > 0) ::kill(-job_.pid, SIGTERM);
  }

  // Kills the job (if it is there) and everything that came of it: all of them are or become our children.
  void kill_rest() {
    if (!ended_ && job_.pid > 0) ::kill(-job_.pid, SIGKILL);
    for (int wait = 1;; wait = std::min(wait * 2, 100)) {
      cgroup_.kill_members();
      reap();
      const std::vector<pid_t> children = children_of_self();
      if (children.empty()) break;
      // Not reaped yet, so these numbers are theirs.
      for (const pid_t child : children) ::kill(child, SIGKILL);
      if (output_open_) read_output();
      pollfd fd{signals_.get(), POLLIN, 0};
      ::poll(&fd, 1, wait);
      signalfd_siginfo signal{};
      while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
      }
    }
    if (job_.pid > 0) ended_ = true;
  }

  void drain() {
    while (output_open_ && read_output()) {
    }
    job_.output.close();
    while (!log_.flush() && is_folder_there()) pause_ms(500);
  }

  void leave() {
    end_.oom_killed = end_.exit_code != 0 && cgroup_.oom_kills() > 0;
    if (end_.oom_killed) {
      end_.reason = "OOMKilled";
      end_.message = "used more memory than its limit of " + std::to_string(order_.walls.memory_limit) + " bytes";
    } else if (end_.reason.empty()) {
      end_.reason = end_.exit_code == 0 ? "Completed" : "Error";
    }
    if (end_.ended_at.empty()) end_.ended_at = to_rfc3339(system_clock().now());
    cgroup_.remove();
    // Nothing else will say how the job ended: wait for space as long as it takes.
    while (!folder_.write(end_).has_value() && is_folder_there()) pause_ms(500);
  }

  bool is_folder_there() const { return ::access(folder_.path().c_str(), F_OK) == 0 || errno != ENOENT; }

  RunFolder folder_;
  RunOrder order_;
  Cgroup cgroup_;
  OutputLog log_;
  StartedJob job_;
  Fd signals_;
  ExitRecord end_;
  bool ended_ = false;
  bool output_open_ = true;
  std::optional<Deadline> kill_at_;
};

// Cuts every tie with who started us: session, terminal, descriptors, working folder.
void step_aside(const RunFolder& folder) {
  ::setsid();
  ::umask(077);
  if (::chdir("/") != 0) return;
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTTOU, SIGTTIN}) ::signal(number, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ::prctl(PR_SET_NAME, "muster-shim");
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const int own = ::open((folder.path() + "/shim.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::dup2(null, 0);
  ::dup2(null, 1);
  ::dup2(own >= 0 ? own : null, 2);
  ::close_range(3, ~0U, 0);
}

int be_shim(const std::string& path) {
  const RunFolder folder(path);
  step_aside(folder);
  const Fd lock = folder.take_lock();
  // Another shim has this run, or it was begun before: a start is never doubled.
  if (!lock.is_open() || folder.has_shim() || folder.has_exit()) return 0;
  auto order = folder.order();
  if (!order.has_value() || order->argv.empty()) {
    std::fprintf(stderr, "run.json: %s\n", order.has_value() ? "argv is empty" : order.error().text.c_str());
    return 1;
  }
  // Before the job exists: from here on this run counts as begun, whatever happens to us.
  const ShimRecord record{.shim = identity_of(::getpid())};
  const auto recorded = folder.write(record);
  if (!recorded.has_value()) {
    std::fprintf(stderr, "%s\n", recorded.error().text.c_str());
    return 1;
  }
  Shim shim(folder, std::move(*order));
  shim.run();
  return 0;
}

}  // namespace

int shim_main(int argc, char** argv) {
  if (argc >= 3 && std::string_view(argv[1]) == "--nursery") return nursery_main(argc, argv, be_shim);
  if (argc != 2 || argv[1][0] != '/') {
    std::fputs("Usage: muster shim RUN_FOLDER   (started by muster up, one for each running container)\n", stderr);
    return 2;
  }
  return be_shim(argv[1]);
}

}  // namespace muster::node
