#pragma once
// LabelSelector: Kubernetes' text form, "a=b,c!=d,e in (f,g),h notin (i),j,!k,l>3". All requirements must hold.

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace muster::kube {

class LabelSelector {
 public:
  // "" selects everything. invalid (400) names the place.
  static Result<LabelSelector> parse(std::string_view text);
  // `labels` is metadata.labels of an object, or nullptr when it has none.
  bool matches(const json::Value* labels) const;
  // The same for a whole object.
  bool matches_object(const json::Value& object) const;
  bool selects_everything() const { return requirements_.empty(); }

 private:
  enum class Op { In, NotIn, Exists, Absent, Greater, Less };
  struct Requirement {
    std::string key;
    Op op = Op::Exists;
    std::vector<std::string> values;
    std::int64_t bound = 0;  // Greater, Less
  };
  static bool holds(const Requirement& requirement, const json::Value* labels);
  friend class LabelSelectorReader;
  std::vector<Requirement> requirements_;
};

}  // namespace muster::kube
