#include "control/work/compute.h"

#include <algorithm>
#include <cmath>

#include "base/quantity.h"
#include "control/work/fields.h"

namespace muster::control {
namespace {

constexpr std::int64_t most_devices = 100'000;
constexpr std::int64_t mebibyte = 1 << 20;
constexpr std::string_view mig_prefix = "nvidia.com/mig-";

// A portion has at most three decimals; nullopt otherwise.
std::optional<std::int32_t> milli_of(double portion) {
  const double milli = portion * 1000;
  const double rounded = std::round(milli);
  if (std::abs(milli - rounded) > 1e-6) return std::nullopt;
  return static_cast<std::int32_t>(rounded);
}

Result<void> complete_portion(json::Object& out, const Fields& fields, std::int64_t devices) {
  const std::optional<double> request = TRY(fields.number("gpuPortionRequest", 0, 1));
  const std::optional<double> limit = TRY(fields.number("gpuPortionLimit", 0, 1));
  for (const char* name : {"gpuMemoryRequest", "gpuMemoryLimit"}) {
    if (fields.find(name) != nullptr) {
      return invalid("a request by portion takes no gpu memory; set gpuRequestType to memory or leave it out",
                     fields.at(name));
    }
  }
  const double portion = request.value_or(limit && *limit < 1 ? 0 : 1);
  if (limit && !request && *limit < 1) {
    return invalid("a limit needs a gpuPortionRequest", fields.at("gpuPortionLimit"));
  }
  if (portion == 0) return invalid("a portion is above 0 and at most 1", fields.at("gpuPortionRequest"));
  if (!milli_of(portion)) return invalid("a portion has at most three decimals", fields.at("gpuPortionRequest"));
  if (limit && *limit < portion) {
    return invalid("the limit is below the request", fields.at("gpuPortionLimit"));
  }
  if (limit && !milli_of(*limit)) return invalid("a portion has at most three decimals", fields.at("gpuPortionLimit"));
  out["gpuDevicesRequest"] = devices;
  out["gpuRequestType"] = "portion";
  out["gpuPortionRequest"] = portion;
  out["gpuPortionLimit"] = limit.value_or(portion);
  return {};
}

Result<void> complete_memory(json::Object& out, const Fields& fields, std::int64_t devices) {
  for (const char* name : {"gpuPortionRequest", "gpuPortionLimit"}) {
    if (fields.find(name) != nullptr) {
      return invalid("a request by memory takes no portion; set gpuRequestType to portion or leave it out",
                     fields.at(name));
    }
  }
  const std::optional<std::int64_t> request = TRY(fields.bytes("gpuMemoryRequest", 1));
  const std::optional<std::int64_t> limit = TRY(fields.bytes("gpuMemoryLimit", 1));
  if (!request) return invalid("a request by memory needs gpuMemoryRequest", fields.at("gpuMemoryRequest"));
  if (*request < mebibyte) return invalid("the least gpu memory is 1Mi", fields.at("gpuMemoryRequest"));
  if (limit && *limit < *request) return invalid("the limit is below the request", fields.at("gpuMemoryLimit"));
  out["gpuDevicesRequest"] = devices;
  out["gpuRequestType"] = "memory";
  out["gpuMemoryRequest"] = TRY(fields.text("gpuMemoryRequest")).value_or("");
  out["gpuMemoryLimit"] = limit ? TRY(fields.text("gpuMemoryLimit")).value_or("") : bytes_to_text(*request);
  return {};
}

Result<void> complete_gpu(json::Object& out, const Fields& fields) {
  const std::optional<std::int64_t> said = TRY(fields.integer("gpuDevicesRequest", 0, most_devices));
  const std::optional<std::string> type = TRY(fields.one_of("gpuRequestType", {"portion", "memory"}));
  const bool has_memory = fields.find("gpuMemoryRequest") != nullptr || fields.find("gpuMemoryLimit") != nullptr;
  const bool has_portion = fields.find("gpuPortionRequest") != nullptr || fields.find("gpuPortionLimit") != nullptr;
  if (!type && has_memory && has_portion) {
    return invalid("gpus are asked for by portion or by memory, not by both", fields.at("gpuMemoryRequest"));
  }
  const bool by_memory = type ? *type == "memory" : has_memory;
  const std::int64_t devices = said.value_or(has_memory || has_portion ? 1 : 0);
  if (devices == 0) {
    // A portion of no device is nothing; anything else contradicts itself.
    const double portion = TRY(fields.number("gpuPortionRequest", 0, 1)).value_or(0);
    if (portion > 0 || has_memory) {
      return invalid("gpuDevicesRequest is 0, yet a share of a device is asked for", fields.at("gpuDevicesRequest"));
    }
    out["gpuDevicesRequest"] = 0;
    return {};
  }
  if (by_memory) return complete_memory(out, fields, devices);
  return complete_portion(out, fields, devices);
}

Result<void> complete_cpu(json::Object& out, const Fields& fields) {
  std::optional<double> request = TRY(fields.number("cpuCoreRequest", 0, 1e6));
  const std::optional<double> limit = TRY(fields.number("cpuCoreLimit", 0, 1e6));
  if (request && limit && *limit < *request) {
    return invalid("the limit is below the request", fields.at("cpuCoreLimit"));
  }
  const model::GpuRequest gpu = gpu_request(out);
  const std::int64_t devices = gpu.devices;
  if (!request) request = devices > 0 ? 0.1 * static_cast<double>(devices) : limit ? 0.1 * *limit : 0.0;
  if (limit) request = std::min(*request, *limit);
  out["cpuCoreRequest"] = std::round(*request * 1000) / 1000;
  if (limit) out["cpuCoreLimit"] = *limit;

  std::optional<std::int64_t> memory = TRY(fields.bytes("cpuMemoryRequest", 0));
  const std::optional<std::int64_t> memory_limit = TRY(fields.bytes("cpuMemoryLimit", 1));
  if (memory && memory_limit && *memory_limit < *memory) {
    return invalid("the limit is below the request", fields.at("cpuMemoryLimit"));
  }
  if (const auto said = TRY(fields.text("cpuMemoryRequest"))) {
    out["cpuMemoryRequest"] = *said;
  } else {
    memory = devices > 0 ? 100 * mebibyte * devices : memory_limit ? *memory_limit / 10 : 0;
    if (memory_limit) memory = std::min(*memory, *memory_limit);
    out["cpuMemoryRequest"] = bytes_to_text(*memory);
  }
  if (const auto said = TRY(fields.text("cpuMemoryLimit"))) out["cpuMemoryLimit"] = *said;
  return {};
}

Result<void> complete_extended(json::Object& out, const Fields& fields) {
  const json::Array* list = TRY(fields.list("extendedResources"));
  if (list == nullptr) return {};
  json::Array kept;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string pointer = fields.at("extendedResources") + "/" + std::to_string(i);
    const Fields item((*list)[i], pointer);
    TRY(item.only({"resource", "quantity", "exclude"}));
    if (TRY(item.boolean("exclude")).value_or(false)) continue;
    const std::string resource = TRY(item.text("resource")).value_or("");
    if (resource.empty()) return invalid("an extended resource needs a name", pointer + "/resource");
    const bool is_mig = resource.starts_with(mig_prefix);
    if (resource.starts_with("nvidia.com/") && !is_mig) {
      return invalid("gpus are asked for with gpuDevicesRequest", pointer + "/resource");
    }
    if (is_mig && json::integer_at(out, "/gpuDevicesRequest").value_or(0) > 0) {
      return invalid("gpus are asked for as devices or as MIG instances, not as both", pointer + "/resource");
    }
    const std::optional<std::int64_t> quantity = TRY(item.bytes("quantity", 1));
    if (is_mig && quantity.value_or(1) > most_devices) {
      return invalid("that many MIG instances do not exist", pointer + "/quantity");
    }
    if (item.find("quantity") == nullptr)
      return invalid("an extended resource needs a quantity", pointer + "/quantity");
    kept.push_back((*list)[i]);
  }
  if (!kept.empty()) out["extendedResources"] = std::move(kept);
  return {};
}

// MIG instances stand among the extended resources; None without any.
model::GpuRequest mig_request(const json::Value& compute) {
  model::GpuRequest out;
  const json::Value* list = json::member(compute, "extendedResources");
  if (list == nullptr || !list->is_array()) return out;
  for (const json::Value& item : list->get_array()) {
    const std::string resource = json::text_or(item, "/resource");
    const Result<std::int64_t> count = parse_units(json::text_or(item, "/quantity", "0"));
    if (!resource.starts_with(mig_prefix) || !count.has_value() || *count <= 0 || *count > most_devices) continue;
    out.kind = model::GpuRequest::Kind::Mig;
    out.mig[resource] += static_cast<std::int32_t>(*count);
  }
  return out;
}

}  // namespace

