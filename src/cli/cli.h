#pragma once
// Cli: the command line: a table of commands, output forms, exit codes. The main adds rows of its own (up, cluster,
// shim, sim).

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace muster::cli {

struct Command {
  std::string name;     // "up", "sim trace"
  std::string summary;  // one line for --help
  // Gets the arguments after the name; returns the exit status. Such a row parses its own flags and answers --help
  // itself.
  std::function<int(const std::vector<std::string>& arguments)> run;
};

// Runs the command that the arguments name; `extra` are the main's own rows. Returns the exit status (interface 4).
int run(int argc, char** argv, const std::vector<Command>& extra);

}  // namespace muster::cli
