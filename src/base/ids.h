#pragma once
// Ids: strong 32-bit indexes for tables in memory, and UUIDs for what outlives a process.

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace muster {

// An index that cannot be mistaken for another table's: `using NodeId = Id<struct NodeTag>;`
template <class Tag>
struct Id {
  static constexpr std::uint32_t none_value = UINT32_MAX;
  std::uint32_t value = none_value;
  static constexpr Id none() { return {}; }
  constexpr bool is_none() const { return value == none_value; }
  friend constexpr auto operator<=>(Id, Id) = default;
};

// A random version 4 UUID in lower case, from the system's generator.
std::string new_uuid();
bool is_uuid(std::string_view text);
// A version 8 UUID made from the name alone: the same name gives the same UUID on every machine. Not for secrets.
std::string uuid_of_name(std::string_view name);
// `n` characters of [a-z0-9] without look-alikes, for generated names.
std::string random_suffix(std::size_t n);

}  // namespace muster

template <class Tag>
struct std::hash<muster::Id<Tag>> {
  std::size_t operator()(muster::Id<Tag> id) const noexcept { return id.value; }
};
