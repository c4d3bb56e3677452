// NVML by a fake library (tests/peers/nvml), with the values that NVIDIA's own Python binding read from it. Run by
// tests/peers/nvml/nvml_test.py; without it these cases skip.
#include "node/devices/nvml.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "base/json.h"
#include "base/temporary_folder.h"
#include "kube/kinds.h"
#include "kube/local/store.h"
#include "kube/objects.h"
#include "node/devices/device_lock.h"
#include "node/node.h"
#include "node/offer.h"
#include "node/report/device_report.h"
#include "node/run/playground_test.h"

namespace muster::node {
namespace {

std::optional<json::Value> seen_by_binding() {
  const char* text = std::getenv("MUSTER_NVML_SEEN");
  if (text == nullptr || std::getenv("MUSTER_NVML_LIBRARY") == nullptr) {
    MESSAGE("SKIPPED: tests/peers/nvml/nvml_test.py runs this with NVIDIA's binding");
    return std::nullopt;
  }
  return json::parse(text).value();
}

// The fake's machine, changed for one case and put back.
class Machine {
 public:
  Machine() : path_(std::getenv("FAKE_NVML")), before_(read_file(path_).value()) {}
  ~Machine() { set(before_); }
  const std::string& before() const { return before_; }
  void set(const std::string& text) { REQUIRE(write_file_atomic(path_, text, 0600).has_value()); }
  // Adds a field to the first device.
  void add(const std::string& field) {
    std::string text = before_;
    text.insert(text.find('\n'), ";" + field);
    set(text);
  }

