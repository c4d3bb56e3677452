#include "node/pod_order.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>

#include "kube/kinds.h"
#include "kube/local/store.h"
#include "node/account.h"
#include "node/run/playground_test.h"

namespace muster::node {
namespace {

struct World {
  World() { api = kube::LocalApi::open({.path = ":memory:"}).value(); }
  Result<RunOrder> order(const std::string& pod, bool root_mode = false) {
    return order_of_pod(
        json::parse(pod).value(), 0,
        {.api = api.get(), .node = "gpu-1", .devices = &devices, .root_mode = root_mode, .walls = &walls});
  }
  std::unique_ptr<kube::LocalApi> api;
  Walls walls{.kind = "none"};
  std::vector<Device> devices = {{.uuid = "GPU-a", .index = 0, .model = "H100", .memory_mib = 81920},
                                 {.uuid = "GPU-b", .index = 1, .model = "H100", .memory_mib = 81920}};
};

std::string value_of(const RunOrder& order, const std::string& name) {
  const auto at = std::find_if(order.environment.begin(), order.environment.end(),
                               [&](const std::string& word) { return word.starts_with(name + "="); });
  return at == order.environment.end() ? "absent" : at->substr(name.size() + 1);
}

TEST_CASE("real devices are visible by uuid, shares are told, and the request cannot widen them") {
  World world;
  const auto order = world.order(R"({
    "metadata": {"name": "p", "namespace": "runai-vision", "uid": "u-1",
      "labels": {"project": "vision", "muster.dev/workload": "train-1", "muster.dev/workload-id": "w-1"},
      "annotations": {"muster.dev/devices": "[{\"uuid\":\"GPU-b\",\"milli\":1000},{\"uuid\":\"GPU-a\",\"milli\":125}]"}},
    "spec": {"containers": [{"command": ["true"], "env": [
      {"name": "CUDA_VISIBLE_DEVICES", "value": "GPU-of-others"}, {"name": "PORT", "value": "8080"}]}]}})");
  REQUIRE(order.has_value());
  CHECK(value_of(*order, "CUDA_VISIBLE_DEVICES") == "GPU-b,GPU-a");
  CHECK(value_of(*order, "NVIDIA_VISIBLE_DEVICES") == "GPU-b,GPU-a");
  CHECK(value_of(*order, "MUSTER_GPUS") == "gpu-1/1:1.00,gpu-1/0:0.125");
  CHECK(value_of(*order, "RUNAI_NUM_OF_GPUS") == "1.125");
  CHECK(value_of(*order, "MUSTER_WORKLOAD") == "train-1");
  CHECK(value_of(*order, "RUNAI_JOB_NAME") == "train-1");
  CHECK(value_of(*order, "RUNAI_JOB_UUID") == "w-1");
  CHECK(value_of(*order, "MUSTER_PROJECT") == "vision");
  CHECK(value_of(*order, "MUSTER_POD_UID") == "u-1");
  CHECK(value_of(*order, "NODE_NAME") == "gpu-1");
  CHECK(value_of(*order, "PORT") == "8080");
}

TEST_CASE("a job without GPUs sees none of the machine's") {
  World world;
  const auto order =
      world.order(R"({"metadata":{"name":"p","namespace":"n","uid":"u"},"spec":{"containers":[{"args":["true"]}]}})");
  REQUIRE(order.has_value());
  CHECK(value_of(*order, "CUDA_VISIBLE_DEVICES") == "");
  CHECK(value_of(*order, "MUSTER_GPUS") == "");
  CHECK(value_of(*order, "RUNAI_NUM_OF_GPUS") == "0");
  CHECK(value_of(*order, "MUSTER_PROJECT") == "n");
  CHECK(std::stoi(value_of(*order, "PORT")) > 1023);
  CHECK(order->argv == std::vector<std::string>{"true"});
  CHECK(order->working_folder == account_of(::geteuid()).home);
}

TEST_CASE("defined variables are put into words, and what is meant for a shell stays") {
  const std::vector<std::string> environment = {"NAME=x y", "EMPTY="};
  CHECK(expand("--n=$(NAME)!", environment) == "--n=x y!");
  CHECK(expand("a$(EMPTY)b", environment) == "ab");
  CHECK(expand("echo $$ $(date) $NAME ${NAME} $(", environment) == "echo $$ $(date) $NAME ${NAME} $(");
  CHECK(expand("$(NO)$(NAME)", environment) == "$(NO)x y");
}

TEST_CASE("values come from secrets, config maps and the pod itself, and a missing key is said") {
  World world;
  REQUIRE(world.api->create(kube::kinds::ns, json::parse(R"({"metadata":{"name":"n"}})").value()).has_value());
  REQUIRE(world.api
              ->create(kube::kinds::secret,
                       json::parse(R"({"metadata":{"name":"s","namespace":"n"},"data":{"k":"c2VjcmV0IQ=="}})").value())
              .has_value());
  REQUIRE(world.api
              ->create(kube::kinds::config_map,
                       json::parse(R"({"metadata":{"name":"c","namespace":"n"},"data":{"k":"plain"}})").value())
              .has_value());
  const std::string pod = R"({"metadata":{"name":"p","namespace":"n","uid":"u","labels":{"team":"blue"}},
    "spec":{"containers":[{"command":["x"],"env":[
      {"name":"A","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}},
      {"name":"B","valueFrom":{"configMapKeyRef":{"name":"c","key":"k"}}},
      {"name":"C","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},
      {"name":"D","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['team']"}}},
      {"name":"E","valueFrom":{"fieldRef":{"fieldPath":"spec.nodeName"}}},
      {"name":"F","valueFrom":{"secretKeyRef":{"name":"s","key":"KEY","optional":OPTIONAL}}}]}]}})";
  const auto with = [&](const std::string& optional) {
    std::string text = pod;
    text.replace(text.find("OPTIONAL"), 8, optional);
    return world.order(text);
  };
  const auto order = with("true");
  REQUIRE(order.has_value());
  CHECK(value_of(*order, "A") == "secret!");
  CHECK(value_of(*order, "B") == "plain");
  CHECK(value_of(*order, "C") == "p");
  CHECK(value_of(*order, "D") == "blue");
  CHECK(value_of(*order, "E") == "gpu-1");
  const auto refused = with("false");
  REQUIRE(!refused.has_value());
  CHECK(refused.error().text == "environment variable F: Secret n/s has no key KEY");
}

