// contract_test [--home=local|real] [doctest's options]: the one suite for both homes of kube::Api. Without --home it
// runs against kube/local and then against a real API server: MUSTER_CONTRACT_KUBECONFIG, or one that
// tests/kube/start.py starts for the time of the run. Where there is none it says so in one loud line.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/temporary_folder.h"
#include "base/text.h"
#include "home.h"
#include "kube/local/store.h"
#include "kube/rest/rest.h"

namespace {

using muster::kube::Api;

int run_cases(Api& api, const std::vector<const char*>& arguments, const char* home) {
  std::printf("contract: against %s\n", home);
  std::fflush(stdout);
  contract::set_api(&api);
  doctest::Context context(static_cast<int>(arguments.size()), arguments.data());
  return context.run();
}

// A real API server for the life of this value. It ends with its standard input.
class RealServer {
 public:
  RealServer() {
    int to_child[2], from_child[2];
    if (::pipe(to_child) != 0 || ::pipe(from_child) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(to_child[0], 0);
      ::dup2(from_child[1], 1);
      for (const int fd : {to_child[0], to_child[1], from_child[0], from_child[1]}) ::close(fd);
      ::execlp("python3", "python3", MUSTER_SOURCE_DIR "/tests/kube/start.py", "--until-eof", nullptr);
      ::_exit(127);
    }
    ::close(to_child[0]);
    ::close(from_child[1]);
    stop_ = to_child[1];
    std::string line;
    char c = 0;
    while (::read(from_child[0], &c, 1) == 1 && c != '\n') line += c;
    ::close(from_child[0]);
    kubeconfig_ = line;
  }
  ~RealServer() {
    if (stop_ >= 0) ::close(stop_);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  RealServer(const RealServer&) = delete;
  const std::string& kubeconfig() const { return kubeconfig_; }

 private:
  pid_t pid_ = -1;
  int stop_ = -1;
  std::string kubeconfig_;
};

int run_local(const std::vector<const char*>& arguments) {
  const muster::TemporaryFolder folder;
  auto local = muster::kube::LocalApi::open({.path = folder.path() + "/cluster.db"});
  if (!local.has_value()) {
    std::fprintf(stderr, "contract: kube/local: %s\n", local.error().text.c_str());
    return 1;
  }
  return run_cases(**local, arguments, "kube/local");
}

int run_real(const std::vector<const char*>& arguments) {
  const char* given = std::getenv("MUSTER_CONTRACT_KUBECONFIG");
  std::optional<RealServer> server;
  if (given == nullptr) server.emplace();
  const std::string kubeconfig = given != nullptr ? given : server->kubeconfig();
  if (kubeconfig.empty()) {
    std::printf("!!!!! SKIPPED contract against a real API server: none could be started (tests/kube/build.sh)\n");
    return 0;
  }
  auto rest = muster::kube::RestApi::open(kubeconfig);
  if (!rest.has_value()) {
    std::fprintf(stderr, "contract: kube/rest: %s\n", rest.error().text.c_str());
    return 1;
  }
  const auto installed = muster::kube::ensure_crds(**rest, false);
  if (!installed.has_value()) {
    std::fprintf(stderr, "contract: kube/rest: %s\n", installed.error().text.c_str());
    return 1;
  }
  const auto version = (*rest)->server_version();
  const std::string home = "a real API server " + (version.has_value() ? *version : std::string());
  return run_cases(**rest, arguments, home.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  std::string home;
  std::vector<const char*> arguments;
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--home=")) {
      home = argument.substr(7);
    } else {
      arguments.push_back(argv[i]);
    }
  }
  int status = 0;
  if (home.empty() || home == "local") status |= run_local(arguments);
  if (home.empty() || home == "real") status |= run_real(arguments);
  return status;
}
