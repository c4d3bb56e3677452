#pragma once
// Described structs and JSON. MUSTER_DESCRIBE(Pod, name, node_name) after a struct lets json::decode<Pod> and
// json::encode read and write it: members are snake_case in C++ and camelCase in JSON; std::optional members may be
// absent or null; a json::Patch<T> member tells absent, null and a value apart. Errors carry the JSON pointer. Owns
// Boost.Describe: no other file includes it.

#include <algorithm>
#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

#define MUSTER_DESCRIBE(Type, ...) BOOST_DESCRIBE_STRUCT(Type, (), (__VA_ARGS__))

namespace muster::json {

// What a patch says of one member.
template <class T>
struct Patch {
  bool present = false;    // the member stands in the document
  std::optional<T> value;  // nullopt with present: null
};

template <class T>
concept Described = boost::describe::has_describe_members<T>::value;

// What to do with members that the struct does not have. The schema has refused unknown ones already at doors that
// validate.
enum class Unknown { Ignore, Refuse };

namespace detail {

std::string camel(std::string_view snake);
Error wrong_type(std::string_view expected, const Value& got, const std::string& pointer);
Error unknown_member(std::string_view name, const std::vector<std::string>& known, const std::string& pointer);
Error missing_member(std::string_view name, const std::string& pointer);

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_patch : std::false_type {};
template <class T>
struct is_patch<Patch<T>> : std::true_type {};
template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T>
struct is_map : std::false_type {};
template <class T>
struct is_map<std::map<std::string, T>> : std::true_type {};

template <class T>
Result<void> read(const Value& value, T& out, const std::string& pointer, Unknown unknown);

template <class T>
Result<void> read_members(const Object& object, T& out, const std::string& pointer, Unknown unknown) {
  using Members = boost::describe::describe_members<T, boost::describe::mod_public>;
  Result<void> result;
  std::vector<std::string> known;
  boost::mp11::mp_for_each<Members>([&](auto d) {
    const std::string name = camel(d.name);
    known.push_back(name);
    if (!result.has_value()) return;
    auto& member = out.*d.pointer;
    using M = std::remove_reference_t<decltype(member)>;
    const Value* value = object.if_contains(name);
    if constexpr (is_patch<M>::value) {
      if (value == nullptr) return;
      member.present = true;
      if (value->is_null()) return;
      member.value.emplace();
      result = read(*value, *member.value, pointer + "/" + escape_step(name), unknown);
    } else if constexpr (is_optional<M>::value) {
      if (value == nullptr || value->is_null()) return;
      member.emplace();
      result = read(*value, *member, pointer + "/" + escape_step(name), unknown);
    } else {
      // A member with a default may be absent.
      if (value == nullptr) return;
      result = read(*value, member, pointer + "/" + escape_step(name), unknown);
    }
  });
  if (!result.has_value()) return result;
  if (unknown == Unknown::Refuse) {
    for (const auto& [name, item] : object) {
      if (std::find(known.begin(), known.end(), std::string_view(name)) == known.end()) {
        return unknown_member(name, known, pointer + "/" + escape_step(name));
      }
    }
  }
  return {};
}

template <class T>
Result<void> read(const Value& value, T& out, const std::string& pointer, Unknown unknown) {
  if constexpr (std::is_same_v<T, Value>) {
    out = value;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_bool()) return wrong_type("true or false", value, pointer);
    out = value.get_bool();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!value.is_string()) return wrong_type("a string", value, pointer);
    out = std::string(value.get_string());
  } else if constexpr (std::is_integral_v<T>) {
    const std::optional<std::int64_t> number = integer_at(value, "");
    if (!number || !std::in_range<T>(*number)) return wrong_type("an integer", value, pointer);
    out = static_cast<T>(*number);
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!value.is_number()) return wrong_type("a number", value, pointer);
    out = value.to_number<T>();
  } else if constexpr (is_vector<T>::value) {
    if (value.is_null()) return {};
    if (!value.is_array()) return wrong_type("a list", value, pointer);
    std::size_t i = 0;
    for (const Value& item : value.get_array()) {
      typename T::value_type element{};
      TRY(read(item, element, pointer + "/" + std::to_string(i++), unknown));
      out.push_back(std::move(element));
    }
  } else if constexpr (is_map<T>::value) {
    if (value.is_null()) return {};
    if (!value.is_object()) return wrong_type("an object", value, pointer);
    for (const auto& [name, item] : value.get_object()) {
      TRY(read(item, out[std::string(name)], pointer + "/" + escape_step(name), unknown));
    }
  } else {
    static_assert(Described<T>, "describe the struct with MUSTER_DESCRIBE");
    if (!value.is_object()) return wrong_type("an object", value, pointer);
    return read_members(value.get_object(), out, pointer, unknown);
  }
  return {};
}

}  // namespace detail

template <class T>
Result<T> decode(const Value& value, Unknown unknown = Unknown::Ignore) {
  T out{};
  TRY(detail::read(value, out, "", unknown));
  return out;
}

template <class T>
Value encode(const T& in) {
  if constexpr (std::is_same_v<T, Value>) {
    return in;
  } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, bool> || std::is_arithmetic_v<T>) {
    return Value(in);
  } else if constexpr (detail::is_vector<T>::value) {
    Array array;
    for (const auto& item : in) array.push_back(encode(item));
    return array;
  } else if constexpr (detail::is_map<T>::value) {
    Object object;
    for (const auto& [name, item] : in) object[name] = encode(item);
    return object;
  } else {
    static_assert(Described<T>, "describe the struct with MUSTER_DESCRIBE");
    Object object;
    boost::mp11::mp_for_each<boost::describe::describe_members<T, boost::describe::mod_public>>([&](auto d) {
      const auto& member = in.*d.pointer;
      using M = std::remove_cvref_t<decltype(member)>;
      if constexpr (detail::is_patch<M>::value) {
        if (!member.present) return;
        object[detail::camel(d.name)] = member.value ? encode(*member.value) : Value(nullptr);
      } else if constexpr (detail::is_optional<M>::value) {
        // Absent rather than null.
        if (member) object[detail::camel(d.name)] = encode(*member);
      } else {
        object[detail::camel(d.name)] = encode(member);
      }
    });
    return object;
  }
}

}  // namespace muster::json
