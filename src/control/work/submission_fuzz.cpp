// Any body of a submission is either refused, or becomes a complete spec that is accepted again unchanged.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/work/submission.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace muster;
  const Result<json::Value> body = json::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!body.has_value()) return 0;
  const Result<control::Submission> first = control::read_training(*body);
  if (!first.has_value()) return 0;
  control::summarize(first->spec);
  const json::Value again = json::Object{{"name", first->name}, {"projectId", first->project}, {"spec", first->spec}};
  const Result<control::Submission> second = control::read_training(again);
  if (!second.has_value() || second->spec != first->spec) std::abort();
  return 0;
}
