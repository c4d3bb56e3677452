#include "model/gpu_request.h"

#include <optional>
#include <vector>

#include "base/quantity.h"
#include "base/text.h"

namespace muster::model {
namespace {

constexpr std::string_view mig_prefix = "nvidia.com/";
constexpr std::int32_t most_devices = 1'000'000;

Error unreadable(std::string_view text) {
  return invalid("gpu request \"" + std::string(text) +
                 "\" is not understood; expected for example 2, 0.5, 2x0.5, 10Gi or 2x10Gi");
}

std::optional<std::int32_t> read_count(std::string_view text) {
  if (text.empty() || text.size() > 7) return std::nullopt;
  std::int32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value <= most_devices ? std::optional(value) : std::nullopt;
}

// "0.5" as thousandths. nullopt: no decimal number, or more than three decimals that count.
std::optional<std::int64_t> read_thousandths(std::string_view text) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string_view decimals = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() && decimals.empty()) return std::nullopt;
  if (point != std::string_view::npos && decimals.empty()) return std::nullopt;
  while (decimals.size() > 3 && decimals.back() == '0') decimals.remove_suffix(1);
  if (decimals.size() > 3 || whole.size() > 7) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : whole) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const char c = i < decimals.size() ? decimals[i] : '0';
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

bool is_decimal(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

// The instance size "N" of "nvidia.com/mig-Ng.Mgb"; nullopt when the name is no MIG profile.
std::optional<std::int32_t> mig_slices(std::string_view resource) {
  if (resource.starts_with(mig_prefix)) resource.remove_prefix(mig_prefix.size());
  if (!resource.starts_with("mig-")) return std::nullopt;
  resource.remove_prefix(4);
  const std::size_t g = resource.find("g.");
  if (g == std::string_view::npos) return std::nullopt;
  const std::string_view memory = resource.substr(g + 2);
  const std::size_t gb = memory.find("gb");
  if (gb == std::string_view::npos || !read_count(memory.substr(0, gb))) return std::nullopt;
  return read_count(resource.substr(0, g));
}

// "2xmig-1g.10gb+mig-3g.40gb"
Result<GpuRequest> parse_mig(std::string_view text) {
  GpuRequest request{.kind = GpuRequest::Kind::Mig};
  for (std::string_view part : split(text, '+')) {
    std::int32_t count = 1;
    if (const std::size_t x = part.find('x'); x != std::string_view::npos && x < part.find("mig-")) {
      const std::optional<std::int32_t> read = read_count(part.substr(0, x));
      if (!read || *read == 0) return unreadable(text);
      count = *read;
      part.remove_prefix(x + 1);
    }
    if (part.starts_with(mig_prefix)) part.remove_prefix(mig_prefix.size());
    if (!mig_slices(part)) {
      return invalid("gpu request \"" + std::string(text) + "\": \"" + std::string(part) +
                     "\" is no MIG profile; expected for example mig-1g.10gb");
    }
    request.mig[std::string(mig_prefix) + std::string(part)] += count;
  }
  return request;
}

Result<GpuRequest> parse_devices(std::string_view text, std::int32_t count, bool counted, std::string_view each) {
  const std::optional<std::int64_t> read = read_thousandths(each);
  if (!read) {
    if (!is_decimal(each)) return unreadable(text);
    return invalid("gpu request \"" + std::string(text) + "\": a share has at most three decimals, for example 0.125");
  }
  const std::int64_t milli = *read;
  if (milli % 1000 == 0) {
    const std::int64_t devices = milli / 1000 * count;
    if (counted && milli > 1000) {
      return invalid("gpu request \"" + std::string(text) +
                     "\": no pod can take more than the whole of a device; ask for \"" + std::to_string(devices) +
                     "\"");
    }
    if (devices > most_devices) return invalid("gpu request \"" + std::string(text) + "\" is too large");
    if (devices == 0) return GpuRequest{};
    return GpuRequest{.kind = GpuRequest::Kind::Whole, .devices = static_cast<std::int32_t>(devices), .milli = 1000};
  }
  if (milli > 1000) {
    const std::int64_t devices = (milli + 999) / 1000;
    std::string hint = "ask for " + std::to_string(devices) + " whole devices";
    if (!counted && milli % devices == 0 && milli / devices < 1000) {
      const GpuRequest spread{.kind = GpuRequest::Kind::Portion,
                              .devices = static_cast<std::int32_t>(devices),
                              .milli = static_cast<std::int32_t>(milli / devices)};
      hint += " or for \"" + to_text(spread) + "\"";
    }
    return invalid("gpu request \"" + std::string(text) + "\": a share lies on one device and is less than 1; " + hint);
  }
  return GpuRequest{.kind = GpuRequest::Kind::Portion, .devices = count, .milli = static_cast<std::int32_t>(milli)};
}

std::string thousandths_to_text(std::int32_t milli) {
  std::string decimals = std::to_string(1000 + milli % 1000).substr(1);
  while (!decimals.empty() && decimals.back() == '0') decimals.pop_back();
  return std::to_string(milli / 1000) + (decimals.empty() ? "" : "." + decimals);
}

}  // namespace

