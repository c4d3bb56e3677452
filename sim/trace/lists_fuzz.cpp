// Node and pod lists come from anywhere: the bytes up to the first NUL are the node list, the rest the pod list.

#include <cstdint>
#include <string_view>

#include "sim/trace/lists.h"
#include "sim/trace/seat.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = bytes.find('\0');
  const std::string_view pods = cut == std::string_view::npos ? std::string_view() : bytes.substr(cut + 1);
  const muster::Result<muster::sim::trace::Lists> lists = muster::sim::trace::read_lists(bytes.substr(0, cut), pods);
  if (!lists.has_value()) return 0;
  const auto gradient = muster::sim::trace::gradient_of(*lists);
  muster::ignore(gradient, "only its crash would matter");
  return 0;
}
