// Whatever parse() takes is written and read back as the same value, and patches between two values lead from one to
// the other.
#include "base/check.h"
#include "base/json.h"

namespace {

bool has_null(const muster::json::Value& value) {
  if (value.is_null()) return true;
  if (value.is_object()) {
    for (const auto& [name, item] : value.get_object()) {
      if (has_null(item)) return true;
    }
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace muster;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const Result<json::Value> value = json::parse(text);
  if (!value.has_value()) return 0;
  const Result<json::Value> back = json::parse(json::write(*value), {.bytes = 64U << 20});
  CHECK(back.has_value(), "what write() writes is JSON");
  const Result<json::Value> pretty = json::parse(json::write_pretty(*value), {.bytes = 64U << 20});
  CHECK(pretty.has_value(), "what write_pretty() writes is JSON");
  CHECK(json::write(*pretty) == json::write(*back), "both writers mean the same");
  const json::Object* object = value->if_object();
  if (object == nullptr || has_null(*value)) return 0;
  json::Value patched = json::Object{{"a", 1}, {"b", json::Object{{"c", 2}}}};
  json::merge_patch(patched, json::diff_merge_patch(patched, *value));
  CHECK(patched == *value, "a difference leads to its end");
  return 0;
}
