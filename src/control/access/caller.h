#pragma once
// Caller: who speaks, proven by token, cookie or UNIX socket, and what that allows.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace muster::control {

enum class Via { Token, Cookie, Socket };
std::string_view to_text(Via via);  // token | cookie | socket

// The proven identity alone; rights follow from it at each request.
struct Identity {
  std::string name;          // login name of the machine
  std::optional<uid_t> uid;  // runs the workloads; nullopt only for accounts that the machine no longer has
};

struct Caller {
  std::string name;
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  bool admin = false;  // owner, root, members of muster-admin
  Via via = Via::Token;
  std::string session;  // hash of the session's token with Via::Cookie; "" otherwise
};

}  // namespace muster::control