TEST_CASE("limits are read in their units, and the grace is the pod's") {
  World world;
  const auto order = world.order(R"({"metadata":{"name":"p","namespace":"n","uid":"u"},
    "spec":{"terminationGracePeriodSeconds":7,"containers":[{"command":["x"],"workingDir":"/tmp",
      "resources":{"limits":{"memory":"1Gi","cpu":"1500m"},"requests":{"cpu":2}}}]}})");
  REQUIRE(order.has_value());
  CHECK(order->walls.memory_limit == 1LL << 30);
  CHECK(order->walls.cpu_limit == 1500);
  CHECK(order->walls.cpu_request == 2000);
  CHECK(order->grace_ms == 7000);
  CHECK(order->working_folder == "/tmp");
}

TEST_CASE("in root mode a pod runs as its account with all its groups, and never as root by accident") {
  World world;
  const auto with = [&](const std::string& security) {
    return world.order(R"({"metadata":{"name":"p","namespace":"n","uid":"u"},"spec":{"securityContext":)" + security +
                           R"(,"containers":[{"command":["x"]}]}})",
                       true);
  };
  const auto nobody = with(R"({"runAsUser":65534,"runAsGroup":100})");
  REQUIRE(nobody.has_value());
  CHECK(nobody->switch_user);
  CHECK(nobody->uid == 65534);
  CHECK(nobody->gid == 100);
  CHECK(std::find(nobody->groups.begin(), nobody->groups.end(), 100) != nobody->groups.end());
  CHECK(value_of(*nobody, "USER") == account_of(65534).name);
  CHECK(with("{}").error().kind == ErrorKind::Denied);
  CHECK(with(R"({"runAsUser":-1})").error().kind == ErrorKind::Invalid);
  CHECK(with(R"({"runAsUser":0})")->uid == 0);
  // An account that the machine does not know is a number and nothing more.
  const auto unknown = with(R"({"runAsUser":4000000})");
  REQUIRE(unknown.has_value());
  CHECK(unknown->groups == std::vector<std::uint32_t>{unknown->gid});
}

TEST_CASE("in user mode a pod that asks for another account is refused, not run as somebody else") {
  World world;
  const std::string pod = R"({"metadata":{"name":"p","namespace":"n","uid":"u"},"spec":{"containers":[
    {"command":["x"],"securityContext":{"runAsUser":UID}}]}})";
  const auto as = [&](unsigned int uid) {
    std::string text = pod;
    text.replace(text.find("UID"), 3, std::to_string(uid));
    return world.order(text);
  };
  CHECK(as(::geteuid()).has_value());
  CHECK(as(::geteuid() + 1).error().kind == ErrorKind::Denied);
}

}  // namespace
}  // namespace muster::node
