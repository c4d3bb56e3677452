#pragma once
// Listening sockets with errors that help: who holds a taken port, what to do about it. Used by server.cpp.

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace muster::net {

// `address` is an IP address or localhost; port 0 = any. A taken port is Internal and names the holder where /proc
// tells it.
Result<Fd> listen_tcp(const std::string& address, std::uint16_t port);
// Replaces a stale socket file; conflict when a live server answers on it.
Result<Fd> listen_unix(const std::string& path, mode_t mode);
// "pid 4711 (python3)", or "" when it cannot be found out.
std::string holder_of_port(std::uint16_t port);

}  // namespace muster::net
