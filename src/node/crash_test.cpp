// Muster killed at random moments while it begins runs: each run is begun once, and none is lost. The killed one is a
// child of this test with the real store on disk; the seed is printed.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "base/ids.h"
#include "base/temporary_folder.h"
#include "kube/kinds.h"
#include "kube/local/store.h"
#include "kube/objects.h"
#include "node/node.h"
#include "node/run/playground_test.h"

namespace muster::node {
namespace {

constexpr int pods_in_all = 40;

std::string name_of_pod(int number) { return "p-" + std::to_string(number); }

json::Value pod_object(int number, const std::string& effects) {
  // One line per run of the job; the process lives a moment, so that kills come before, in and after it.
  const std::string script = "echo " + std::to_string(number) + " >> " + effects + "; echo out; sleep 0.02; exit " +
                             std::to_string(number % 3);
  return json::Object{
      {"metadata", json::Object{{"name", name_of_pod(number)}, {"namespace", "runai-a"}}},
      {"spec", json::Object{{"restartPolicy", "Never"},
                            {"nodeName", "sim-1"},
                            {"containers", json::Array{json::Object{{"name", "main"},
                                                                    {"image", "host"},
                                                                    {"workingDir", "/"},
                                                                    {"command", json::Array{"sh", "-c", script}}}}}}}};
}

bool is_final(kube::Api& api, int number) {
  const auto pod = api.get(kube::kinds::pod, {"runai-a", name_of_pod(number)});
  if (!pod.has_value()) return false;
  const std::string phase = json::text_or(*pod, "/status/phase");
  return phase == "Succeeded" || phase == "Failed";
}

// A whole small Muster: store and node agent, until killed or until all pods are final.
[[noreturn]] void be_muster(const std::string& folder) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto api = kube::LocalApi::open({.path = folder + "/kube.db"});
  if (!api.has_value()) ::_exit(2);
  ignore((*api)->create(kube::kinds::ns, json::Object{{"metadata", json::Object{{"name", "runai-a"}}}}),
         "there already");
  auto agent = NodeAgent::start(
      {.api = api->get(), .folder = folder, .gpus = "sim:2xA100-80G", .program = testing::this_program()});
  if (!agent.has_value()) ::_exit(3);
  for (int number = 0; number < pods_in_all; ++number) {
    ignore((*api)->create(kube::kinds::pod, pod_object(number, folder + "/effects")), "there already");
  }
  for (int number = 0; number < pods_in_all;) {
    if (is_final(**api, number)) {
      ++number;
    } else {
      ::usleep(5000);
    }
  }
  agent->reset();
  ::_exit(0);
}

TEST_CASE("Muster killed at random moments never begins a run twice, loses none, and leaves no process behind") {
  const unsigned seed = std::random_device{}();
  MESSAGE("seed ", seed);
  std::mt19937 random(seed);
  TemporaryFolder folder;
  int kills = 0;
  double longest_us = 60'000;
  for (bool is_done = false; !is_done; ++kills) {
    REQUIRE(kills < 500);
    const pid_t muster = ::fork();
    if (muster == 0) {
      const std::string program = testing::this_program();
      ::setenv("MUSTER_CRASH_FOLDER", folder.path().c_str(), 1);
      ::execl(program.c_str(), program.c_str(), "-ns", "-tc=the Muster that is killed", nullptr);
      ::_exit(1);
    }
    // Ever longer lives, so that it comes to an end also where starting takes long (sanitizers, busy machines).
    longest_us *= 1.03;
    ::usleep(static_cast<unsigned>(std::uniform_real_distribution<double>(5'000, longest_us)(random)));
    ::kill(muster, SIGKILL);
    int status = 0;
    ::waitpid(muster, &status, 0);
    is_done = WIFEXITED(status);
    if (is_done) CHECK(WEXITSTATUS(status) == 0);
  }
  MESSAGE(kills, " lives");
  const std::string effects = read_file(folder.path() + "/effects").value_or("");
  auto api = kube::LocalApi::open({.path = folder.path() + "/kube.db"}).value();
  for (int number = 0; number < pods_in_all; ++number) {
    CAPTURE(number);
    const std::string line = "\n" + std::to_string(number) + "\n";
    const std::string all = "\n" + effects;
    std::size_t lines = 0;
    for (std::size_t at = 0; (at = all.find(line, at)) != std::string::npos; ++at) ++lines;
    CHECK(lines == 1);
    const auto pod = api->get(kube::kinds::pod, {"runai-a", name_of_pod(number)});
    REQUIRE(pod.has_value());
    CHECK(json::integer_at(*pod, "/status/containerStatuses/0/state/terminated/exitCode") == number % 3);
    const RunFolder run(folder.path() + "/runs/" + kube::uid_of(*pod) + "/0");
    CHECK(testing::output_of(run) == "out\n");
    CHECK(testing::count_marked(kube::uid_of(*pod)) == 0);
    CHECK(!run.is_locked());
  }
}

// Run by the case above in a process of its own (-ns: also what is skipped).
TEST_CASE("the Muster that is killed" * doctest::skip()) {
  const char* folder = std::getenv("MUSTER_CRASH_FOLDER");
  if (folder != nullptr) be_muster(folder);
}

}  // namespace
}  // namespace muster::node
