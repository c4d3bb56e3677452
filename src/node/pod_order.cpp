#include "node/pod_order.h"

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "base/quantity.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "model/names.h"
#include "node/account.h"

namespace muster::node {

namespace {

namespace keys = model::keys;

// Ordered, one value per name: a later set() wins.
class Environment {
 public:
  void set(const std::string& name, const std::string& value) {
    for (std::string& word : words_) {
      if (word.size() > name.size() && word.compare(0, name.size(), name) == 0 && word[name.size()] == '=') {
        word = name + "=" + value;
        return;
      }
    }
    words_.push_back(name + "=" + value);
  }
  bool has(const std::string& name) const {
    return std::any_of(words_.begin(), words_.end(),
                       [&](const std::string& word) { return word.starts_with(name + "="); });
  }
  const std::vector<std::string>& words() const { return words_; }

 private:
  std::vector<std::string> words_;
};

const json::Array& list_at(const json::Value& value, std::string_view pointer) {
  static const json::Array none;
  const json::Value* found = json::find(value, pointer);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

struct Grant {
  std::string uuid;
  std::int64_t milli = 0;
};

std::vector<Grant> grants_of(const json::Value& pod) {
  std::vector<Grant> grants;
  const std::string text = kube::annotation_of(pod, keys::devices_annotation);
  if (text.empty()) return grants;
  const auto list = json::parse(text);
  if (!list.has_value() || !list->is_array()) return grants;
  for (const json::Value& item : list->get_array()) {
    grants.push_back({json::text_or(item, "/uuid"), json::integer_at(item, "/milli").value_or(1000)});
  }
  return grants;
}

// 500 -> "0.50", 125 -> "0.125": two decimals where they say it all.
std::string share_text(std::int64_t milli) {
  return milli % 10 == 0 ? fmt::format("{}.{:02}", milli / 1000, milli % 1000 / 10)
                         : fmt::format("{}.{:03}", milli / 1000, milli % 1000);
}

std::string count_text(std::int64_t milli) {
  std::string text = fmt::format("{}.{:03}", milli / 1000, milli % 1000);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

// A port that is free now. Another process may take it before the job does; it is an offer, not a lease.
int free_port() {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (!fd.is_open() || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return 0;
  }
  return ntohs(address.sin_port);
}

std::string value_of_field(const json::Value& pod, const PodSetting& setting, const std::string& path) {
  if (path == "status.podIP" || path == "status.hostIP") return "127.0.0.1";
  if (path == "spec.nodeName") return setting.node;
  for (const std::string_view part : {"metadata.labels", "metadata.annotations"}) {
    // metadata.labels['key']
    if (path.starts_with(part) && path.size() > part.size() + 4 && path.ends_with("']")) {
      const std::string key = path.substr(part.size() + 2, path.size() - part.size() - 4);
      return part == "metadata.labels" ? kube::label_of(pod, key) : kube::annotation_of(pod, key);
    }
  }
  std::string pointer = "/" + path;
  std::replace(pointer.begin(), pointer.end(), '.', '/');
  return json::text_or(pod, pointer);
}

// A Secret keeps its values in base64; what is none is given as it stands.
std::string decode_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t value = alphabet.find(c);
    if (value == std::string_view::npos) return std::string(text);
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  return out;
}

Result<std::string> value_of_key(const json::Value& source, const kube::Kind& kind, const std::string& ns,
                                 kube::Api& api) {
  const std::string name = json::text_or(source, "/name"), key = json::text_or(source, "/key");
  const bool optional = json::bool_at(source, "/optional").value_or(false);
  const auto object = api.get(kind, {ns, name});
  if (!object.has_value()) {
    if (optional && object.error().kind == ErrorKind::NotFound) return std::string();
    return object.error();
  }
  const auto value = json::text_at(*object, "/data/" + json::escape_step(key));
  if (!value && !optional) return not_found(kind.kind + " " + ns + "/" + name + " has no key " + key);
  return kind.kind == "Secret" ? decode_base64(value.value_or("")) : value.value_or("");
}

Result<std::string> value_of(const json::Value& variable, const json::Value& pod, const PodSetting& setting) {
  const json::Value* from = json::find(variable, "/valueFrom");
  if (from == nullptr) return json::text_or(variable, "/value");
  const std::string ns = kube::namespace_of(pod);
  if (const json::Value* secret = json::member(*from, "secretKeyRef")) {
    return value_of_key(*secret, kube::kinds::secret, ns, *setting.api);
  }
  if (const json::Value* map = json::member(*from, "configMapKeyRef")) {
    return value_of_key(*map, kube::kinds::config_map, ns, *setting.api);
  }
  return value_of_field(pod, setting, json::text_or(*from, "/fieldRef/fieldPath"));
}

void set_ours(const json::Value& pod, const PodSetting& setting, Environment& environment) {
  const std::vector<Grant> grants = grants_of(pod);
  std::string visible;
  std::int64_t milli = 0;
  for (const Grant& grant : grants) {
    milli += grant.milli;
    const auto device = std::find_if(setting.devices->begin(), setting.devices->end(),
                                     [&](const Device& each) { return each.uuid == grant.uuid; });
    const bool simulated = device != setting.devices->end() && device->simulated;
    if (!simulated) visible += (visible.empty() ? "" : ",") + grant.uuid;
  }
  const std::string ns = kube::namespace_of(pod);
  std::string project = kube::label_of(pod, keys::project_label);
  if (project.empty()) project = ns.starts_with("runai-") ? ns.substr(6) : ns;
  std::string workload = kube::label_of(pod, keys::workload_label);
  if (workload.empty()) workload = kube::controller_of(pod).name;
  if (workload.empty()) workload = kube::name_of(pod);
  environment.set("MUSTER_WORKLOAD", workload);
  environment.set("MUSTER_PROJECT", project);
  environment.set("MUSTER_POD", kube::name_of(pod));
  environment.set("MUSTER_POD_UID", kube::uid_of(pod));
  environment.set("MUSTER_GPUS", gpus_text(pod, setting.node, *setting.devices));
  environment.set("CUDA_VISIBLE_DEVICES", visible);
  environment.set("NVIDIA_VISIBLE_DEVICES", visible);
  environment.set("RUNAI_PROJECT", project);
  environment.set("RUNAI_JOB_NAME", workload);
  environment.set("RUNAI_JOB_UUID", kube::label_of(pod, keys::workload_id_label));
  environment.set("RUNAI_NUM_OF_GPUS", count_text(milli));
  environment.set("NODE_NAME", setting.node);
  // A service that must have a certain port says so itself.
  if (!environment.has("PORT")) environment.set("PORT", std::to_string(free_port()));
}

Result<void> set_account(const json::Value& pod, const PodSetting& setting, RunOrder& order, Account& account) {
  const auto wanted = [&](const std::string& field) {
    const auto of_container = json::integer_at(pod, "/spec/containers/0/securityContext/" + field);
    return of_container ? of_container : json::integer_at(pod, "/spec/securityContext/" + field);
  };
  const auto uid = wanted("runAsUser"), gid = wanted("runAsGroup");
  if (!setting.root_mode) {
    account = account_of(::geteuid());
    if (uid && *uid != account.uid) {
      return denied("running as uid " + std::to_string(*uid) + ": this Muster runs everything as " + account.name);
    }
    return {};
  }
  if (!uid) return denied("running as root: the pod names no securityContext.runAsUser, and none is guessed");
  if (*uid < 0 || *uid >= UINT32_MAX || (gid && (*gid < 0 || *gid >= UINT32_MAX))) {
    return invalid("running as uid " + std::to_string(*uid) + ": not an account's number");
  }
  account = account_of(static_cast<std::uint32_t>(*uid));
  order.switch_user = true;
  order.uid = account.uid;
  order.gid = gid ? static_cast<std::uint32_t>(*gid) : account.gid;
  order.groups = groups_of(account, order.gid);
  return {};
}

Result<void> set_limits(const json::Value& pod, WallOrder& walls) {
  const auto read = [&](const char* pointer, Result<std::int64_t> (*parse)(std::string_view),
                        std::int64_t& into) -> Result<void> {
    const json::Value* value = json::find(pod, std::string("/spec/containers/0/resources/") + pointer);
    if (value == nullptr) return {};
    const std::string text = value->is_string() ? std::string(value->get_string()) : json::write(*value);
    into = TRY(parse(text).at(std::string("resources ") + pointer));
    return {};
  };
  TRY(read("limits/memory", parse_units, walls.memory_limit));
  TRY(read("limits/cpu", parse_milli, walls.cpu_limit));
  TRY(read("requests/cpu", parse_milli, walls.cpu_request));
  return {};
}

}  // namespace

std::string gpus_text(const json::Value& pod, const std::string& node, const std::vector<Device>& devices) {
  std::string text;
  for (const Grant& grant : grants_of(pod)) {
    const auto device =
        std::find_if(devices.begin(), devices.end(), [&](const Device& each) { return each.uuid == grant.uuid; });
    const std::string index = device != devices.end() ? std::to_string(device->index) : grant.uuid;
    text += (text.empty() ? "" : ",") + node + "/" + index + ":" + share_text(grant.milli);
  }
  return text;
}

std::string expand(std::string_view text, const std::vector<std::string>& environment) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t close = text.substr(at).starts_with("$(") ? text.find(')', at) : std::string_view::npos;
    if (close != std::string_view::npos) {
      const std::string prefix = std::string(text.substr(at + 2, close - at - 2)) + "=";
      const auto found = std::find_if(environment.begin(), environment.end(),
                                      [&](const std::string& word) { return word.starts_with(prefix); });
      if (found != environment.end() && prefix.size() > 1) {
        out += found->substr(prefix.size());
        at = close + 1;
        continue;
      }
    }
    out += text[at++];
  }
  return out;
}

