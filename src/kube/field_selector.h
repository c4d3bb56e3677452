#pragma once
// FieldSelector: "metadata.name=x,spec.nodeName!=y": equality of a few fields of each kind, the ones that a real API
// server supports.

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "kube/api.h"

namespace muster::kube {

class FieldSelector {
 public:
  // "" selects everything. invalid (400): the syntax, or a field that the kind does not support.
  static Result<FieldSelector> parse(const Kind& kind, std::string_view text);
  bool matches(const json::Value& object) const;
  bool selects_everything() const { return terms_.empty(); }
  // The name that metadata.name=... asks for; "" when it does not.
  const std::string& name() const { return name_; }

 private:
  struct Term {
    std::string pointer;
    bool equal = true;
    std::string value;
    std::string absent;  // what a missing field reads as: "" or "false"
  };
  std::vector<Term> terms_;
  std::string name_;
};

}  // namespace muster::kube
