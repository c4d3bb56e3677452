#include "cli/surroundings.h"

#include <pwd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/config.h"

namespace muster::cli {
namespace {

volatile sig_atomic_t interrupts = 0;

extern "C" void note_interrupt(int) {
  interrupts = 1;
  // The second one is not for us.
  signal(SIGINT, SIG_DFL);
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;  // the reader has gone; SIGPIPE ends the program where it matters
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::optional<std::string> read_line() {
  std::string line;
  char c = 0;
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, &c, 1);
    if (n < 0 && errno == EINTR) return std::nullopt;
    if (n <= 0) return line.empty() ? std::nullopt : std::optional(line);
    if (c == '\n') return line;
    line += c;
  }
}

std::string home_folder() {
  if (const std::optional<std::string> home = process_variable("HOME"); home && !home->empty()) return *home;
  const passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr ? entry->pw_dir : "/";
}

std::string current_folder() {
  char path[4096];
  return ::getcwd(path, sizeof path) != nullptr ? path : "/";
}

}  // namespace

std::string Surroundings::variable_or(std::string_view name, std::string_view otherwise) const {
  std::optional<std::string> value = variable ? variable(name) : std::nullopt;
  return value && !value->empty() ? *std::move(value) : std::string(otherwise);
}

Surroundings process_surroundings() {
  Surroundings around;
  around.out = [](std::string_view bytes) { write_all(STDOUT_FILENO, bytes); };
  around.err = [](std::string_view bytes) { write_all(STDERR_FILENO, bytes); };
  around.variable = process_variable;
  around.ask = read_line;
  around.interrupted = [] { return interrupts != 0; };
  around.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  around.err_is_terminal = ::isatty(STDERR_FILENO) == 1;
  around.in_is_terminal = ::isatty(STDIN_FILENO) == 1;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) around.width = size.ws_col;
  around.working_folder = current_folder();
  around.uid = ::geteuid();
  around.home = home_folder();
  around.clock = &system_clock();
  return around;
}

void hold_interrupt() {
  struct sigaction action{};
  action.sa_handler = note_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
}

}  // namespace muster::cli
