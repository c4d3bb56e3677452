// Whatever parse() takes is written and read back as the same value.
#include "base/check.h"
#include "base/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const muster::Result<muster::json::Value> value = muster::yaml::parse(text);
  if (value.has_value()) {
    const muster::Result<muster::json::Value> back =
        muster::yaml::parse(muster::yaml::write(*value), {.depth = 64, .bytes = 64U << 20, .nodes = 1'000'000});
    CHECK(back.has_value(), "what write() writes is YAML");
    CHECK(*back == *value, "what write() writes means the same");
  }
  muster::ignore(muster::yaml::parse_all(text), "only crashes count");
  return 0;
}
