#include "base/config.h"

#include <cstdlib>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"
#include "base/yaml.h"

namespace muster {
namespace {

Result<std::map<std::string, std::string>> read_settings(std::span<const KnownSetting> known,
                                                         const Config::Sources& sources) {
  std::map<std::string, std::string> values;
  if (sources.file.empty()) return values;
  const Result<std::string> bytes = read_file(sources.file, 1 << 20);
  if (!bytes.has_value()) {
    if (bytes.error().kind == ErrorKind::NotFound && !sources.file_must_exist) return values;
    return bytes.error();
  }
  const json::Value file = TRY(yaml::parse(*bytes).at(sources.file));
  if (file.is_null()) return values;
  if (!file.is_object()) return invalid(sources.file + ": expected a mapping such as \"project: vision\"");
  std::vector<std::string> names;
  for (const KnownSetting& setting : known) names.emplace_back(setting.name);
  for (const auto& [key, value] : file.get_object()) {
    const std::string name(key);
    if (std::find(names.begin(), names.end(), name) == names.end())
      return invalid(sources.file + ": unknown setting \"" + name + "\"" + did_you_mean(name, names), "/" + name);
    if (value.is_object() || value.is_array())
      return invalid(sources.file + ": setting \"" + name + "\": expected a plain value", "/" + name);
    if (value.is_null()) continue;
    values[name] = value.is_string() ? std::string(value.get_string()) : json::write(value);
  }
  return values;
}

}  // namespace

Result<Config> Config::load(std::span<const KnownSetting> known, const Sources& sources) {
  const std::map<std::string, std::string> from_file = TRY(read_settings(known, sources));
  Config config;
  for (const KnownSetting& setting : known) {
    Setting out{.name = std::string(setting.name),
                .value = setting.otherwise,
                .source = "default",
                .is_secret = setting.is_secret};
    const auto flag = sources.flags.find(setting.name);
    std::optional<std::string> variable;
    if (sources.variable && !setting.variable.empty()) variable = sources.variable(setting.variable);
    const auto line = from_file.find(out.name);
    if (flag != sources.flags.end()) {
      out.value = flag->second;
      out.origin = Setting::Origin::Flag;
      out.source = setting.flag;
    } else if (variable && !variable->empty()) {
      out.value = *std::move(variable);
      out.origin = Setting::Origin::Environment;
      out.source = setting.variable;
    } else if (line != from_file.end()) {
      out.value = line->second;
      out.origin = Setting::Origin::File;
      out.source = sources.file;
    }
    config.settings_.push_back(std::move(out));
  }
  return config;
}

const Setting& Config::at(std::string_view name) const {
  for (const Setting& setting : settings_) {
    if (setting.name == name) return setting;
  }
  CHECK(false, "callers ask for settings of their own table");
  return settings_.front();
}

std::string_view to_text(Setting::Origin origin) {
  switch (origin) {
    case Setting::Origin::Flag:
      return "flag";
    case Setting::Origin::Environment:
      return "environment";
    case Setting::Origin::File:
      return "file";
    case Setting::Origin::Default:
      return "default";
  }
  return "default";
}

std::optional<std::string> process_variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

}  // namespace muster
