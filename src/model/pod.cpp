#include "model/pod.h"

#include "model/words.h"

namespace muster::model {
namespace {

constexpr std::array<std::string_view, 11> states = {"Pending",          "Gated",     "Allocated", "Pipelined",
                                                     "Binding",          "Bound",     "Running",   "Releasing",
                                                     "StuckInReleasing", "Succeeded", "Failed"};
static_assert(static_cast<std::size_t>(PodState::Failed) + 1 == states.size());

}  // namespace

std::string_view to_text(PodState state) { return detail::word_of(states, state); }
bool parse(std::string_view text, PodState& out) { return detail::read_word(states, text, out); }

bool holds_resources(PodState state) {
  switch (state) {
    case PodState::Allocated:
    case PodState::Binding:
    case PodState::Bound:
    case PodState::Running:
    case PodState::Releasing:
    case PodState::StuckInReleasing:
      return true;
    case PodState::Pending:
    case PodState::Gated:
    case PodState::Pipelined:
    case PodState::Succeeded:
    case PodState::Failed:
      return false;
  }
  return false;
}

}  // namespace muster::model
