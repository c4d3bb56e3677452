#include "model/priority.h"

#include <array>

#include "model/words.h"

namespace muster::model {
namespace {

constexpr std::array<PriorityClass, 12> classes = {{{"very-high", 150},
                                                    {"high", 125},
                                                    {"medium-high", 90},
                                                    {"medium", 80},
                                                    {"medium-low", 65},
                                                    {"low", 40},
                                                    {"very-low", 25},
                                                    // Names of older releases.
                                                    {"inference", 125},
                                                    {"build", 100},
                                                    {"interactive-preemptible", 75},
                                                    {"build-preemptible", 75},
                                                    {"train", 50}}};

constexpr std::array<std::string_view, 3> words = {"preemptible", "non-preemptible", "semi-preemptible"};

}  // namespace

std::span<const PriorityClass> priority_classes() { return classes; }

std::optional<std::int32_t> priority_value(std::string_view name) {
  for (const PriorityClass& known : classes) {
    if (known.name == name) return known.value;
  }
  return std::nullopt;
}

std::string_view to_text(Preemptibility preemptibility) { return detail::word_of(words, preemptibility); }

std::optional<Preemptibility> parse_preemptibility(std::string_view text) {
  Preemptibility out{};
  return detail::read_word(words, text, out) ? std::optional(out) : std::nullopt;
}

Preemptibility preemptibility_of(std::int32_t priority) {
  return priority < 100 ? Preemptibility::Preemptible : Preemptibility::NonPreemptible;
}

}  // namespace muster::model