Result<GpuRequest> parse_gpu_request(std::string_view text) {
  const std::string_view whole = trim(text);
  if (whole.empty()) return unreadable(text);
  if (whole.find("mig-") != std::string_view::npos) return parse_mig(whole);
  std::int32_t count = 1;
  std::string_view each = whole;
  const std::size_t x = whole.find('x');
  const bool counted = x != std::string_view::npos;
  if (counted) {
    const std::optional<std::int32_t> read = read_count(whole.substr(0, x));
    if (!read) return unreadable(whole);
    if (*read == 0) {
      return invalid("gpu request \"" + std::string(whole) + "\": the number of devices must be at least 1");
    }
    count = *read;
    each = whole.substr(x + 1);
  }
  if (is_decimal(each)) return parse_devices(whole, count, counted, each);
  // Memory of each device. Only the suffixes that mean bytes: "500m" would be half a byte.
  const char last = each.empty() ? ' ' : each.back();
  if (std::string_view("ikMGTPE").find(last) == std::string_view::npos) return unreadable(whole);
  const Result<std::int64_t> bytes = parse_units(each);
  if (!bytes.has_value()) return unreadable(whole);
  if (*bytes <= 0) return invalid("gpu request \"" + std::string(whole) + "\": device memory must be more than 0");
  constexpr std::int64_t mib = 1 << 20;
  return GpuRequest{
      .kind = GpuRequest::Kind::Memory, .devices = count, .memory_mib = *bytes / mib + (*bytes % mib != 0)};
}

std::string to_text(const GpuRequest& request) {
  const std::string times = request.devices > 1 ? std::to_string(request.devices) + "x" : "";
  switch (request.kind) {
    case GpuRequest::Kind::None:
      return "0";
    case GpuRequest::Kind::Whole:
      return std::to_string(request.devices);
    case GpuRequest::Kind::Portion:
      return times + thousandths_to_text(request.milli);
    case GpuRequest::Kind::Memory:
      return times + bytes_to_text(request.memory_mib << 20);
    case GpuRequest::Kind::Mig: {
      std::string text;
      for (const auto& [resource, count] : request.mig) {
        if (!text.empty()) text += "+";
        if (count != 1) text += std::to_string(count) + "x";
        text += resource.starts_with(mig_prefix) ? resource.substr(mig_prefix.size()) : resource;
      }
      return text;
    }
  }
  return "0";
}

std::int32_t portion_of_memory(std::int64_t memory_mib, std::int64_t device_mib) {
  if (memory_mib <= 0) return 0;
  if (device_mib <= 0) return 1000;
  // A request for a thousand devices fits nowhere; the bound keeps the sums of callers small.
  if (memory_mib / device_mib >= 1000) return 1'000'000;
  const std::int64_t hundredths =
      memory_mib / device_mib * 100 + (memory_mib % device_mib * 100 + device_mib - 1) / device_mib;
  return static_cast<std::int32_t>(hundredths * 10);
}

std::int64_t charged_milli(const GpuRequest& request, std::int64_t device_mib) {
  switch (request.kind) {
    case GpuRequest::Kind::None:
      return 0;
    case GpuRequest::Kind::Whole:
      return static_cast<std::int64_t>(request.devices) * 1000;
    case GpuRequest::Kind::Portion:
      return static_cast<std::int64_t>(request.devices) * request.milli;
    case GpuRequest::Kind::Memory:
      return static_cast<std::int64_t>(request.devices) * portion_of_memory(request.memory_mib, device_mib);
    case GpuRequest::Kind::Mig: {
      std::int64_t charged = 0;
      for (const auto& [resource, count] : request.mig) charged += 1000LL * mig_slices(resource).value_or(1) * count;
      return charged;
    }
  }
  return 0;
}

}  // namespace muster::model
