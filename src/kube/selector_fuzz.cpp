// Any bytes are either refused as a selector or read into one that answers for any object.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "kube/field_selector.h"
#include "kube/kinds.h"
#include "kube/label_selector.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  static const muster::json::Value object =
      muster::json::parse(
          R"({"metadata":{"name":"a","namespace":"b","labels":{"a":"b","n":"7","x.y/z":""}},"spec":{"nodeName":"n"}})")
          .value();
  if (const auto labels = muster::kube::LabelSelector::parse(text); labels.has_value()) {
    const bool matched = labels->matches_object(object);
    CHECK(!labels->selects_everything() || matched, "an empty selector selects everything");
  }
  if (const auto fields = muster::kube::FieldSelector::parse(muster::kube::kinds::pod, text); fields.has_value()) {
    const bool matched = fields->matches(object);
    CHECK(!fields->selects_everything() || matched, "an empty selector selects everything");
  }
  return 0;
}
