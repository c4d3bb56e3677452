#pragma once
// Decision: what the engine wants done. Bind a pod with physical devices, evict one, or nominate one on what is being
// released.

#include <string>
#include <string_view>
#include <vector>

#include "model/pod.h"

namespace muster::model {

enum class Action { Allocate, Consolidate, Reclaim, Preempt, StaleGang };
std::string_view to_text(Action action);  // allocate consolidate reclaim preempt stale-gang
bool parse(std::string_view text, Action& out);

struct Decision {
  enum class Kind { Bind, Evict, Nominate };
  Kind kind = Kind::Bind;
  std::string ns, pod;
  std::string node;
  std::vector<DeviceShare> devices;  // Bind and Nominate
  Action action = Action::Allocate;
  std::string
      for_gang;  // Evict, and Nominate of a moved victim: "ns/name" of the gang that needs the room; "" otherwise
  std::string
      message;  // Evict: one sentence that names who took what and why, with both queues' use, quota and fair share
};

std::string_view to_text(Decision::Kind kind);  // bind evict nominate

}  // namespace muster::model
