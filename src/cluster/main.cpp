#include "cluster/main.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stop_token>

#include "base/file.h"
#include "base/flags.h"
#include "base/log.h"
#include "cluster/cluster.h"
#include "cluster/leader.h"
#include "kube/rest/rest.h"
#include "net/server.h"

namespace muster::cluster {
namespace {

const std::vector<FlagSpec> flag_specs = {
    {"--kubeconfig", "FILE", "how to reach the API server (KUBECONFIG)"},
    {"--context", "NAME", "context of that file; its current one by default"},
    {"--parts", "LIST", "parts to run, of queues,workloads,group,round,bind,link,gate; all by default"},
    {"--scheduler-name", "NAME", "pods with this schedulerName are ours; may be given more than once (muster)"},
    {"--install-crds", "", "create or update the custom resource definitions first"},
    {"--listen", "ADDR", "where /healthz, /readyz and /metrics are served; port 0 = any free one (127.0.0.1:0)"},
    {"--state", "DIR", "folder of the decision log; none by default"},
    {"--no-lease", "", "act at once, without the lease that lets one of several act"},
    {"--help", "", "this text"},
};

struct Settings {
  std::string kubeconfig, context, state;
  std::set<Part> parts;
  std::vector<std::string> scheduler_names;
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  bool install_crds = false, with_lease = true;
};

Result<void> read_listen(const std::string& text, Settings& settings) {
  const std::size_t colon = text.rfind(':');
  const Error bad = invalid("--listen \"" + text + "\": expected ADDRESS:PORT, for example 127.0.0.1:0");
  if (colon == std::string::npos) return bad;
  const std::string port = text.substr(colon + 1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos) return bad;
  const int number = std::atoi(port.c_str());
  if (number > 65535) return bad;
  settings.address = text.substr(0, colon);
  settings.port = static_cast<std::uint16_t>(number);
  if (settings.address.empty()) return bad;
  return {};
}

Result<Settings> read_settings(const Flags& flags) {
  Settings settings;
  if (!flags.positional().empty()) {
    return invalid("muster cluster takes no argument \"" + flags.positional().front() +
                   "\"; see muster cluster --help");
  }
  const char* from_environment = std::getenv("KUBECONFIG");
  settings.kubeconfig = flags.value_or("--kubeconfig", from_environment != nullptr ? from_environment : "");
  if (settings.kubeconfig.empty()) {
    return invalid("muster cluster needs --kubeconfig FILE (or KUBECONFIG) to reach an API server");
  }
  settings.context = flags.value_or("--context", "");
  settings.parts = TRY(parse_parts(flags.value_or("--parts", "")));
  settings.scheduler_names = flags.values("--scheduler-name");
  settings.install_crds = flags.has("--install-crds");
  settings.with_lease = !flags.has("--no-lease");
  settings.state = flags.value_or("--state", "");
  TRY(read_listen(flags.value_or("--listen", "127.0.0.1:0"), settings));
  return settings;
}

int fail(const Error& error) {
  std::fprintf(stderr, "muster cluster: %s\n", error.text.c_str());
  return exit_code(error.kind);
}

// SIGTERM and SIGINT as a stop; a second one does not wait.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int one : {SIGINT, SIGTERM}) sigaddset(&set, one);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    fd_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC));
  }
  // Blocks; then lets signals act as they do by default.
  void wait() {
    signalfd_siginfo got{};
    while (::read(fd_.get(), &got, sizeof got) < 0 && errno == EINTR) {
    }
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    for (const int one : {SIGINT, SIGTERM}) sigaddset(&set, one);
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  }

 private:
  Fd fd_;
};

// What the listener answers; the cluster comes later than the listener.
class Status {
 public:
  void set(const Cluster* cluster) {
    Lock lock(mutex_);
    cluster_ = cluster;
  }
  void add_routes(net::Router& router) {
    router.add_open("GET", "/healthz",
                    [](const net::Request&) { return net::Response{.body = "ok\n", .content_type = "text/plain"}; });
    router.add_open("GET", "/readyz", [this](const net::Request&) {
      Lock lock(mutex_);
      if (cluster_ != nullptr && cluster_->is_ready())
        return net::Response{.body = "ok\n", .content_type = "text/plain"};
      return net::error_response(
          unavailable(cluster_ == nullptr ? "another process holds the lease" : "the first lists are being read"));
    });
    router.add_open("GET", "/metrics", [this](const net::Request&) {
      Lock lock(mutex_);
      return net::Response{.body = cluster_ != nullptr ? cluster_->metrics() : "",
                           .content_type = "text/plain; version=0.0.4"};
    });
  }

 private:
  Mutex mutex_;
  const Cluster* cluster_ GUARDED_BY(mutex_) = nullptr;
};

Result<int> run(const Settings& settings) {
  Signals signals;
  const std::unique_ptr<kube::RestApi> api = TRY(kube::RestApi::open(settings.kubeconfig, settings.context));
  const std::string version = TRY(api->server_version().at("reaching the API server of " + settings.kubeconfig));
  TRY(kube::ensure_crds(*api, !settings.install_crds));
  net::Router router;
  Status status;
  status.add_routes(router);
  const std::unique_ptr<net::Server> server =
      TRY(net::Server::listen({.address = settings.address, .port = settings.port, .workers = 2}));
  server->serve(router);
  std::printf("muster cluster: API server %s, listening on http://%s:%u\n", version.c_str(), settings.address.c_str(),
              static_cast<unsigned>(server->port()));
  std::fflush(stdout);

  Mutex mutex;
  std::unique_ptr<Cluster> cluster;
  std::optional<Error> failure;
  Leader leader(*api, system_clock(), {});
  std::jthread acting([&](std::stop_token stop) {
    if (settings.with_lease && !leader.acquire(stop)) return;
    // Whoever has lost the lease must not write any more: nothing is more certain than to end.
    if (settings.with_lease) {
      leader.keep([] {
        std::fprintf(stderr, "muster cluster: the lease was lost; another process goes on\n");
        std::_Exit(1);
      });
    }
    Options options;
    options.api = api.get();
    options.parts = settings.parts;
    if (!settings.scheduler_names.empty()) options.scheduler_names = settings.scheduler_names;
    options.state_folder = settings.state;
    Result<std::unique_ptr<Cluster>> started = Cluster::start(std::move(options));
    Lock lock(mutex);
    if (!started) {
      failure = started.error();
      ::kill(::getpid(), SIGTERM);
      return;
    }
    cluster = *std::move(started);
    status.set(cluster.get());
  });
  signals.wait();
  acting.request_stop();
  acting.join();
  status.set(nullptr);
  server->stop(seconds(1));
  {
    Lock lock(mutex);
    cluster.reset();
    if (failure) return *failure;
  }
  leader.release();
  return 0;
}

}  // namespace

int cluster_main(const std::vector<std::string>& arguments) {
  Result<Flags> flags = Flags::parse(arguments, flag_specs);
  if (!flags) return fail(flags.error());
  if (flags->wants_help()) {
    std::fputs(help_text("muster cluster --kubeconfig FILE [flags]",
                         "Runs the parts of Muster that stand in a Kubernetes cluster: grouping, scheduling, binding, "
                         "queues, workloads.",
                         flag_specs)
                   .c_str(),
               stdout);
    return 0;
  }
  const Result<Settings> settings = read_settings(*flags);
  if (!settings) return fail(settings.error());
  log::start(log::Level::Info);
  const Result<int> code = run(*settings);
  return code ? *code : fail(code.error());
}

}  // namespace muster::cluster
