#pragma once
// Names in scenario files: the plain name where it is unique, else namespace/name.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/text.h"
#include "sim/scenario/amounts.h"

namespace muster::sim {

template <class T>
Result<std::string> find_key(const std::map<std::string, T>& things, const std::string& name, std::string_view what,
                             const std::string& pointer) {
  if (things.contains(name)) return name;
  std::vector<std::string> found, known;
  for (const auto& [key, thing] : things) {
    const std::string plain = key.substr(key.find('/') + 1);
    if (plain == name) found.push_back(key);
    known.push_back(plain);
  }
  if (found.size() == 1) return found.front();
  const std::string noun(what);
  if (found.size() > 1) return at_pointer(noun + " \"" + name + "\" may be " + join(found, " or "), pointer);
  return at_pointer("no " + noun + " \"" + name + "\"" + did_you_mean(name, known), pointer);
}

}  // namespace muster::sim
