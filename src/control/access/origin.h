#pragma once
// Origin: whether a request was meant for this server. A page of another site can make a browser send requests here
// (with cookies even, by a name of its own that resolves to this machine); Host and Origin give it away.

#include <string>

#include "base/result.h"
#include "net/server.h"

namespace muster::control {

class OriginCheck {
 public:
  // "http://127.0.0.1:7070": the address under which the listener is reached.
  void set_url(const std::string& url);
  // denied when Host is neither the listener's own name nor a loopback one, or Origin is another site.
  Result<void> check(const net::Request& request) const;

 private:
  std::string scheme_ = "http";
  std::string host_;  // with port
};

}  // namespace muster::control
