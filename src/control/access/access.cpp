#include "control/access/access.h"

#include "base/json.h"
#include "base/text.h"
#include "crypt/random.h"

namespace muster::control {
namespace {

constexpr std::string_view admin_group = "muster-admin";
constexpr std::string_view owner_id = "owner";
constexpr Duration membership_lifetime = seconds(5);
constexpr std::size_t most_codes = 1000;

bool changes_state(const std::string& method) { return method != "GET" && method != "HEAD" && method != "OPTIONS"; }

// Bound to the session, so that a cookie planted by a neighbour port does not fit.
std::string csrf_of(std::string_view session_token) {
  return crypt::sha256_hex("csrf of " + std::string(session_token)).substr(0, 32);
}

// Clients expect the shape of a JWT and read `exp` from its middle part with a decoder that drops '-' and '_'. To this
// server it is opaque: the whole text is the secret, its last part holds 256 random bits.
std::string token_with_expiry(Time expires) {
  const auto part = [](const json::Value& value) {
    std::string text = crypt::base64_encode(json::write(value));
    while (text.ends_with('=')) text.pop_back();
    return text;
  };
  // base64 of this ASCII JSON holds neither '+' nor '/'.
  return part(json::Object{{"typ", "JWT"}, {"alg", "none"}}) + "." +
         part(json::Object{{"sub", owner_id}, {"exp", expires.ms / 1000}}) + "." + crypt::random_token(256);
}

}  // namespace

std::string_view to_text(Via via) {
  switch (via) {
    case Via::Token:
      return "token";
    case Via::Cookie:
      return "cookie";
    case Via::Socket:
      return "socket";
  }
  return "";
}

Access::Access(Options options)
    : options_(std::move(options)), owner_hash_(crypt::sha256_hex(trim(options_.owner_token))) {}

Result<void> Access::load(sql::Connection& db) {
  const std::int64_t now = options_.clock->now().ms;
  TRY(db.execute("DELETE FROM token WHERE expires_at <= ?", {now}));
  const auto rows = TRY(db.query("SELECT hash, kind, name, uid, expires_at FROM token"));
  Lock lock(mutex_);
  for (const sql::Row& row : rows) {
    Known known{.kind = row.text(1), .identity = {.name = row.text(2), .uid = {}}, .expires = {row.integer(4)}};
    if (!row.is_null(3)) known.identity.uid = static_cast<uid_t>(row.integer(3));
    known_[row.text(0)] = std::move(known);
  }
  return {};
}

void Access::set_url(const std::string& url) {
  Lock lock(mutex_);
  url_ = url;
  origin_.set_url(url);
}

Identity Access::owner() const {
  const uid_t uid = options_.accounts->own_uid();
  const std::optional<Account> account = options_.accounts->by_uid(uid);
  return {.name = account ? account->name : std::to_string(uid), .uid = uid};
}

bool Access::is_https() const {
  Lock lock(mutex_);
  return url_.starts_with("https://");
}

bool Access::is_admin(const Account& account) const {
  // In user mode nobody but the owner and root gets past by_peer.
  if (!options_.root_mode || account.uid == 0) return true;
  const std::int64_t now = options_.clock->monotonic_ms();
  {
    Lock lock(mutex_);
    const auto found = memberships_.find(account.uid);
    if (found != memberships_.end() && now - found->second.asked_ms < membership_lifetime.ms)
      return found->second.admin;
  }
  const bool admin = options_.accounts->is_in_group(account, std::string(admin_group));
  Lock lock(mutex_);
  memberships_[account.uid] = {.admin = admin, .asked_ms = now};
  return admin;
}

Caller Access::caller_of(const Identity& identity, Via via) const {
  Caller caller{.name = identity.name, .uid = identity.uid, .gid = {}, .admin = false, .via = via, .session = {}};
  if (!identity.uid) return caller;
  const std::optional<Account> account = options_.accounts->by_uid(*identity.uid);
  // An account that was removed or renamed keeps nothing of what its uid once had.
  if (!account || account->name != identity.name) {
    caller.admin = *identity.uid == options_.accounts->own_uid();
    return caller;
  }
  caller.gid = account->gid;
  caller.admin = is_admin(*account);
  return caller;
}

Result<Caller> Access::by_peer(uid_t uid, std::optional<gid_t> gid) const {
  const uid_t own = options_.accounts->own_uid();
  if (!options_.root_mode && uid != own && uid != 0) {
    const std::optional<Account> account = options_.accounts->by_uid(own);
    return denied("this Muster belongs to " + (account ? account->name : std::to_string(own)) +
                  " alone; start your own, or ask an administrator to run it for all");
  }
  // What root does on somebody's own server runs as that somebody.
  const uid_t acts_as = options_.root_mode ? uid : own;
  const std::optional<Account> account = options_.accounts->by_uid(acts_as);
  Caller caller = caller_of({.name = account ? account->name : std::to_string(acts_as), .uid = acts_as}, Via::Socket);
  if (!caller.gid) caller.gid = gid;
  return caller;
}

Result<Caller> Access::by_bearer(const std::string& token) const {
  const std::string hash = crypt::sha256_hex(token);
  if (!options_.owner_token.empty() && equal_secret(hash, owner_hash_)) return caller_of(owner(), Via::Token);
  std::optional<Known> known;
  {
    Lock lock(mutex_);
    // Looked up by its hash: the time of a lookup tells nothing about the token.
    const auto found = known_.find(hash);
    if (found != known_.end() && found->second.kind == "access") known = found->second;
  }
  if (!known) return unauthenticated("the token is not known here; take a fresh one");
  if (known->expires <= options_.clock->now()) return unauthenticated("the token has expired; take a fresh one");
  return caller_of(known->identity, Via::Token);
}

Result<Caller> Access::by_session(const std::string& token) const {
  const std::string hash = crypt::sha256_hex(token);
  std::optional<Known> known;
  {
    Lock lock(mutex_);
    const auto found = known_.find(hash);
    if (found != known_.end() && found->second.kind == "session") known = found->second;
  }
  if (!known || known->expires <= options_.clock->now()) {
    return unauthenticated("the session has ended; sign in again with `muster login --link`");
  }
  Caller caller = caller_of(known->identity, Via::Cookie);
  caller.session = hash;
  return caller;
}

Result<Caller> Access::caller(const net::Request& request) const {
  if (const std::string* header = request.header("Authorization")) {
    if (header->size() < 7 || to_lower(header->substr(0, 7)) != "bearer ") {
      return unauthenticated("the Authorization header is no Bearer token");
    }
    return by_bearer(std::string(trim(std::string_view(*header).substr(7))));
  }
  if (const std::string session = request.cookie("muster_session"); !session.empty()) return by_session(session);
  if (request.peer_uid) return by_peer(*request.peer_uid, request.peer_gid);
  return unauthenticated("this needs a token: give it as `Authorization: Bearer`, or sign in");
}

std::optional<net::Response> Access::filter(net::Request& request) const {
  {
    Lock lock(mutex_);
    if (const Result<void> meant = origin_.check(request); !meant.has_value()) {
      return net::error_response(meant.error());
    }
  }
  if (request.is_open_route) return std::nullopt;
  const Result<Caller> who = caller(request);
  if (!who.has_value()) {
    net::Response response = net::error_response(who.error());
    if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"muster\"");
    return response;
  }
  if (who->via != Via::Cookie || !changes_state(request.method)) return std::nullopt;
  const std::string* header = request.header("X-Muster-Csrf");
  if (header == nullptr || !equal_secret(*header, csrf_of(request.cookie("muster_session")))) {
    return net::error_response(denied("a request by cookie that changes something needs the header X-Muster-Csrf"));
  }
  return std::nullopt;
}

