#pragma once
// Result<T>: a value or an Error. TRY hands the error to the caller, so that errors read as lightly as exceptions:
//   auto pod = TRY(kube.get(key));
// An ignored Result does not compile ([[nodiscard]]); say `ignore(result, "why it may be ignored")` where that is
// meant.

#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "base/error.h"

namespace muster {

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
  // The same result, its error with a line of context in front.
  Result at(std::string_view context) && {
    if (this->has_value()) return std::move(*this);
    return Result(this->error().at(context));
  }
};

template <class T>
void ignore(const Result<T>&, std::string_view /*why*/) {}

namespace detail {
template <class R>
decltype(auto) take(R&& result) {
  using Value = typename std::remove_cvref_t<R>::value_type;
  if constexpr (std::is_void_v<Value>) {
    return;
  } else {
    return Value(*std::forward<R>(result));
  }
}
}  // namespace detail

}  // namespace muster

// clang-format off
#define TRY(...)                                                                     \
  __extension__({                                                                    \
    auto&& muster_try_result = (__VA_ARGS__);                                        \
    if (!muster_try_result.has_value()) return std::move(muster_try_result).error(); \
    ::muster::detail::take(std::move(muster_try_result));                            \
  })
// clang-format on
