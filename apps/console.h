#pragma once
// The web console's files, built into the program.

#include "net/server.h"

namespace muster::apps {

// A file of the console, or its start page for the addresses that the console itself draws.
net::Response serve_console(const net::Request& request);

}  // namespace muster::apps
