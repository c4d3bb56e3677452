#pragma once
// Surroundings: what a command line finds around itself: streams, variables, the terminal, the working folder. Handed
// in, so that tests give their own.

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace muster::cli {

struct Surroundings {
  std::function<void(std::string_view)> out;  // data; whole pieces, in order, from one thread at a time
  std::function<void(std::string_view)> err;  // everything else
  std::function<std::optional<std::string>(std::string_view)> variable;
  std::function<std::optional<std::string>()> ask;  // one line of input; nullopt at its end
  std::function<bool()> interrupted;                // whether Ctrl-C was pressed since the command began
  bool out_is_terminal = false, err_is_terminal = false, in_is_terminal = false;
  int width = 100;  // columns of the terminal
  std::string working_folder;
  uid_t uid = 0;
  std::string home;
  std::string system_socket = "/run/muster/muster.sock";  // of a server that root runs
  Clock* clock = nullptr;

  std::string variable_or(std::string_view name, std::string_view otherwise) const;
};

// Those of this process.
Surroundings process_surroundings();
// From now on Ctrl-C is only noted, so that a command that waits can say how to go on. A second one ends the program.
void hold_interrupt();

}  // namespace muster::cli
