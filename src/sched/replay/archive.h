#pragma once
// Archive: nouns to bytes and back. Integers in little-endian of fixed width, lengths before contents. The reader stops
// at the first thing that cannot be and remembers that it did; it never reads beyond its bytes.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "sched/replay/fields.h"

namespace muster::sched::replay {

class Writer {
 public:
  template <class T>
  void operator()(T& v) {
    if constexpr (std::is_enum_v<T>) {
      number(static_cast<std::uint64_t>(v), 1);
    } else if constexpr (std::is_same_v<T, bool>) {
      number(v ? 1 : 0, 1);
    } else if constexpr (std::is_integral_v<T>) {
      number(static_cast<std::uint64_t>(v), sizeof(T));
    } else {
      fields(*this, v);
    }
  }
  void operator()(std::string& v) {
    number(v.size(), 4);
    bytes_ += v;
  }
  template <class T>
  void operator()(std::optional<T>& v) {
    number(v ? 1 : 0, 1);
    if (v) (*this)(*v);
  }
  template <class T>
  void operator()(std::vector<T>& v) {
    number(v.size(), 4);
    for (auto& item : v) (*this)(item);
  }
  template <class K, class T>
  void operator()(std::map<K, T>& v) {
    number(v.size(), 4);
    for (auto& [key, value] : v) {
      K copy = key;
      (*this)(copy), (*this)(value);
    }
  }
  void operator()(Delta& v) {
    number(v.index(), 1);
    std::visit([&](auto& d) { fields(*this, d); }, v);
  }
  void number(std::uint64_t n, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) bytes_ += static_cast<char>(n >> (8 * i) & 0xff);
  }
  const std::string& bytes() const { return bytes_; }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  void operator()(T& v) {
    if constexpr (std::is_enum_v<T>) {
      v = static_cast<T>(number(1));
    } else if constexpr (std::is_same_v<T, bool>) {
      v = number(1) != 0;
    } else if constexpr (std::is_integral_v<T>) {
      v = static_cast<T>(number(sizeof(T)));
    } else {
      fields(*this, v);
    }
  }
  void operator()(std::string& v) {
    std::size_t n = length();
    v = std::string(bytes_.substr(0, n));
    bytes_.remove_prefix(n);
  }
  template <class T>
  void operator()(std::optional<T>& v) {
    v.reset();
    if (number(1) != 0) (*this)(v.emplace());
  }
  template <class T>
  void operator()(std::vector<T>& v) {
    v.clear();
    for (std::size_t n = length(); n > 0 && !failed_; --n) (*this)(v.emplace_back());
  }
  template <class K, class T>
  void operator()(std::map<K, T>& v) {
    v.clear();
    for (std::size_t n = length(); n > 0 && !failed_; --n) {
      K key{};
      (*this)(key);
      (*this)(v[key]);
    }
  }
  void operator()(Delta& v) {
    std::uint64_t index = number(1);
    if (index >= std::variant_size_v<Delta>) return fail();
    choose(v, index, std::make_index_sequence<std::variant_size_v<Delta>>());
  }
  std::uint64_t number(std::size_t width) {
    if (bytes_.size() < width) {
      fail();
      return 0;
    }
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < width; ++i)
      n |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[i])) << (8 * i);
    bytes_.remove_prefix(width);
    return n;
  }
  bool failed() const { return failed_; }
  std::string_view rest() const { return bytes_; }

 private:
  // Everything that a length counts takes a byte at least.
  std::size_t length() {
    std::uint64_t n = number(4);
    if (n > bytes_.size()) {
      fail();
      return 0;
    }
    return static_cast<std::size_t>(n);
  }
  void fail() {
    failed_ = true;
    bytes_ = {};
  }
  template <std::size_t... I>
  void choose(Delta& v, std::uint64_t index, std::index_sequence<I...>) {
    ((index == I ? fields(*this, v.emplace<I>()) : void()), ...);
  }

  std::string_view bytes_;
  bool failed_ = false;
};

}  // namespace muster::sched::replay
