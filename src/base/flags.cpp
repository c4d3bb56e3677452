#include "base/flags.h"

#include <algorithm>

#include "base/text.h"

namespace muster {

Result<Flags> Flags::parse(std::span<const std::string> arguments, std::span<const FlagSpec> specs) {
  Flags flags;
  std::vector<std::string> known = {"--help"};
  for (const FlagSpec& spec : specs) known.push_back(spec.name);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      flags.positional_.insert(flags.positional_.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                               arguments.end());
      break;
    }
    if (argument == "-h" || argument == "--help") {
      flags.values_["--help"];
      continue;
    }
    if (!argument.starts_with("-") || argument == "-") {
      flags.positional_.push_back(argument);
      continue;
    }
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const auto spec = std::find_if(specs.begin(), specs.end(), [&](const FlagSpec& s) { return s.name == name; });
    if (spec == specs.end()) return invalid("unknown flag " + name + did_you_mean(name, known) + "; --help lists them");
    std::vector<std::string>& values = flags.values_[name];
    if (spec->placeholder.empty()) {
      if (equals != std::string::npos) return invalid("flag " + name + " takes no value");
    } else if (equals != std::string::npos) {
      values.push_back(argument.substr(equals + 1));
    } else if (i + 1 < arguments.size()) {
      values.push_back(arguments[++i]);
    } else {
      return invalid("flag " + name + " needs a value: " + name + " " + spec->placeholder);
    }
  }
  return flags;
}

std::string Flags::value_or(const std::string& name, const std::string& otherwise) const {
  const auto it = values_.find(name);
  return it == values_.end() || it->second.empty() ? otherwise : it->second.back();
}

std::vector<std::string> Flags::values(const std::string& name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::vector<std::string>{} : it->second;
}

std::string help_text(std::string_view usage, std::string_view summary, std::span<const FlagSpec> specs) {
  std::string out = "Usage: " + std::string(usage) + "\n\n" + std::string(summary) + "\n";
  if (!specs.empty()) out += "\nFlags:\n";
  for (const FlagSpec& spec : specs) {
    std::string left = "  " + spec.name + (spec.placeholder.empty() ? "" : " " + spec.placeholder);
    left.resize(std::max<std::size_t>(left.size() + 2, 28), ' ');
    out += left + spec.help + "\n";
  }
  return out;
}

}  // namespace muster