 private:
  std::string path_, before_;
};

TEST_CASE("NVML: every value is the one that NVIDIA's own binding sees") {
  const auto seen = seen_by_binding();
  if (!seen) return;
  auto opened = open_nvml();
  REQUIRE(opened.has_value());
  const std::vector<Device> devices = (*opened)->look();
  const std::vector<DeviceUse> uses = (*opened)->measure();
  const json::Array& expected = json::find(*seen, "/devices")->get_array();
  REQUIRE(devices.size() == expected.size());
  REQUIRE(uses.size() == expected.size());
  for (std::size_t i = 0; i < devices.size(); ++i) {
    CHECK(devices[i].uuid == json::text_or(expected[i], "/uuid"));
    CHECK(devices[i].model == json::text_or(expected[i], "/model"));
    CHECK(devices[i].memory_mib == json::integer_at(expected[i], "/memoryMib"));
    CHECK(devices[i].index == static_cast<std::int32_t>(i));
    CHECK(devices[i].healthy == json::bool_at(expected[i], "/healthy"));
    CHECK(!devices[i].simulated);
    CHECK(uses[i].uuid == devices[i].uuid);
    CHECK(uses[i].memory_used_mib == json::integer_at(expected[i], "/memoryUsedMib"));
    CHECK(std::optional<std::int64_t>(uses[i].utilization) == json::integer_at(expected[i], "/utilization"));
    CHECK(std::optional<std::int64_t>(uses[i].temperature) == json::integer_at(expected[i], "/temperature"));
    const auto milliwatts = json::integer_at(expected[i], "/powerMw");
    REQUIRE(uses[i].power.has_value() == milliwatts.has_value());
    if (milliwatts) CHECK(std::abs(*uses[i].power - static_cast<double>(*milliwatts) / 1000) < 0.001);
  }
  // What nvml.cpp declares, in the binding's words.
  CHECK(json::integer_at(*seen, "/sizes/memory") == 24);
  CHECK(json::integer_at(*seen, "/sizes/utilization") == 8);
  CHECK(json::integer_at(*seen, "/uuidBuffer") == 96);
  CHECK(json::integer_at(*seen, "/nameBuffer") == 96);
  CHECK(json::integer_at(*seen, "/codes/lost") == 15);
  CHECK(json::integer_at(*seen, "/codes/resetRequired") == 16);
}

TEST_CASE("NVML: a board that is lost or has rows that cannot be replaced is not healthy") {
  if (!seen_by_binding()) return;
  Machine machine;
  auto opened = open_nvml();
  REQUIRE(opened.has_value());
  CHECK((*opened)->look()[0].healthy);
  machine.add("lost=1");
  CHECK(!(*opened)->look()[0].healthy);
  CHECK((*opened)->look()[0].uuid != "");
  machine.set("remap=1;" + machine.before());
  CHECK(!(*opened)->look()[0].healthy);
}

TEST_CASE(
    "NVML: boards in MIG mode and boards that another Muster holds are left out, and the reason names the holder") {
  const auto seen = seen_by_binding();
  if (!seen) return;
  Machine machine;
  {
    const std::string uuid = json::text_or(*seen, "/devices/0/uuid");
    const auto lock = lock_device(uuid);
    REQUIRE(lock.has_value());
    const auto second = lock_device(uuid);
    REQUIRE(!second.has_value());
    CHECK(second.error().kind == ErrorKind::Conflict);
    CHECK(second.error().text.find("muster process " + std::to_string(::getpid())) != std::string::npos);
    const auto opened = open_nvml();
    const std::size_t all = json::find(*seen, "/devices")->get_array().size();
    if (all == 1) {
      REQUIRE(!opened.has_value());
      CHECK(opened.error().text.find("is in use by") != std::string::npos);
    } else {
      REQUIRE(opened.has_value());
      const auto devices = (*opened)->look();
      CHECK(devices.size() == all - 1);
      CHECK(devices[0].index == 0);
      CHECK(devices[0].uuid != uuid);
    }
  }
  machine.set("mig=1;" + machine.before());
  const auto opened = open_nvml();
  if (opened.has_value()) {
    CHECK((*opened)->look()[0].uuid != json::text_or(*seen, "/devices/0/uuid"));
  } else {
    CHECK(opened.error().text.find("MIG mode") != std::string::npos);
  }
  machine.set("# no boards\n");
  CHECK(open_nvml().error().text.find("no device") != std::string::npos);
}

TEST_CASE("NVML: the machine is offered with its real devices, reports their use, and closes one that falls ill") {
  const auto seen = seen_by_binding();
  if (!seen) return;
  Machine machine;
  auto offers = offers_of("auto", "Host.Example");
  REQUIRE(offers.has_value());
  CHECK(offers->simulated.empty());
  REQUIRE(offers->nodes.size() == 1);
  Offer& offer = offers->nodes[0];
  CHECK(offer.name == "host.example");
  const std::int64_t all = static_cast<std::int64_t>(json::find(*seen, "/devices")->get_array().size());
  auto api = kube::LocalApi::open({.path = ":memory:"}).value();
  REQUIRE(api->create(kube::kinds::node, node_object(offer)).has_value());
  DeviceReport report(*api, system_clock(), offer, milliseconds(20));
  const auto node = [&] { return api->get(kube::kinds::node, {"", offer.name}).value(); };
  const auto item = [&](const std::string& pointer) {
    return json::integer_at(*json::parse(kube::annotation_of(node(), "muster.dev/node-devices")), pointer);
  };
  CHECK(testing::wait_until(
      [&] { return item("/0/memoryUsedMib") == json::integer_at(*seen, "/devices/0/memoryUsedMib"); }));
  CHECK(item("/0/temperature") == json::integer_at(*seen, "/devices/0/temperature"));
  machine.add("lost=1");
  CHECK(testing::wait_until(
      [&] { return json::text_or(node(), "/status/allocatable/nvidia.com~1gpu") == std::to_string(all - 1); }));
  CHECK(json::text_or(node(), "/status/capacity/nvidia.com~1gpu") == std::to_string(all));
}

TEST_CASE("a device that was locked is free again when its holder is gone") {
  const std::string uuid = "GPU-test-" + std::to_string(::getpid());
  const pid_t child = ::fork();
  if (child == 0) {
    // The parent's looks hold it for a moment each.
    auto lock = lock_device(uuid);
    while (!lock.has_value()) lock = lock_device(uuid);
    ::pause();
    ::_exit(0);
  }
  CHECK(testing::wait_until([&] { return !lock_device(uuid).has_value(); }));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(lock_device(uuid).has_value());
}

TEST_CASE("a report is written when a person would see the difference") {
  const std::vector<Device> devices = {{.uuid = "u", .memory_mib = 80000}};
  const DeviceUse use{.uuid = "u", .utilization = 50, .memory_used_mib = 1000, .temperature = 40, .power = 100.0};
  const auto moved = [&](auto change) {
    DeviceUse now = use;
    change(now);
    return differs_noticeably({use}, {now}, devices);
  };
  CHECK(!moved([](DeviceUse&) {}));
  CHECK(!moved([](DeviceUse& now) { now.utilization = 54; }));
  CHECK(moved([](DeviceUse& now) { now.utilization = 55; }));
  CHECK(!moved([](DeviceUse& now) { now.memory_used_mib = 1700; }));
  CHECK(moved([](DeviceUse& now) { now.memory_used_mib = 1900; }));
  CHECK(moved([](DeviceUse& now) { now.power.reset(); }));
  CHECK(differs_noticeably({}, {use}, devices));
}

}  // namespace
}  // namespace muster::node
