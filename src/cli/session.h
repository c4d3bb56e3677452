#pragma once
// Session: one command as it runs: what was typed, the settings, the screen, the server.

#include <memory>
#include <string>

#include "base/config.h"
#include "cli/screen.h"
#include "cli/server.h"
#include "cli/surroundings.h"
#include "cli/table.h"

namespace muster::cli {

struct Session {
  const Surroundings& around;
  const Invocation& typed;
  const Row& row;
  Config settings;
  std::string settings_file;
  Screen screen;
  std::unique_ptr<Server> connected = nullptr;

  // Found on first use (interface 1: MUSTER_URL, else endpoint.json, else the socket).
  Result<Server*> server();
  std::string project() const { return settings.value("project"); }
};

}  // namespace muster::cli
