#include "model/decision.h"

#include "model/words.h"

namespace muster::model {
namespace {

constexpr std::array<std::string_view, 5> actions = {"allocate", "consolidate", "reclaim", "preempt", "stale-gang"};
static_assert(static_cast<std::size_t>(Action::StaleGang) + 1 == actions.size());
constexpr std::array<std::string_view, 3> kinds = {"bind", "evict", "nominate"};
static_assert(static_cast<std::size_t>(Decision::Kind::Nominate) + 1 == kinds.size());

}  // namespace

std::string_view to_text(Action action) { return detail::word_of(actions, action); }
bool parse(std::string_view text, Action& out) { return detail::read_word(actions, text, out); }
std::string_view to_text(Decision::Kind kind) { return detail::word_of(kinds, kind); }

}  // namespace muster::model
