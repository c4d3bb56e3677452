#pragma once
// Pattern: the regular expressions that contracts use (ECMA's syntax without back references and look-behind).
// Searching takes time proportional to text times pattern, whatever the pattern, so that neither a contract nor a
// request can stall a server. Works on bytes; a class holds ASCII only.

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace muster {

class Pattern {
 public:
  // invalid: names the place in the pattern that is not understood.
  static Result<Pattern> compile(std::string_view text);
  // Whether the pattern occurs anywhere in the text; ^ and $ bind it to begin and end.
  bool is_in(std::string_view text) const;

  struct Program;

 private:
  std::shared_ptr<const Program> program_;
};

}  // namespace muster
