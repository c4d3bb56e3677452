#include "model/verdict.h"

#include "model/words.h"

namespace muster::model {
namespace {

constexpr std::array<std::string_view, 15> reasons = {"QueueDoesNotExist",
                                                      "QueueNotLeaf",
                                                      "OverLimit",
                                                      "NonPreemptibleOverQuota",
                                                      "GangIncomplete",
                                                      "Gated",
                                                      "PreemptionDelayNotElapsed",
                                                      "BackingOff",
                                                      "NoMatchingNode",
                                                      "InsufficientResources",
                                                      "TopologyUnsatisfied",
                                                      "ReclaimNotAllowed",
                                                      "VictimsInsufficient",
                                                      "WaitingForTermination",
                                                      "BindFailing"};
static_assert(static_cast<std::size_t>(Reason::BindFailing) + 1 == reasons.size());

}  // namespace

std::string_view to_text(Reason reason) { return detail::word_of(reasons, reason); }
bool parse(std::string_view text, Reason& out) { return detail::read_word(reasons, text, out); }

}  // namespace muster::model
