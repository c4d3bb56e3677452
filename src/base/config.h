#pragma once
// Config: settings with where each came from. A flag wins over the environment, that over the configuration file, that
// over the default (interface 1). The file is a YAML mapping of names to plain values.

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace muster {

// A setting that a program knows.
struct KnownSetting {
  std::string_view name;      // in the file and in `config view`: "project"
  std::string_view flag;      // "--project"; "" = none
  std::string_view variable;  // "MUSTER_PROJECT"; "" = none
  std::string otherwise;      // the default
  bool is_secret = false;     // shown as dots
};

struct Setting {
  enum class Origin { Flag, Environment, File, Default };
  std::string name;
  std::string value;
  Origin origin = Origin::Default;
  std::string source;  // "--project", "MUSTER_PROJECT", the file's path; "default"
  bool is_secret = false;
};

class Config {
 public:
  struct Sources {
    std::map<std::string, std::string, std::less<>> flags;  // by setting name
    std::function<std::optional<std::string>(std::string_view)>
        variable;                  // by variable name; an empty one counts as unset
    std::string file;              // path; "" or missing = none
    bool file_must_exist = false;  // it was asked for by name
  };
  // invalid: the file is no mapping of plain values, or names a setting that is not known (with the nearest one).
  static Result<Config> load(std::span<const KnownSetting> known, const Sources& sources);

  // Requires: `name` is known.
  const Setting& at(std::string_view name) const;
  const std::string& value(std::string_view name) const { return at(name).value; }
  // In the order of the known ones.
  const std::vector<Setting>& all() const { return settings_; }

 private:
  std::vector<Setting> settings_;
};

// "flag", "environment", "file", "default"
std::string_view to_text(Setting::Origin origin);

// The process's environment as Config::Sources::variable.
std::optional<std::string> process_variable(std::string_view name);

}  // namespace muster
