#include "cluster/leader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <stop_token>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "kube/kinds.h"
#include "kube/objects.h"

namespace muster::cluster {
namespace {

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? std::string(name) : "unknown";
}

std::string pid_namespace() {
  struct stat status{};
  return ::stat("/proc/self/ns/pid", &status) == 0 ? std::to_string(status.st_ino) : "0";
}

// Field 22 of /proc/<pid>/stat; "" when there is no such process.
std::string start_time(const std::string& pid) {
  const Result<std::string> text = read_file("/proc/" + pid + "/stat", 4096);
  if (!text) return "";
  const std::size_t end = text->rfind(')');
  if (end == std::string::npos) return "";
  const std::vector<std::string_view> fields = split(trim(std::string_view(*text).substr(end + 1)), ' ');
  return fields.size() > 19 ? std::string(fields[19]) : "";
}

}  // namespace

std::string process_identity() {
  const std::string pid = std::to_string(::getpid());
  return host_name() + "/" + pid_namespace() + "/" + pid + "/" + start_time(pid);
}

bool may_be_alive(const std::string& identity) {
  const std::vector<std::string_view> parts = split(identity, '/');
  if (parts.size() != 4 || parts[0] != host_name() || parts[1] != pid_namespace()) return true;
  const std::string pid(parts[2]);
  if (pid.empty() || pid.find_first_not_of("0123456789") != std::string::npos) return true;
  return start_time(pid) == parts[3];
}

Leader::Leader(kube::Api& api, Clock& clock, Options options) : api_(api), clock_(clock), options_(std::move(options)) {
  if (options_.identity.empty()) options_.identity = process_identity();
}

Leader::~Leader() { release(); }

json::Value Leader::spec(bool is_new) const {
  const std::string now = to_rfc3339(clock_.now());
  // Kubernetes wants microseconds here.
  const auto micro = [](std::string text) { return text.insert(text.size() - 1, "000"); };
  json::Object spec{{"holderIdentity", options_.identity},
                    {"leaseDurationSeconds", options_.duration.ms / 1000},
                    {"renewTime", micro(now)},
                    {"leaseTransitions", transitions_}};
  if (is_new) spec["acquireTime"] = micro(now);
  return spec;
}

Result<bool> Leader::try_acquire() {
  const kube::Key key{options_.ns, options_.name};
  const Result<json::Value> lease = api_.get(kube::kinds::lease, key);
  if (!lease && lease.error().kind == ErrorKind::NotFound) {
    json::Value wanted = json::Object{{"apiVersion", kube::kinds::lease.api_version()},
                                      {"kind", "Lease"},
                                      {"metadata", json::Object{{"name", key.name}, {"namespace", key.ns}}},
                                      {"spec", spec(true)}};
    ignore(api_.create(
               kube::kinds::ns,
               json::Object{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", json::Object{{"name", key.ns}}}}),
           "it may be there");
    const Result<json::Value> made = api_.create(kube::kinds::lease, std::move(wanted));
    if (made) return true;
    if (made.error().kind == ErrorKind::Conflict) return false;
    return made.error();
  }
  if (!lease) return lease.error();
  const std::string holder = json::text_or(*lease, "/spec/holderIdentity");
  const std::string version = kube::resource_version_of(*lease);
  const std::int64_t now = clock_.monotonic_ms();
  if (version != seen_version_) {
    seen_version_ = version;
    seen_since_ = now;
  }
  const bool is_free = holder.empty() || holder == options_.identity || !may_be_alive(holder);
  const Duration duration = seconds(json::integer_at(*lease, "/spec/leaseDurationSeconds").value_or(15));
  if (!is_free && now - seen_since_ < duration.ms) return false;
  transitions_ = json::integer_at(*lease, "/spec/leaseTransitions").value_or(0) + 1;
  const json::Value patch =
      json::Object{{"metadata", json::Object{{"resourceVersion", version}}}, {"spec", spec(true)}};
  const Result<json::Value> taken = api_.patch(kube::kinds::lease, key, patch);
  if (taken) return true;
  if (taken.error().kind == ErrorKind::Conflict) return false;
  return taken.error();
}

Result<void> Leader::acquire(std::stop_token stop) {
  bool said = false;
  while (!stop.stop_requested()) {
    const Result<bool> ours = try_acquire();
    if (ours && *ours) {
      held_ = true;
      log::info("leading", {{"identity", options_.identity}});
      return {};
    }
    if (!ours) log::warn("lease_not_read", {{"error", ours.error().text}});
    if (ours && !said) {
      said = true;
      log::info("waiting_to_lead", {{"lease", options_.ns + "/" + options_.name}});
    }
    sleep_until(stop, Deadline::in(seconds(1)));
  }
  return unavailable("stopped before the lease " + options_.ns + "/" + options_.name + " was free");
}

Result<void> Leader::renew() {
  const json::Value patch = json::Object{{"spec", spec(false)}};
  // Only the holder writes while it holds: somebody else's name in it means that it is lost.
  const Result<json::Value> lease = api_.get(kube::kinds::lease, {options_.ns, options_.name});
  if (!lease) return lease.error();
  if (json::text_or(*lease, "/spec/holderIdentity") != options_.identity) {
    return denied("the lease is held by " + json::text_or(*lease, "/spec/holderIdentity"));
  }
  json::Value guarded = patch;
  json::set_at(guarded, "/metadata/resourceVersion", json::Value(kube::resource_version_of(*lease)));
  const Result<json::Value> renewed = api_.patch(kube::kinds::lease, {options_.ns, options_.name}, guarded);
  if (!renewed) return renewed.error();
  return {};
}

void Leader::keep(std::function<void()> lost) {
  thread_ = std::jthread([this, lost = std::move(lost)](std::stop_token stop) {
    name_thread("lease");
    std::int64_t renewed = clock_.monotonic_ms();
    while (!sleep_until(stop, Deadline::in(options_.renew_every))) {
      const std::int64_t began = clock_.monotonic_ms();
      const Result<void> done = renew();
      if (done) {
        renewed = began;
        continue;
      }
      log::warn("lease_not_renewed", {{"error", done.error().text}});
      // Well before another may take it.
      const bool is_over = clock_.monotonic_ms() - renewed > options_.duration.ms * 2 / 3;
      if (done.error().kind == ErrorKind::Denied || is_over) {
        held_ = false;
        lost();
        return;
      }
    }
  });
}

void Leader::release() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  if (!held_) return;
  held_ = false;
  const json::Value patch = json::Object{{"spec", json::Object{{"holderIdentity", ""}}}};
  ignore(api_.patch(kube::kinds::lease, {options_.ns, options_.name}, patch), "it runs out by itself");
}

}  // namespace muster::cluster
