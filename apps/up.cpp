#include "apps/up.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "apps/data_folder.h"
#include "apps/machine.h"
#include "base/flags.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "net/client.h"

namespace muster::apps {
namespace {

const std::vector<FlagSpec> up_flags = {
    {"--data", "DIR", "data folder (MUSTER_DATA)"},
    {"--listen", "ADDR", "address and port; port 0 = any free one (MUSTER_LISTEN, 127.0.0.1:7070)"},
    {"--gpus", "SPEC", "auto, none, real, or sim:SPEC such as sim:4xA100-80G"},
    {"--simulate-gpus", "SPEC", "the same as --gpus sim:SPEC"},
    {"--detach", "", "go on in the background once ready"},
    {"--json", "", "print the ready line as JSON"},
};

const std::vector<FlagSpec> down_flags = {
    {"--data", "DIR", "data folder of the server (MUSTER_DATA)"},
    {"--workloads", "", "end the workloads too"},
};

int fail(const Error& error) {
  std::fprintf(stderr, "muster: %s\n", error.text.c_str());
  return exit_code(error.kind);
}

std::string own_path() {
  char path[4096];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path - 1);
  return n > 0 ? std::string(path, static_cast<std::size_t>(n)) : "muster";
}

// `muster` where the shell would find this very program, else its path.
std::string command_name() {
  const char* path = std::getenv("PATH");
  for (const std::string_view folder : split(path != nullptr ? path : "", ':')) {
    char real[4096];
    if (::realpath((std::string(folder) + "/muster").c_str(), real) != nullptr && own_path() == real) return "muster";
  }
  return own_path();
}

struct Listen {
  std::string address;
  std::uint16_t port = 0;
};

Result<Listen> parse_listen(const std::string& text) {
  const auto bad = [&] {
    return invalid("--listen \"" + text + "\": expected ADDRESS:PORT, for example 127.0.0.1:7070 or 127.0.0.1:0");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size() || text.size() - colon > 6) return bad();
  Listen listen{.address = text.substr(0, colon)};
  int port = 0;
  for (const char c : text.substr(colon + 1)) {
    if (c < '0' || c > '9') return bad();
    port = port * 10 + (c - '0');
  }
  if (port > 65535) return bad();
  listen.port = static_cast<std::uint16_t>(port);
  if (listen.address.size() > 2 && listen.address.front() == '[' && listen.address.back() == ']') {
    listen.address = listen.address.substr(1, listen.address.size() - 2);
  }
  if (listen.address.empty()) return bad();
  const bool loopback = listen.address == "localhost" || listen.address == "::1" || listen.address.starts_with("127.");
  if (!loopback) {
    return invalid(
        "--listen " + text +
        ": an address off this machine needs TLS and a password, which this version does not have; listen on 127.0.0.1 "
        "and reach it with `ssh -L 7070:127.0.0.1:7070 HOST`");
  }
  return listen;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

struct UpOptions {
  std::string data, gpus;
  Listen listen;
  bool detach = false, json = false;
};

Result<UpOptions> read_options(const Flags& flags) {
  if (!flags.positional().empty())
    return invalid("unexpected argument \"" + flags.positional()[0] + "\"; `muster up` takes flags only");
  if (flags.has("--gpus") && flags.has("--simulate-gpus"))
    return invalid("--gpus and --simulate-gpus exclude each other");
  UpOptions options;
  options.data = flags.value_or("--data", default_data_folder());
  std::string listen = environment("MUSTER_LISTEN");
  options.listen = TRY(parse_listen(flags.value_or("--listen", listen.empty() ? "127.0.0.1:7070" : listen)));
  options.gpus =
      flags.has("--simulate-gpus") ? "sim:" + flags.value_or("--simulate-gpus", "") : flags.value_or("--gpus", "auto");
  if (options.gpus != "auto" && options.gpus != "none" && options.gpus != "real" && !options.gpus.starts_with("sim:")) {
    return invalid("--gpus \"" + options.gpus +
                   "\": expected auto, none, real or sim:SPEC, for example sim:4xA100-80G");
  }
  options.detach = flags.has("--detach");
  options.json = flags.has("--json");
  return options;
}

void print_ready(const json::Value& endpoint, bool as_json, const std::string& data, double gpus,
                 const std::string& host) {
  if (as_json) {
    json::Object line{{"event", "ready"}};
    for (const auto& [name, value] : endpoint.get_object()) line[name] = value;
    std::printf("%s\n", json::write(line).c_str());
    std::fflush(stdout);
    return;
  }
  const std::string muster = command_name();
  const std::string url = json::text_or(endpoint, "/url");
  const std::string port = url.substr(url.rfind(':') + 1);
  const std::string simulated = json::text_or(endpoint, "/simulated");
  std::string out = "\nMuster " MUSTER_VERSION " is ready on " + host + " with " +
                    count_of(static_cast<std::int64_t>(gpus), "GPU") + ".\n";
  if (!simulated.empty()) {
    out += "The GPUs are SIMULATED (" + simulated +
           "): jobs are real processes of this machine, only their devices are not real.\n";
  }
  out += "\n  Console   " + json::text_or(endpoint, "/signInUrl") + "\n";
  out += "            (the link signs in once, for 10 minutes; another: " + muster + " login --link)\n";
  if (!environment("SSH_CONNECTION").empty())
    out += "  From far  ssh -L " + port + ":127.0.0.1:" + port + " " + host + "\n";
  out += "  Data      " + data + "\n";
  out += "            (remove everything: " + muster + " down --workloads; rm -rf " + data + ")\n";
  out += "\nTry in a second terminal:\n\n";
  out += "  " + muster + " submit --gpu 0.5 -- sh -c 'echo hello; env | grep MUSTER'\n";
  out += "  " + muster + " project create vision --quota 1\n";
  out += "  " + muster +
         " submit -p vision --gpu 1 --detach -- sh -c 'for i in 1 2 3; do echo step $i; sleep 1; done'\n\n";
  std::fputs(out.c_str(), stdout);
  std::fflush(stdout);
}

// Runs the server until a signal; `ready_fd` >= 0 gets the endpoint document (or an error line) for a waiting parent.
int serve(const UpOptions& options, int ready_fd) {
  const auto tell = [&](const Error& error) {
    if (ready_fd >= 0) {
      const std::string line = json::write(json::Object{{"error", error.text}, {"exit", exit_code(error.kind)}});
      if (::write(ready_fd, line.data(), line.size()) < 0) return exit_code(error.kind);
    }
    return fail(error);
  };
  sigset_t signals;
  sigemptyset(&signals);
  for (const int one : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, one);
  // Blocked before any thread starts, so that only the loop below sees them.
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  const Fd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC));

