#pragma once
// Access: proves who speaks. The owner's token, tokens for programs, sessions from one-use sign-in codes, peers of the
// UNIX socket (interface 8). Secrets are kept as SHA-256 only and never logged.
// Thread contract: every method from any thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/threads.h"
#include "control/access/accounts.h"
#include "control/access/caller.h"
#include "control/access/origin.h"
#include "control/record/record.h"
#include "net/server.h"

namespace muster::control {

class Access {
 public:
  struct Options {
    std::string owner_token;
    bool root_mode = false;
    const Accounts* accounts = nullptr;
    Clock* clock = nullptr;
    Record* record = nullptr;
  };
  explicit Access(Options options);
  // Tokens and sessions of earlier runs. Before serving.
  Result<void> load(sql::Connection& db);
  void set_url(const std::string& url);

  // Host, Origin, authentication, and the CSRF header of cookie requests that change state. nullopt: go on.
  std::optional<net::Response> filter(net::Request& request) const;
  // Who sent this request.
  Result<Caller> caller(const net::Request& request) const;
  // What an identity may do now: group membership is asked anew every few seconds.
  Caller caller_of(const Identity& identity, Via via) const;

  struct Grant {
    std::string token;
    Duration lifetime;
  };
  // Requires of id and secret: the owner's, until applications exist. unauthenticated otherwise.
  Result<Grant> issue_token(std::string_view id, std::string_view secret);
  // "<url>/signin#code=...": one use, 10 minutes.
  std::string sign_in_url(const Identity& identity);
  struct Session {
    std::string name, token, csrf;
    Duration lifetime;
  };
  Result<Session> sign_in(std::string_view code);
  Result<void> sign_out(const Caller& caller);
  Identity owner() const;
  bool is_live(const Caller& caller) const;
  bool is_https() const;

  static constexpr Duration code_lifetime = minutes(10);
  static constexpr Duration token_lifetime = hours(12);
  static constexpr Duration session_lifetime = hours(24 * 7);

 private:
  struct Known {
    std::string kind;  // access | session
    Identity identity;
    Time expires;
  };
  struct Code {
    Identity identity;
    Time expires;
  };
  Result<Caller> by_bearer(const std::string& token) const EXCLUDES(mutex_);
  Result<Caller> by_session(const std::string& token) const EXCLUDES(mutex_);
  Result<Caller> by_peer(uid_t uid, std::optional<gid_t> gid) const;
  bool is_admin(const Account& account) const EXCLUDES(mutex_);
  Result<void> keep(const std::string& hash, const Known& known);

  const Options options_;
  const std::string owner_hash_;
  mutable Mutex mutex_;
  OriginCheck origin_ GUARDED_BY(mutex_);
  std::string url_ GUARDED_BY(mutex_);
  std::map<std::string, Known, std::less<>> known_ GUARDED_BY(mutex_);  // by hash
  std::map<std::string, Code, std::less<>> codes_ GUARDED_BY(mutex_);   // by hash
  struct Membership {
    bool admin = false;
    std::int64_t asked_ms = 0;
  };
  mutable std::map<uid_t, Membership> memberships_ GUARDED_BY(mutex_);
};

}  // namespace muster::control
