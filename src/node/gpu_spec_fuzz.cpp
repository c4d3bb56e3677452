// Fuzz target: any text is either refused or gives nodes that can be offered.
#include <cstddef>
#include <cstdint>
#include <set>

#include "base/check.h"
#include "node/gpu_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto nodes = muster::node::parse_gpu_spec({reinterpret_cast<const char*>(bytes), size});
  if (!nodes.has_value()) {
    CHECK(!nodes.error().text.empty(), "a refusal says why");
    return 0;
  }
  std::set<std::string> names;
  for (const auto& node : *nodes) {
    CHECK(node.count > 0 && node.memory_mib > 0 && node.cpu > 0 && node.memory > 0, "nothing is empty");
    CHECK(names.insert(node.name).second, "names differ");
  }
  return 0;
}
