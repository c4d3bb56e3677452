#include "model/phase.h"

#include "model/words.h"

namespace muster::model {
namespace {

constexpr std::array<std::string_view, 14> words = {"Creating", "Pending",  "Initializing", "Resuming", "Running",
                                                    "Updating", "Degraded", "Stopping",     "Stopped",  "Completed",
                                                    "Failed",   "Deleting", "Terminating",  "Unknown"};
static_assert(static_cast<std::size_t>(Phase::Unknown) + 1 == words.size());

}  // namespace

std::string_view to_text(Phase phase) { return detail::word_of(words, phase); }
bool parse(std::string_view text, Phase& out) { return detail::read_word(words, text, out); }
bool is_final(Phase phase) { return phase == Phase::Completed || phase == Phase::Failed; }

}  // namespace muster::model
