#pragma once
// pod_order: a bound pod as the order of one run: command line, environment (interface 6), account, limits. The pod was
// admitted; what cannot be run on this machine all the same is told as an error, and the pod fails with it.

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "kube/api.h"
#include "node/devices/device.h"
#include "node/run/cgroup.h"
#include "node/run/folder.h"

namespace muster::node {

struct PodSetting {
  kube::Api* api = nullptr;  // for environment values from Secrets and ConfigMaps
  std::string node;
  const std::vector<Device>* devices = nullptr;  // of that node
  bool root_mode = false;
  const Walls* walls = nullptr;
};

Result<RunOrder> order_of_pod(const json::Value& pod, int attempt, const PodSetting& setting);

// "sim-1/0:0.50,sim-1/1:0.50": what MUSTER_GPUS says for the annotation muster.dev/devices.
std::string gpus_text(const json::Value& pod, const std::string& node, const std::vector<Device>& devices);
// $(NAME) of defined variables, as Kubernetes replaces them in command and args. Anything else stays as it is: a word
// that is meant for a shell ($$, $(date)) reaches it.
std::string expand(std::string_view text, const std::vector<std::string>& environment);

}  // namespace muster::node
