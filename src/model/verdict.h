#pragma once
// Verdict: why a gang waits, as data: one code, numbers, a sentence, and the smallest changes that would start it
// (interface 7).

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"

namespace muster::model {

// In the order in which they are tested.
enum class Reason {
  QueueDoesNotExist,
  QueueNotLeaf,
  OverLimit,
  NonPreemptibleOverQuota,
  GangIncomplete,
  Gated,
  PreemptionDelayNotElapsed,
  BackingOff,
  NoMatchingNode,
  InsufficientResources,
  TopologyUnsatisfied,
  ReclaimNotAllowed,
  VictimsInsufficient,
  WaitingForTermination,
  BindFailing,
};

std::string_view to_text(Reason reason);
bool parse(std::string_view text, Reason& out);

struct Remedy {
  std::string set;                                       // "queue/team-a" or "workload"
  std::string field;                                     // "gpu.quota", "gpu.limit", "gpu", "preemptibility"
  std::variant<double, std::string, std::nullptr_t> to;  // nullptr: unlimited
};

struct Verdict {
  Reason reason = Reason::InsufficientResources;
  std::string queue;     // the queue whose rule decided; "" when none did
  std::string resource;  // gpu | cpu | memory | an extended resource; "" when none is meant
  // Keys of interface 7 that apply: have need quota limit allocated fairShare nodes devices. GPUs in devices, CPU in
  // cores, memory in bytes.
  std::map<std::string, double> numbers;
  std::map<std::string, std::int64_t> causes;  // NoMatchingNode, InsufficientResources: cause -> nodes
  std::string message;                         // one sentence with the numbers, present tense
  std::vector<Remedy> remedy;                  // smallest first
  Time since;                                  // when this reason began to hold
};

}  // namespace muster::model
