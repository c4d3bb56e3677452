#pragma once
// Priority classes and preemptibility (product rule 1.2.4). Priority orders workloads inside one project only.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace muster::model {

enum class Preemptibility { Preemptible, NonPreemptible, SemiPreemptible };

struct PriorityClass {
  std::string_view name;
  std::int32_t value;
};

// very-high 150, high 125, medium-high 90, medium 80, medium-low 65, low 40, very-low 25 and the older names.
std::span<const PriorityClass> priority_classes();
std::optional<std::int32_t> priority_value(std::string_view name);
// preemptible | non-preemptible | semi-preemptible
std::string_view to_text(Preemptibility preemptibility);
std::optional<Preemptibility> parse_preemptibility(std::string_view text);
// What holds when nothing was said: preemptible iff priority < 100.
Preemptibility preemptibility_of(std::int32_t priority);

}  // namespace muster::model