Result<void> Access::keep(const std::string& hash, const Known& known) {
  const std::int64_t now = options_.clock->now().ms;
  const Result<void> done = options_.record->commit([&](sql::Connection& db, Effects&) -> Result<void> {
    TRY(db.execute("DELETE FROM token WHERE expires_at <= ?", {now}));
    TRY(db.execute("INSERT INTO token (hash, kind, name, uid, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
                   {hash, known.kind, known.identity.name,
                    known.identity.uid ? sql::Cell(std::int64_t{*known.identity.uid}) : sql::Cell(nullptr), now,
                    known.expires.ms}));
    return audit(db, {now}, known.identity.name, known.kind == "session" ? "sign-in" : "token", "user",
                 known.identity.name, json::Object{});
  });
  TRY(done);
  Lock lock(mutex_);
  std::erase_if(known_, [&](const auto& one) { return one.second.expires.ms <= now; });
  known_[hash] = known;
  return {};
}

Result<Access::Grant> Access::issue_token(std::string_view id, std::string_view secret) {
  if (options_.owner_token.empty() || id != owner_id || !equal_secret(crypt::sha256_hex(trim(secret)), owner_hash_)) {
    return unauthenticated("id or secret is wrong; the id is owner, the secret stands in owner.token");
  }
  const Time expires = options_.clock->now() + token_lifetime;
  Grant grant{.token = token_with_expiry(expires), .lifetime = token_lifetime};
  TRY(keep(crypt::sha256_hex(grant.token), {.kind = "access", .identity = owner(), .expires = expires}));
  return grant;
}