  Result<DataFolder> folder = DataFolder::open(options.data);
  if (!folder.has_value()) return tell(folder.error());
  log::start(log::Level::Info, folder->path() + "/muster.log");
  const Time started = system_clock().now();
  Result<std::unique_ptr<Machine>> machine = Machine::start(
      *folder,
      {.address = options.listen.address, .port = options.listen.port, .gpus = options.gpus, .program = own_path()});
  if (!machine.has_value()) return tell(machine.error());
  const json::Value endpoint = json::Object{
      {"url", (*machine)->url()},
      {"signInUrl", (*machine)->sign_in_url()},
      {"pid", ::getpid()},
      {"version", MUSTER_VERSION},
      {"startedAt", to_rfc3339(started)},
      {"simulated", (*machine)->simulated().empty() ? json::Value(nullptr) : json::Value((*machine)->simulated())}};
  if (const Result<void> published = folder->publish(json::write(endpoint) + "\n"); !published.has_value())
    return tell(published.error());
  log::info("ready", {{"url", (*machine)->url()},
                      {"milliseconds", (system_clock().now() - started).ms},
                      {"simulated", (*machine)->simulated()}});
  if (ready_fd >= 0) {
    const json::Value line =
        json::Object{{"endpoint", endpoint}, {"gpus", (*machine)->gpus()}, {"host", (*machine)->host()}};
    const std::string text = json::write(line);
    if (::write(ready_fd, text.data(), text.size()) < 0) log::warn("parent_gone", {});
    ::close(ready_fd);
  } else {
    print_ready(endpoint, options.json, folder->path(), (*machine)->gpus(), (*machine)->host());
  }

  for (;;) {
    signalfd_siginfo got{};
    const ssize_t n = ::read(signal_fd.get(), &got, sizeof got);
    if (n < 0 && errno == EINTR) continue;
    if (got.ssi_signo == SIGHUP && ready_fd >= 0) continue;
    break;
  }
  // A second signal does not wait.
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  folder->unpublish();
  if (!options.json && ready_fd < 0)
    std::fputs("\nMuster stops; workloads go on and the next `muster up` finds them.\n", stderr);
  if ((*machine)->asked() == Machine::Asked::StopWithWorkloads) {
    if (const Result<void> ended = (*machine)->end_workloads(Deadline::in(seconds(60))); !ended.has_value()) {
      log::error("workloads_not_ended", {{"error", ended.error().text}});
    }
  }
  machine->reset();
  log::info("stopped", {});
  return 0;
}

