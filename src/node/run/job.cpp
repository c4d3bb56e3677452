#include "node/run/job.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <vector>

namespace muster::node {

namespace {

enum class Stage : int { Prepare, Account, Folder, Program };
struct Failure {
  Stage stage;
  int number;
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

void reset_signals() {
  // By the system call: the C library hides its two own signals, and posix_spawn has left them ignored.
  const unsigned long by_default[4] = {};
  for (int number = 1; number < NSIG; ++number) ::syscall(SYS_rt_sigaction, number, by_default, nullptr, 8);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool take_on_account(const RunOrder& order) {
  if (!order.switch_user) return true;
  const std::vector<gid_t> groups(order.groups.begin(), order.groups.end());
  return ::setgroups(groups.size(), groups.data()) == 0 && ::setresgid(order.gid, order.gid, order.gid) == 0 &&
         ::setresuid(order.uid, order.uid, order.uid) == 0;
}

void raise_oom_score() {
  // A machine short of memory loses jobs before it loses Muster and the shims.
  if (FILE* file = ::fopen("/proc/self/oom_score_adj", "we")) {
    ::fputs("300", file);
    ::fclose(file);
  }
}

// Everything in the child up to exec. Returns only when something failed.
Failure become_job(const RunOrder& order, const Cgroup& cgroup, int output, int report, pid_t shim) {
  ::setsid();
  raise_oom_score();
  cgroup.join(::getpid());
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) return {Stage::Prepare, errno};
  // The report end moves to 3 and closes by exec; all others close now.
  if (report != 3 && ::dup3(report, 3, O_CLOEXEC) < 0) return {Stage::Prepare, errno};
  ::close_range(4, ~0U, 0);
  if (!take_on_account(order)) return {Stage::Account, errno};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return {Stage::Account, errno};
  // After the switch, which clears it: without its shim nobody would keep the job's end.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != shim) ::_exit(1);
  ::umask(077);
  if (::chdir(order.working_folder.c_str()) != 0) return {Stage::Folder, errno};
  std::vector<char*> environment = pointers(order.environment);
  const std::vector<char*> argv = pointers(order.argv);
  // execvp looks along the PATH of environ: it has to be the job's.
  environ = environment.data();
  reset_signals();
  ::execvp(argv[0], argv.data());
  return {Stage::Program, errno};
}

std::string explain(const RunOrder& order, const Failure& failure) {
  const std::string cause = errno_text(failure.number);
  switch (failure.stage) {
    case Stage::Folder:
      return "cannot enter the working folder " + order.working_folder + ": " + cause;
    case Stage::Program:
      return "cannot run " + order.argv[0] + ": " + (failure.number == ENOENT ? "not found" : cause);
    case Stage::Account:
      return "cannot become uid " + std::to_string(order.uid) + ": " + cause;
    case Stage::Prepare:
      break;
  }
  return "cannot prepare the process: " + cause;
}

}  // namespace

StartedJob start_job(const RunOrder& order, const Cgroup& cgroup) {
  StartedJob started;
  const auto fail = [&](const Failure& failure) {
    started.exit_code = failure.stage == Stage::Program && failure.number == ENOENT ? 127 : 126;
    started.message = explain(order, failure);
  };
  int output[2], report[2];
  if (::pipe2(output, O_CLOEXEC) != 0) {
    fail({Stage::Prepare, errno});
    return started;
  }
  started.output = Fd(output[0]);
  Fd output_end(output[1]);
  if (::pipe2(report, O_CLOEXEC) != 0) {
    fail({Stage::Prepare, errno});
    return started;
  }
  const Fd report_reader(report[0]);
  Fd report_end(report[1]);
  // So that a job may open /dev/stdout again under its own account.
  if (order.switch_user && ::fchown(output_end.get(), order.uid, order.gid) != 0) fail({Stage::Prepare, errno});
  ::fcntl(started.output.get(), F_SETFL, O_NONBLOCK);

  const pid_t shim = ::getpid();
  started.pid = ::fork();
  if (started.pid == 0) {
    const Failure failure = become_job(order, cgroup, output_end.get(), report_end.get(), shim);
    // Where the report stands depends on how far it came: 3 after the move. Writing to both costs nothing.
    if (::write(3, &failure, sizeof failure) < 0 && ::write(report_end.get(), &failure, sizeof failure) < 0)
      ::_exit(125);
    ::_exit(126);
  }
  output_end.close();
  report_end.close();
  if (started.pid < 0) {
    fail({Stage::Prepare, errno});
    return started;
  }
  Failure failure{};
  ssize_t n = 0;
  while ((n = ::read(report_reader.get(), &failure, sizeof failure)) < 0 && errno == EINTR) {
  }
  if (n == sizeof failure) {
    fail(failure);
    while (::waitpid(started.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    started.pid = 0;
  }
  return started;
}

}  // namespace muster::node