std::string Access::sign_in_url(const Identity& identity) {
  const std::string code = crypt::random_token(128);
  const Time now = options_.clock->now();
  Lock lock(mutex_);
  std::erase_if(codes_, [&](const auto& one) { return one.second.expires <= now; });
  // A caller in a loop must not fill the memory: the codes that end first make room.
  while (codes_.size() >= most_codes) {
    auto first = codes_.begin();
    for (auto it = codes_.begin(); it != codes_.end(); ++it) {
      if (it->second.expires < first->second.expires) first = it;
    }
    codes_.erase(first);
  }
  codes_[crypt::sha256_hex(code)] = {.identity = identity, .expires = now + code_lifetime};
  return url_ + "/signin#code=" + code;
}

Result<Access::Session> Access::sign_in(std::string_view code) {
  const Time now = options_.clock->now();
  std::optional<Code> taken;
  {
    Lock lock(mutex_);
    const auto found = codes_.find(crypt::sha256_hex(code));
    if (found != codes_.end()) {
      taken = found->second;
      codes_.erase(found);
    }
  }
  if (!taken || taken->expires <= now) {
    return unauthenticated(
        "this sign-in link was used already or is older than 10 minutes; `muster login --link` gives a fresh one");
  }
  Session session{
      .name = taken->identity.name, .token = crypt::random_token(256), .csrf = {}, .lifetime = session_lifetime};
  session.csrf = csrf_of(session.token);
  TRY(keep(crypt::sha256_hex(session.token),
           {.kind = "session", .identity = taken->identity, .expires = now + session_lifetime}));
  return session;
}

Result<void> Access::sign_out(const Caller& caller) {
  if (caller.session.empty()) return {};
  {
    Lock lock(mutex_);
    known_.erase(caller.session);
  }
  return options_.record->commit([&](sql::Connection& db, Effects&) -> Result<void> {
    TRY(db.execute("DELETE FROM token WHERE hash = ?", {caller.session}));
    return audit(db, options_.clock->now(), caller.name, "sign-out", "user", caller.name, json::Object{});
  });
}

bool Access::is_live(const Caller& caller) const {
  if (caller.session.empty()) return true;
  Lock lock(mutex_);
  const auto found = known_.find(caller.session);
  return found != known_.end() && found->second.expires > options_.clock->now();
}

}  // namespace muster::control
