#include "cluster/granted.h"

#include <fmt/core.h>

#include "base/json.h"

namespace muster::cluster {
namespace {

constexpr std::int64_t mib = 1 << 20;

}  // namespace

std::vector<Granted> grant(const std::vector<model::DeviceShare>& shares, const std::vector<model::Device>& devices) {
  std::vector<Granted> granted;
  for (const model::DeviceShare& share : shares) {
    Granted one{.uuid = "", .index = share.index, .milli = share.milli, .memory_mib = share.memory_mib};
    if (share.index >= 0 && static_cast<std::size_t>(share.index) < devices.size()) {
      const model::Device& device = devices[static_cast<std::size_t>(share.index)];
      one.uuid = device.uuid;
      if (one.memory_mib == 0) one.memory_mib = device.memory_mib * share.milli / 1000;
    }
    granted.push_back(std::move(one));
  }
  return granted;
}

std::vector<model::DeviceShare> shares_of(const std::vector<Granted>& granted,
                                          const std::vector<model::Device>& devices) {
  std::vector<model::DeviceShare> shares;
  for (const Granted& one : granted) {
    std::size_t index = devices.size();
    for (std::size_t i = 0; i < devices.size(); ++i) {
      if (devices[i].uuid == one.uuid) index = i;
    }
    if (index == devices.size() && one.uuid.empty() && one.index >= 0) index = static_cast<std::size_t>(one.index);
    if (index >= devices.size()) continue;
    shares.push_back({.index = static_cast<std::int32_t>(index), .milli = one.milli, .memory_mib = one.memory_mib});
  }
  return shares;
}

std::string write_granted(const std::vector<Granted>& granted) {
  json::Array array;
  for (const Granted& one : granted) {
    array.push_back(
        json::Object{{"uuid", one.uuid}, {"index", one.index}, {"milli", one.milli}, {"memory", one.memory_mib * mib}});
  }
  return json::write(array);
}

Result<std::vector<Granted>> read_granted(std::string_view text) {
  std::vector<Granted> granted;
  if (text.empty()) return granted;
  const json::Value value = TRY(json::parse(text));
  if (!value.is_array()) return invalid("the devices of a pod are no list");
  for (const json::Value& item : value.get_array()) {
    Granted one;
    one.uuid = json::text_or(item, "/uuid");
    one.index = static_cast<std::int32_t>(json::integer_at(item, "/index").value_or(0));
    const std::int64_t milli = json::integer_at(item, "/milli").value_or(1000);
    const std::int64_t memory = json::integer_at(item, "/memory").value_or(0);
    if (milli < 1 || milli > 1000)
      return invalid("a device of a pod is granted by " + std::to_string(milli) + " thousandths");
    if (memory < 0 || one.index < 0) return invalid("a device of a pod has a negative number");
    one.milli = static_cast<std::int32_t>(milli);
    one.memory_mib = memory / mib;
    granted.push_back(std::move(one));
  }
  return granted;
}

std::string gpus_text(const std::string& node, const std::vector<Granted>& granted) {
  std::string text;
  for (const Granted& one : granted) {
    if (!text.empty()) text += ",";
    text += fmt::format("{}/{}:{}.{:02}", node, one.index, one.milli / 1000, one.milli % 1000 / 10);
  }
  return text;
}

}  // namespace muster::cluster