int serve_detached(const UpOptions& options) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(system_error(errno, "making a pipe"));
  // Nothing has started a thread yet, so a plain fork is safe.
  const pid_t child = ::fork();
  if (child < 0) return fail(system_error(errno, "starting in the background"));
  if (child == 0) {
    ::close(ends[0]);
    ::setsid();
    const int null = ::open("/dev/null", O_RDWR);
    for (const int fd : {0, 1, 2}) ::dup2(null, fd);
    if (null > 2) ::close(null);
    ::exit(serve(options, ends[1]));
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(ends[0], buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  const Result<json::Value> answer = json::parse(text);
  if (!answer.has_value())
    return fail(internal("the server in the background ended before it was ready; see muster.log in " + options.data));
  if (const std::optional<std::string> error = json::text_at(*answer, "/error")) {
    std::fprintf(stderr, "muster: %s\n", error->c_str());
    return static_cast<int>(json::integer_at(*answer, "/exit").value_or(1));
  }
  print_ready(*json::find(*answer, "/endpoint"), options.json, options.data,
              json::number_at(*answer, "/gpus").value_or(0), json::text_or(*answer, "/host"));
  return 0;
}

}  // namespace

int up_main(const std::vector<std::string>& arguments) {
  const Result<Flags> flags = Flags::parse(arguments, up_flags);
  if (!flags.has_value()) return fail(flags.error());
  if (flags->wants_help()) {
    std::fputs(
        help_text(
            "muster up [--data DIR] [--listen ADDR] [--gpus auto|none|real|sim:SPEC] [--detach] [--json]",
            "Starts Muster on this machine: console, API, scheduler and the part that runs workloads, in one process.",
            up_flags)
            .c_str(),
        stdout);
    return 0;
  }
  const Result<UpOptions> options = read_options(*flags);
  if (!options.has_value()) return fail(options.error());
  return options->detach ? serve_detached(*options) : serve(*options, -1);
}

int down_main(const std::vector<std::string>& arguments) {
  const Result<Flags> flags = Flags::parse(arguments, down_flags);
  if (!flags.has_value()) return fail(flags.error());
  if (flags->wants_help()) {
    std::fputs(help_text("muster down [--data DIR] [--workloads]",
                         "Stops Muster on this machine. Workloads go on and the next `muster up` finds them, unless "
                         "--workloads is given.",
                         down_flags)
                   .c_str(),
               stdout);
    return 0;
  }
  const std::string data = flags->value_or("--data", default_data_folder());
  const Result<std::string> endpoint = read_file(data + "/endpoint.json");
  const Result<json::Value> parsed =
      endpoint.has_value() ? json::parse(*endpoint) : Result<json::Value>(endpoint.error());
  if (!parsed.has_value())
    return fail(unavailable("no server runs on data folder " + data + "; `muster up` starts one"));
  const Result<std::string> token = read_file(data + "/owner.token");
  if (!token.has_value()) return fail(denied("reading " + data + "/owner.token: " + token.error().text));
  Result<std::unique_ptr<net::Client>> client =
      net::Client::create({.base_url = json::text_or(*parsed, "/url"), .bearer_token = std::string(trim(*token))});
  if (!client.has_value()) return fail(client.error());
  const Result<net::Answer> answer =
      (*client)->call({.method = "POST",
                       .path = "/api/muster/v1/down",
                       .body = json::write(json::Object{{"workloads", flags->has("--workloads")}}),
                       .deadline = Deadline::in(seconds(10))});
  if (!answer.has_value()) return fail(answer.error());
  if (answer->status >= 400) {
    const Result<json::Value> body = json::parse(answer->body);
    return fail(Error{.kind = kind_of_status(answer->status),
                      .text = body.has_value() ? json::text_or(*body, "/message", "refused") : "refused"});
  }
  // The lock is free once the server has gone.
  const Fd lock(::open((data + "/lock").c_str(), O_RDWR | O_CLOEXEC));
  const Deadline deadline = Deadline::in(seconds(75));
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (deadline.passed()) return fail(timed_out("the server has not stopped after 75 s"));
    ::usleep(10'000);
  }
  std::fputs(flags->has("--workloads")
                 ? "Muster has stopped, and its workloads: `muster resume` runs one again after the next `muster up`.\n"
                 : "Muster has stopped; workloads go on.\n",
             stderr);
  return 0;
}

}  // namespace muster::apps
