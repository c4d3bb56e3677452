#pragma once
// Words: the two-way table between the enumerators of a noun and the words that stand for them outside.

#include <array>
#include <cstddef>
#include <string_view>

namespace muster::model::detail {

// Requires: the enumerators count up from 0 in the order of `words`.
template <class Enum, std::size_t N>
constexpr std::string_view word_of(const std::array<std::string_view, N>& words, Enum value) {
  const std::size_t i = static_cast<std::size_t>(value);
  return i < N ? words[i] : std::string_view("unknown");
}

template <class Enum, std::size_t N>
constexpr bool read_word(const std::array<std::string_view, N>& words, std::string_view text, Enum& out) {
  for (std::size_t i = 0; i < N; ++i) {
    if (words[i] == text) {
      out = static_cast<Enum>(i);
      return true;
    }
  }
  return false;
}

}  // namespace muster::model::detail