Result<RunOrder> order_of_pod(const json::Value& pod, int attempt, const PodSetting& setting) {
  RunOrder order{.pod_uid = kube::uid_of(pod),
                 .ns = kube::namespace_of(pod),
                 .pod = kube::name_of(pod),
                 .node = setting.node,
                 .attempt = attempt};
  const kube::Owner owner = kube::controller_of(pod);
  order.owner_api_version = owner.api_version;
  order.owner_kind = owner.kind;
  order.owner_name = owner.name;
  order.owner_uid = owner.uid;
  Account account;
  TRY(set_account(pod, setting, order, account));

  Environment environment;
  environment.set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  environment.set("HOME", account.home);
  environment.set("USER", account.name);
  environment.set("LOGNAME", account.name);
  environment.set("SHELL", account.shell);
  for (const json::Value& variable : list_at(pod, "/spec/containers/0/env")) {
    const std::string name = json::text_or(variable, "/name");
    if (name.empty() || name.find('=') != std::string::npos) return invalid("environment: \"" + name + "\" is no name");
    const std::string value = TRY(value_of(variable, pod, setting).at("environment variable " + name));
    environment.set(name, expand(value, environment.words()));
  }
  set_ours(pod, setting, environment);
  order.environment = environment.words();

  for (const char* part : {"/spec/containers/0/command", "/spec/containers/0/args"}) {
    for (const json::Value& word : list_at(pod, part)) {
      if (word.is_string()) order.argv.push_back(expand(std::string(word.get_string()), order.environment));
    }
  }
  if (order.argv.empty())
    return invalid("nothing to run: the pod has neither command nor args, and no image to take them from");
  order.working_folder = json::text_or(pod, "/spec/containers/0/workingDir", account.home);
  if (!order.working_folder.starts_with('/')) {
    return invalid("working folder " + order.working_folder + ": must be an absolute path");
  }
  order.grace_ms = 1000 * json::integer_at(pod, "/spec/terminationGracePeriodSeconds").value_or(30);
  order.walls = walls_for_run(*setting.walls, order.pod_uid + "-" + std::to_string(attempt));
  TRY(set_limits(pod, order.walls));
  return order;
}

}  // namespace muster::node
