#include "control/access/origin.h"

#include "base/text.h"

namespace muster::control {
namespace {

// "[::1]:7070" -> "[::1]", "localhost:7070" -> "localhost"
std::string_view name_of(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(0, end + 1);
  }
  return host.substr(0, host.rfind(':'));
}

// Names that always mean the visitor's own machine: no other site can claim them. Any port, since ssh -L changes it.
bool is_loopback(std::string_view name) { return name == "localhost" || name == "127.0.0.1" || name == "[::1]"; }

}  // namespace

void OriginCheck::set_url(const std::string& url) {
  const std::size_t at = url.find("://");
  scheme_ = at == std::string::npos ? "http" : url.substr(0, at);
  host_ = to_lower(at == std::string::npos ? url : url.substr(at + 3));
  if (const std::size_t slash = host_.find('/'); slash != std::string::npos) host_.resize(slash);
}

Result<void> OriginCheck::check(const net::Request& request) const {
  const std::string* host = request.header("Host");
  const std::string* origin = request.header("Origin");
  const std::string said = host == nullptr ? "" : to_lower(*host);
  // No browser speaks on a UNIX socket, and its callers have no address to name.
  if (!request.peer_uid) {
    if (host == nullptr) return invalid("the request names no Host");
    if (said != host_ && !is_loopback(name_of(said))) {
      return denied("host \"" + said.substr(0, 200) + "\" is not this server; use " + scheme_ + "://" + host_);
    }
  }
  if (origin != nullptr && to_lower(*origin) != scheme_ + "://" + said) {
    return denied("origin \"" + origin->substr(0, 200) + "\" is another site");
  }
  return {};
}

}  // namespace muster::control