Result<json::Value> complete_compute(const json::Value* compute, const std::string& pointer) {
  const json::Value nothing = json::Object{};
  const Fields fields(compute == nullptr ? nothing : *compute, pointer);
  TRY(fields.only({"cpuCoreLimit", "cpuCoreRequest", "cpuMemoryLimit", "cpuMemoryRequest", "extendedResources",
                   "gpuDevicesRequest", "gpuMemoryLimit", "gpuMemoryRequest", "gpuPortionLimit", "gpuPortionRequest",
                   "gpuRequestType", "largeShmRequest"}));
  json::Object out;
  TRY(complete_gpu(out, fields));
  TRY(complete_cpu(out, fields));
  TRY(complete_extended(out, fields));
  if (const auto large = TRY(fields.boolean("largeShmRequest"))) out["largeShmRequest"] = *large;
  return json::Value(std::move(out));
}

model::GpuRequest gpu_request(const json::Value& compute) {
  model::GpuRequest out;
  const std::int64_t devices = json::integer_at(compute, "/gpuDevicesRequest").value_or(0);
  if (devices == 0) return mig_request(compute);
  out.devices = static_cast<std::int32_t>(devices);
  if (json::text_or(compute, "/gpuRequestType", "portion") == "memory") {
    out.kind = model::GpuRequest::Kind::Memory;
    const auto mib = [&](const char* at) {
      const Result<std::int64_t> bytes = parse_units(json::text_or(compute, at, "0"));
      return bytes.has_value() ? *bytes / mebibyte + (*bytes % mebibyte != 0 ? 1 : 0) : 0;
    };
    out.memory_mib = mib("/gpuMemoryRequest");
    const std::int64_t limit = mib("/gpuMemoryLimit");
    out.memory_limit_mib = limit == out.memory_mib ? 0 : limit;
    return out;
  }
  const auto milli = [&](const char* at) { return milli_of(json::number_at(compute, at).value_or(1)).value_or(1000); };
  out.milli = milli("/gpuPortionRequest");
  out.kind = out.milli == 1000 ? model::GpuRequest::Kind::Whole : model::GpuRequest::Kind::Portion;
  const std::int32_t limit = milli("/gpuPortionLimit");
  out.milli_limit = limit == out.milli ? 0 : limit;
  return out;
}

}  // namespace muster::control
