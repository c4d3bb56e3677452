#include "node/gpu_spec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

#include "base/quantity.h"
#include "base/text.h"

namespace muster::node {

namespace {

// So that "2xH200" has the memory of one where the spec does not say.
struct KnownModel {
  std::string_view name;
  std::int64_t gib;
};
constexpr std::array known_models = {
    KnownModel{"A10", 24},   KnownModel{"A100", 80}, KnownModel{"A30", 24},   KnownModel{"A40", 48},
    KnownModel{"B200", 180}, KnownModel{"H100", 80}, KnownModel{"H200", 141}, KnownModel{"L4", 24},
    KnownModel{"L40S", 48},  KnownModel{"T4", 16},   KnownModel{"V100", 32},
};

constexpr std::int32_t most_devices = 256;
constexpr std::size_t most_nodes = 1000;
constexpr std::string_view grammar = "[name=]COUNTxMODEL[-MEM][:cpu=N][:mem=Q], such as 2xA100-80G";

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

// "80G", "80Gi", "512M", "512Mi" as device memory in MiB; both spellings mean powers of two, as on the cards' labels.
std::optional<std::int64_t> device_memory(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number <= 0 || number > 1 << 24) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit == "G" || unit == "Gi") return number * 1024;
  if (unit == "M" || unit == "Mi") return number;
  return std::nullopt;
}

bool is_model(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::isalnum(static_cast<unsigned char>(text.front())) &&
         std::isalnum(static_cast<unsigned char>(text.back())) && std::all_of(text.begin(), text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
         });
}

Result<void> read_devices(std::string_view text, SimulatedNode& node) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), node.count);
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error == std::errc::invalid_argument || rest.empty() || rest.front() != 'x') {
    return invalid("expected COUNTxMODEL, got " + quoted(text) + "; write " + std::string(grammar));
  }
  if (error != std::errc() || node.count < 1 || node.count > most_devices) {
    return invalid("count in " + quoted(text) + " must be 1 to " + std::to_string(most_devices));
  }
  const std::string_view model = rest.substr(1);
  if (!is_model(model)) {
    return invalid("model " + quoted(model) + " must be letters, digits, '-', '.' and '_', such as A100-80G");
  }
  node.model = std::string(model);
  const std::size_t dash = model.rfind('-');
  if (dash != std::string_view::npos) {
    if (const auto memory = device_memory(model.substr(dash + 1))) {
      node.memory_mib = *memory;
      return {};
    }
  }
  const auto known = std::find_if(known_models.begin(), known_models.end(),
                                  [&](const KnownModel& each) { return to_lower(each.name) == to_lower(model); });
  if (known != known_models.end()) node.memory_mib = known->gib * 1024;
  return {};
}

bool is_label_part(std::string_view text, std::string_view extra) {
  return !text.empty() && std::isalnum(static_cast<unsigned char>(text.front())) &&
         std::isalnum(static_cast<unsigned char>(text.back())) && std::all_of(text.begin(), text.end(), [&](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) || extra.find(c) != std::string_view::npos;
         });
}

Result<void> read_label(std::string_view text, SimulatedNode& node) {
  const std::size_t equals = text.find('=');
  const std::string_view key = text.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  if (!is_label_part(key, "-_./") || key.size() > 316 || !is_label_part(value, "-_.") || value.size() > 63) {
    return invalid("label " + quoted(text) +
                   ": expected KEY=VALUE of letters, digits, '-', '_' and '.', such as rack=r1");
  }
  node.labels[std::string(key)] = std::string(value);
  return {};
}

Result<void> read_option(std::string_view text, SimulatedNode& node) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  if (name.starts_with("label.")) return read_label(text.substr(6), node);
  if (equals == std::string_view::npos || (name != "cpu" && name != "mem")) {
    return invalid("unknown option " + quoted(text) + "; known are cpu=N, mem=Q and label.KEY=VALUE");
  }
  const std::string_view value = text.substr(equals + 1);
  const auto number = name == "cpu" ? parse_milli(value) : parse_units(value);
  if (!number.has_value()) return number.error().at(std::string(name));
  if (*number <= 0) return invalid(std::string(name) + " must be above 0, got " + quoted(value));
  (name == "cpu" ? node.cpu : node.memory) = *number;
  return {};
}

Result<SimulatedNode> read_item(std::string_view text, std::size_t position) {
  if (text.empty()) return invalid("is empty; write " + std::string(grammar));
  SimulatedNode node;
  const std::vector<std::string_view> pieces = split(text, ':');
  std::string_view devices = pieces.front();
  const std::size_t equals = devices.find('=');
  if (equals == std::string_view::npos) {
    node.name = "sim-" + std::to_string(position);
  } else {
    node.name = std::string(devices.substr(0, equals));
    if (!is_dns_label(node.name)) {
      return invalid("node name " + quoted(node.name) +
                     " must be lower case letters, digits and '-', begin with a letter, at most 63 long");
    }
    devices.remove_prefix(equals + 1);
  }
  TRY(read_devices(devices, node));
  for (std::size_t i = 1; i < pieces.size(); ++i) TRY(read_option(pieces[i], node));
  return node;
}

}  // namespace

Result<std::vector<SimulatedNode>> parse_gpu_spec(std::string_view spec) {
  if (trim(spec).empty()) return invalid("simulated gpus: the spec is empty; write " + std::string(grammar));
  std::vector<SimulatedNode> nodes;
  std::set<std::string> names;
  for (const std::string_view item : split(spec, ',')) {
    const std::string_view text = trim(item);
    const std::size_t position = nodes.size() + 1;
    const std::string where = "simulated gpus, item " + std::to_string(position) + " " + quoted(text);
    if (position > most_nodes) return invalid(where + ": more than " + std::to_string(most_nodes) + " nodes");
    SimulatedNode node = TRY(read_item(text, position).at(where));
    if (!names.insert(node.name).second) {
      return invalid(where + ": node name " + quoted(node.name) + " is used twice; name one of them with name=");
    }
    nodes.push_back(std::move(node));
  }
  return nodes;
}

}  // namespace muster::node
