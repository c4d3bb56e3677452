#pragma once
// Flags: the small command-line reader for programs that stand beside the table of cli: `muster up`, `muster cluster`,
// `muster sim`.
// "--name value", "--name=value", switches, "--" ends flags. --help is answered by the caller.

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace muster {

struct FlagSpec {
  std::string name;         // "--listen"
  std::string placeholder;  // "ADDR"; "" = a switch
  std::string help;
};

class Flags {
 public:
  // invalid: an unknown flag (with the nearest known one), a missing value, a value for a switch.
  static Result<Flags> parse(std::span<const std::string> arguments, std::span<const FlagSpec> specs);
  bool has(const std::string& name) const { return values_.contains(name); }
  // The last value given, or `otherwise`.
  std::string value_or(const std::string& name, const std::string& otherwise) const;
  std::vector<std::string> values(const std::string& name) const;
  const std::vector<std::string>& positional() const { return positional_; }
  bool wants_help() const { return has("--help"); }

 private:
  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> positional_;
};

// "Usage: <usage>\n\n<summary>\n\nFlags:\n ..." with a final newline.
std::string help_text(std::string_view usage, std::string_view summary, std::span<const FlagSpec> specs);

}  // namespace muster
